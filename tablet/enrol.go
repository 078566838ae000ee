// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// Identity is who this tablet is in its county.
type Identity struct {
	Replica     string // the id it saves under now
	Shard       string
	Label       string
	Role        string   // tablet or hub
	Staff       *Strings // who may be an author
	Divisions   *Strings // prefixes it may see and write
	Addresses   *Strings // of the centre
	ExpiresAtMs int64    // by the centre's clock; after it, a sync renews
}

// Enrol makes the tablet one of a county: the invitation is the text that the
// office gave, staff is who the present secret belongs to; it may be empty when
// that is known or the invitation is for one person. Cut off, it may be called again with the same
// invitation. A further invitation of the same county gives the tablet other
// rights. Options may be nil. Reasons: invitation, locked, staff, code, other_shard,
// unreachable, pin.
func (t *Tablet) Enrol(ctx context.Context, invitation, staff string, o *SyncOptions) error {
	ctx, done, err := t.beginCall(ctx)
	if err != nil {
		return fail("enrol", err)
	}
	defer done()
	return fail("enrol", t.enrol(ctx, invitation, staff, o))
}

func (t *Tablet) enrol(ctx context.Context, invitation, staff string, o *SyncOptions) error {
	i, err := session.ParseInvitation(invitation)
	if err != nil {
		return err
	}
	if t.Locked() {
		return replica.ErrLocked
	}
	if known := t.knownShard(); known != (segment.ShardID{}) && known != i.Shard {
		return replica.ErrOtherShard
	}
	key, err := t.rep().PublicKey(ctx)
	if err != nil {
		return err
	}
	centre, err := remote.New(o.centreConfig(server{Addresses: i.Addresses, Pin: i.Pin, Shard: i.Shard}))
	if err != nil {
		return err
	}
	defer centre.Close()
	e, err := centre.Enrol(ctx, i.Code, key)
	if err != nil {
		return err
	}
	if staff, err = t.whose(e.Certificate, staff); err != nil {
		return err
	}
	s := server{
		Addresses: addressesFrom(centre.Address(), i.Addresses), Shard: i.Shard, ShardKey: e.ShardKey, Recipient: e.Recipient,
	}
	s.Pin, s.Roster = centre.Trust().Pin, centre.Trust().Roster.Raw
	return t.keep(ctx, s, e.Certificate.Raw, staff)
}

// addressesFrom returns the addresses to try from now on: first the one at which the
// centre answered, wherever it is known from, then the others of the invitation.
func addressesFrom(answered string, invited []string) []string {
	others := slices.DeleteFunc(slices.Clone(invited), func(a string) bool { return a == answered })
	return append([]string{answered}, others...)
}

// whose returns whose the present secret is from now on: still that of who unlocked
// the tablet, if they are on the certificate; else that of staff, who has none here
// yet, or of the only person on it.
func (t *Tablet) whose(c segment.Certificate, staff string) (string, error) {
	present := t.unlockedBy()
	switch {
	case staff == "" && c.AllowsAuthor(present):
		return present, nil
	case staff == "" && len(c.Staff) == 1:
		staff = c.Staff[0]
	}
	taken := staff != present && (c.AllowsAuthor(present) || slices.Contains(t.vault.Staff(), staff))
	if taken || !c.AllowsAuthor(staff) {
		return "", fmt.Errorf("%q unlocked, %q enrols, for %q: %w", present, staff, c.Staff, errStaff)
	}
	return staff, nil
}

// keep writes down what enrolment gave, the certificate last: until it is there the
// tablet is not enrolled, and enrolling again does all of this again.
func (t *Tablet) keep(ctx context.Context, s server, certificate []byte, staff string) error {
	if err := t.writeNote(ctx, noteServer, s); err != nil {
		return err
	}
	if err := t.vault.SealFor(s.Shard, s.Recipient); err != nil {
		return err
	}
	if err := t.vault.Rename(t.unlockedBy(), staff); err != nil {
		return err
	}
	t.mu.Lock()
	t.staff = staff
	t.mu.Unlock()
	if err := t.rep().Enrol(ctx, s.ShardKey, certificate); err != nil {
		return err
	}
	return t.openReplica(ctx)
}

func (t *Tablet) knownShard() segment.ShardID {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.server.Shard
}

// Identity says who this tablet is. It works while locked. Reason: not_enrolled.
func (t *Tablet) Identity() (*Identity, error) {
	c, err := t.certificate(context.Background())
	if err != nil {
		return nil, fail("identity", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id := &Identity{
		Replica: c.Replica().String(), Shard: c.Shard.String(), Label: c.Label, Role: c.Role.String(),
		Staff: &Strings{c.Staff}, Divisions: &Strings{}, Addresses: &Strings{t.server.Addresses},
		ExpiresAtMs: c.ExpiresAt.UnixMilli(),
	}
	for _, d := range c.Divisions {
		id.Divisions.all = append(id.Divisions.all, string(d))
	}
	return id, nil
}
