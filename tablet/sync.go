// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// Dialer makes connections in place of the system.
type Dialer interface {
	// Dial connects to host:port. Several addresses may be tried at once; a context
	// that ends must end it.
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// Progress is told how a sync goes on.
type Progress interface {
	// Progress is called with offer, push or pull, and how much of it is done; total
	// is 0 while nobody knows. It must return soon.
	Progress(phase string, done, total int)
}

// SyncOptions say how to reach the centre. All fields may be left empty.
type SyncOptions struct {
	Progress Progress
	Dialer   Dialer
	// Address is host:port of the centre where it is not at those of the invitation;
	// several have commas between.
	Address string
	// Tries is how often in a row a call may fail; 0: 5, within some ten seconds.
	Tries int
	// With is whom to sync with: CentreName or a hub's name. Empty: the centre, and when
	// it cannot be reached each hub in turn. With an Address, it is the centre.
	With string
}

// CentreName is what the centre is called among those that a tablet syncs with.
const CentreName = "centre"

// SyncReport says what a sync did, as far as it came.
type SyncReport struct {
	Pushed     int    // segments that are new to the centre
	Already    int    // segments that it had
	Acks       int    // segments newly known to be at the centre
	Refused    int    // segments that it could not read: see Refusals
	Blocked    int    // segments that wait for an earlier one
	Received   int    // records that came or changed
	Departures int    // records that left what this tablet may see
	Complete   bool   // all of it is here and adds up to the centre's
	Repulled   bool   // it did not add up at first and was taken again
	NewEpoch   bool   // the centre was restored, or this was the first sync
	With       string // who answered: CentreName, or the name of a hub
	AtHub      bool   // it was a hub: what was pushed is at the clinic
	HubBehind  bool   // the hub has not met the centre, or not since a restore: nothing was taken from it
	Revoked    bool   // the centre takes and gives nothing: ask the office
	Renewed    bool   // the certificate was renewed: it had expired, or was about to
	Forked     bool   // somebody else saves under this tablet's key: a copy of it
	NewReplica string
	// ScopeRecords and ScopeBytes are how much the server said there is for this tablet,
	// before a download from nothing; 0 where none was made.
	ScopeRecords int64
	ScopeBytes   int64
	Dropped      int // records that were let go for want of room: see Limits
	Beyond       int // all that are: at the centre only
	Findings     int // records of which the centre says something else than before
	// FindingsReason is why what the centre finds was not taken, or not all of it; "" it
	// was, or this server has none. The sync itself came to its end.
	FindingsReason string
	refusals       []string
}

// Refusals returns, for each refused segment, its hash and the reason, with a blank
// between.
func (o *SyncReport) Refusals() *Strings { return &Strings{o.refusals} }

// Sync hands over what was saved and takes what changed. Whatever it did before an
// error is kept and reported; calling it again goes on from there. One sync runs
// at a time. Options may be nil. Reasons: locked, not_enrolled, busy, unreachable,
// pin, revoked, history_rewritten, epoch_behind, fingerprint, succession, full, not_hub, unknown_hub.
func (t *Tablet) Sync(ctx context.Context, o *SyncOptions) (*SyncReport, error) {
	if t.Locked() {
		return &SyncReport{}, fail("sync", replica.ErrLocked)
	}
	return t.run(ctx, o, false)
}

// SyncLocked hands over what was sealed before the tablet was locked, and nothing
// else. It needs no secret.
func (t *Tablet) SyncLocked(ctx context.Context, o *SyncOptions) (*SyncReport, error) {
	return t.run(ctx, o, true)
}

func (t *Tablet) run(ctx context.Context, o *SyncOptions, locked bool) (*SyncReport, error) {
	ctx, done, err := t.beginCall(ctx)
	if err != nil {
		return &SyncReport{}, fail("sync", err)
	}
	defer done()
	report, err := t.sync(ctx, o, locked)
	return report, fail("sync", err)
}

// sync tries each way in turn until one can be gone to its end, or something other than
// the way is in its way.
func (t *Tablet) sync(ctx context.Context, o *SyncOptions, locked bool) (*SyncReport, error) {
	out := &SyncReport{}
	if _, err := t.certificate(ctx); err != nil {
		return out, err
	}
	ways, err := t.ways(ctx, o, locked)
	if err != nil {
		return out, err
	}
	var failed []error
	for i, w := range ways {
		err := t.syncBy(ctx, w, i+1 < len(ways), o, locked, out)
		if err == nil {
			return out, nil
		}
		failed = append(failed, err)
		if !elsewhere(err) {
			break
		}
	}
	return out, errors.Join(failed...)
}

// syncBy syncs one way. Where there are further ones, it is not waited for long.
func (t *Tablet) syncBy(ctx context.Context, w way, further bool, o *SyncOptions, locked bool, out *SyncReport) error {
	w.config.Identity = t.identity
	if !locked {
		if err := t.grown(ctx); err != nil {
			return err
		}
	}
	centre, err := remote.New(w.config)
	if err != nil {
		return err
	}
	defer centre.Close()
	seen := &watched{Centre: centre, remote: centre, way: w, ask: t.askScope}
	seen.scope = func(x session.Extent) { out.ScopeRecords, out.ScopeBytes = int64(x.Records), int64(x.StateBytes) }
	if !w.isHub {
		seen.renew = func(ctx context.Context) error {
			err := t.renew(ctx, centre)
			out.Renewed = out.Renewed || err == nil
			return err
		}
	}
	if err = t.reach(ctx, seen, further); err == nil {
		out.With, out.AtHub = w.name, w.isHub
		err = t.syncRenewed(ctx, seen, o, locked, out)
	}
	if err == nil && !locked && !w.isHub && !out.Revoked {
		t.takeFindings(ctx, centre, out)
	}
	if errors.Is(err, replica.ErrBusy) {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	return errors.Join(err, t.spend(reserveOpening, func() error {
		return errors.Join(t.keepServer(ctx, seen), t.noteRun(ctx, seen, out, err))
	}))
}

// takeFindings takes what the centre found. If that fails, the next sync does it: this
// one came to its end.
func (t *Tablet) takeFindings(ctx context.Context, centre *remote.Centre, out *SyncReport) {
	came, err := t.pullFindings(ctx, centre)
	out.Findings = came
	if err == nil || remote.ReasonOf(err) == remote.ReasonNotServed {
		return
	}
	out.FindingsReason = reasonOf(t.noRoom(err))
	t.log.Warn("take what the centre found", "reason", out.FindingsReason)
}

// syncRenewed syncs, and once more with a new certificate when the centre says that
// the present one has expired.
func (t *Tablet) syncRenewed(ctx context.Context, w *watched, o *SyncOptions, locked bool, out *SyncReport) error {
	sync := func() error { return t.syncSteadily(ctx, w, o, locked, out) }
	err := t.spend(reserveOpening, sync)
	switch {
	case locked || w.way.isHub:
		return err
	case err == nil && w.remote.RenewDue() && !out.Revoked:
		t.renewInTime(ctx, w.remote, out)
		return nil
	case remote.ReasonOf(err) != "expired":
		return err
	}
	if err := t.renew(ctx, w.remote); err != nil {
		return err
	}
	out.Renewed = true
	return t.spend(reserveOpening, sync)
}

// renewInTime renews a certificate that is still good. If that fails, the next sync does
// it: this one came to its end.
func (t *Tablet) renewInTime(ctx context.Context, centre *remote.Centre, out *SyncReport) {
	if err := t.renew(ctx, centre); err != nil {
		t.log.Warn("renew the certificate", "reason", reasonOf(err))
		return
	}
	out.Renewed = true
}

// maxEnrolments is how often a sync begins anew because of further invitations that
// were taken while it ran.
const maxEnrolments = 3

// syncSteadily syncs, and again with the new certificate when one came meanwhile.
func (t *Tablet) syncSteadily(ctx context.Context, w *watched, o *SyncOptions, locked bool, out *SyncReport) error {
	err := t.syncOnce(ctx, w, o, locked, out)
	for n := 0; n < maxEnrolments && errors.Is(err, replica.ErrRightsChanged); n++ {
		w.remote.SignInAnew()
		err = t.syncOnce(ctx, w, o, locked, out)
	}
	return err
}

func (t *Tablet) syncOnce(ctx context.Context, w *watched, o *SyncOptions, locked bool, out *SyncReport) error {
	r, err := t.rep().Sync(ctx, w, replica.Options{Hub: w.hub, Locked: locked, Progress: o.progress(out)})
	out.add(r)
	if r.News() {
		t.cameIn(ctx)
	}
	if err != nil || locked {
		return err
	}
	if err := t.fit(ctx, out); err != nil || !t.lowSpace() {
		return err
	}
	_, err = t.rep().Sweep(ctx)
	return err
}

// renew gets the certificate anew and keeps it.
func (t *Tablet) renew(ctx context.Context, centre *remote.Centre) error {
	raw, err := centre.Renew(ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	shard := t.server.ShardKey
	t.mu.Unlock()
	return t.rep().Enrol(ctx, shard, raw)
}

// identity is who signs in: the certificate of the key that saves now.
func (t *Tablet) identity(ctx context.Context) ([]byte, segment.Signer, error) {
	c, err := t.certificate(ctx)
	if err != nil {
		return nil, nil, err
	}
	key, err := t.vault.Signer(c.Replica())
	return c.Raw, key, err
}

func (o *SyncOptions) config(s server) remote.Config {
	cfg := remote.Config{Addresses: s.Addresses, Pin: s.Pin, Shard: s.Shard}
	if o == nil {
		return cfg
	}
	cfg.Tries = o.Tries
	if o.Address != "" {
		cfg.Addresses = strings.Split(o.Address, ",")
	}
	if o.Dialer != nil {
		cfg.Dial = o.Dialer.Dial
	}
	return cfg
}

// centreConfig is how to reach the centre itself, which its shard may say is known by
// another pin now.
func (o *SyncOptions) centreConfig(s server) remote.Config {
	cfg := o.config(s)
	cfg.Follow = true
	cfg.Roster, _ = session.OpenRoster(s.Roster, s.Shard) // without one, the pin counts
	return cfg
}

// progress tells how a sync goes on; of a download from nothing it is known how much there is.
func (o *SyncOptions) progress(out *SyncReport) func(replica.Progress) {
	if o == nil || o.Progress == nil {
		return nil
	}
	return func(p replica.Progress) {
		if p.Phase == replica.PhasePull {
			p.Total = max(p.Total, int(out.ScopeRecords))
		}
		o.Progress.Progress(phaseName(p.Phase), p.Done, p.Total)
	}
}

func phaseName(p replica.Phase) string {
	switch p {
	case replica.PhaseOffer:
		return "offer"
	case replica.PhasePush:
		return "push"
	}
	return "pull"
}

// add counts a run of the replica in.
func (o *SyncReport) add(r replica.Report) {
	o.Pushed += r.Pushed
	o.Already += r.Already
	o.Acks += r.Acks
	o.Refused, o.Blocked, o.refusals = len(r.Refused), r.Blocked, nil
	for _, refused := range r.Refused {
		o.refusals = append(o.refusals, refused.Segment.String()+" "+refused.Reason)
	}
	o.Received += r.Bases
	o.Departures += r.Departures
	o.Complete = r.Complete
	o.Repulled = o.Repulled || r.Repulled
	o.NewEpoch = o.NewEpoch || r.NewEpoch
	o.HubBehind = r.HubEpoch || o.AtHub && r.Epoch.Number == 0
	o.Revoked, o.Forked = r.Revoked, o.Forked || r.Forked
	if !r.Successor.IsZero() {
		o.NewReplica = r.Successor.String()
	}
}

// watched notes what the centre says of itself in passing.
type watched struct {
	session.Centre
	remote *remote.Centre
	way    way
	hub    causal.ReplicaID // who it is; zero: the centre
	heard  bool
	marks  int
	renew  func(context.Context) error // gets the certificate anew; nil: this way cannot
	ask    func(context.Context, *watched) error
	scope  func(session.Extent) // told what there is; nil: nobody
}

// Hello notes the backups that the centre shows.
func (w *watched) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	r, err := w.Centre.Hello(ctx, q)
	if err == nil {
		w.heard, w.marks = true, len(r.Marks)
	}
	return r, err
}

// Pull renews first where divisions of the certificate have other codes: under the old one,
// what was moved to them would depart. The sync then begins anew with the new one. Before a
// download from nothing it asks how much there is.
func (w *watched) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	if w.renew == nil || !w.remote.Recoded() {
		if len(q.Cursor) == 0 {
			if err := w.ask(ctx, w); err != nil {
				return err
			}
		}
		return w.Centre.Pull(ctx, q, page)
	}
	if err := w.renew(ctx); err != nil {
		return err
	}
	return replica.ErrRightsChanged
}

// noteRun keeps what Status says of the last sync.
func (t *Tablet) noteRun(ctx context.Context, w *watched, r *SyncReport, failed error) error {
	var n lastSync
	if err := t.readNote(ctx, noteSync, &n); err != nil {
		return err
	}
	n.AtMs, n.Reason = t.opts.Clock.NowMs(), ""
	switch {
	case failed != nil:
		n.Reason = reasonOf(failed)
	case w.way.isHub:
		n.HubMs = n.AtMs
	case r.Complete:
		n.CleanMs = n.AtMs
	}
	if w.heard {
		n.Marks, n.Revoked = w.marks, r.Revoked
	}
	if r.NewReplica != "" {
		n.NewKeys, n.NewKeyMs = n.NewKeys+1, n.AtMs
	}
	switch n.Reason {
	case WarnRewritten, WarnRolledBack, WarnEpochBehind:
		n.Behind = n.Reason
	case "":
		if !w.way.isHub { // a hub only relays
			n.Behind = ""
		}
	}
	n.Rewritten = n.Rewritten || errors.Is(failed, replica.ErrHistoryRewritten)
	if failed == nil && w.way.isHub {
		if err := t.noteHubRun(ctx, w.way.name, n.AtMs); err != nil {
			return err
		}
	}
	return t.writeNote(ctx, noteSync, n)
}
