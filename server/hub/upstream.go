// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

const (
	// gather is how long the hub waits after a push for others to follow: a clinic's
	// tablets often come together.
	gather = 500 * time.Millisecond
	// firstRest and lastRest are how long the hub leaves a centre alone that could not
	// be reached, doubled with each failure: when the line is back, what waits is on its
	// way within lastRest.
	firstRest = 5 * time.Second
	lastRest  = 2 * time.Minute
	// sweepEvery is how often the hub looks for what it may let go.
	sweepEvery = time.Hour
	// renewAfter is how old a certificate may become. The hub's newest certificate is
	// all it knows of the centre's clock.
	renewAfter = 30 * 24 * time.Hour
)

// Join makes the hub one of a county, by an invitation that the office made for a hub.
// Cut off, it may be called again with the same invitation; a further one gives other
// rights. Its error wraps session.ErrInvitation, replica.ErrOtherShard or ErrRole, or
// is one of package remote.
func (h *Hub) Join(ctx context.Context, invitation string) error {
	i, err := session.ParseInvitation(invitation)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if known := h.Shard(); known != (segment.ShardID{}) && known != i.Shard {
		return fmt.Errorf("join: %w", replica.ErrOtherShard)
	}
	key, err := h.replica.PublicKey(ctx)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	centre, err := remote.New(h.towards(settings{Addresses: i.Addresses, Shard: i.Shard, Pin: i.Pin}))
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	defer centre.Close()
	e, err := centre.Enrol(ctx, i.Code, key)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if e.Certificate.Role != segment.RoleHub {
		return fmt.Errorf("join: %w", ErrRole)
	}
	answered := centre.Address()
	others := slices.DeleteFunc(slices.Clone(i.Addresses), func(a string) bool { return a == answered })
	trust := centre.Trust()
	return h.keep(ctx, settings{
		Addresses: append([]string{answered}, others...), Pin: trust.Pin, Shard: i.Shard, ShardKey: e.ShardKey, Roster: trust.Roster.Raw,
	}, e.Certificate.Raw)
}

// towards is how to reach the centre that settings name, which its shard may say is known
// by another pin now.
func (h *Hub) towards(s settings) remote.Config {
	cfg := remote.Config{Addresses: s.Addresses, Shard: s.Shard, Pin: s.Pin, Follow: true, Dial: h.cfg.Dial, Tries: h.cfg.Tries}
	cfg.Roster, _ = session.OpenRoster(s.Roster, s.Shard) // without one, the pin counts
	return cfg
}

// keep writes down what enrolment gave, the certificate last: until it is there the
// hub is in no county, and joining again does all of this again.
func (h *Hub) keep(ctx context.Context, s settings, certificate []byte) error {
	if err := h.configure(s); err != nil {
		return err
	}
	if err := h.replica.Enrol(ctx, s.ShardKey, certificate); err != nil {
		return err
	}
	return h.look(ctx)
}

// configure keeps settings; the next call goes to where they say.
func (h *Hub) configure(s settings) error {
	if err := s.write(h.cfg.Dir); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.set = s
	if h.centre == nil {
		return nil
	}
	err := h.centre.Close()
	h.centre = nil
	return err
}

// Move says that the centre is at other addresses from now on. It must not be called
// while Run or Sync runs.
func (h *Hub) Move(addresses []string) error {
	if err := session.CheckAddresses(addresses); err != nil {
		return err
	}
	s := h.settings()
	s.Addresses = addresses
	return h.configure(s)
}

// upstream returns the centre, connected at the first call.
func (h *Hub) upstream() (*remote.Centre, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.centre != nil {
		return h.centre, nil
	}
	var err error
	cfg := h.towards(h.set)
	cfg.Identity = h.identity
	h.centre, err = remote.New(cfg)
	return h.centre, err
}

// identity is who signs in: the certificate of the key in use.
func (h *Hub) identity(ctx context.Context) ([]byte, segment.Signer, error) {
	c, err := h.Certificate(ctx)
	if err != nil {
		return nil, nil, err
	}
	key, err := h.keys.Signer(c.Replica())
	return c.Raw, key, err
}

// Sync hands over what waits for the centre and takes what changed, once. Errors are
// those of replica.Sync and of package remote; what was done before one is kept.
func (h *Hub) Sync(ctx context.Context) (replica.Report, error) {
	h.calm()
	report, err := h.sync(ctx)
	if err == nil || !errors.Is(err, replica.ErrBusy) {
		err = errors.Join(err, h.follow(), h.after(context.WithoutCancel(ctx), report, err))
	}
	return report, err
}

func (h *Hub) sync(ctx context.Context) (replica.Report, error) {
	if _, err := h.Certificate(ctx); err != nil {
		return replica.Report{}, err
	}
	centre, err := h.upstream()
	if err != nil {
		return replica.Report{}, err
	}
	report, err := h.replica.Sync(ctx, centre, replica.Options{})
	if remote.ReasonOf(err) == "expired" || err == nil && !report.Revoked && (h.old(ctx) || centre.Recoded()) {
		if err := h.renew(ctx, centre); err != nil {
			return report, err
		}
		return h.replica.Sync(ctx, centre, replica.Options{})
	}
	return report, err
}

// follow keeps by what the centre is known, if a connection has shown something new.
func (h *Hub) follow() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.centre == nil {
		return nil
	}
	trust, next := h.centre.Trust(), h.set
	next.Pin, next.Roster = trust.Pin, trust.Roster.Raw
	if next.Pin == h.set.Pin && bytes.Equal(next.Roster, h.set.Roster) {
		return nil
	}
	if err := next.write(h.cfg.Dir); err != nil {
		return err
	}
	h.set = next
	return nil
}

// old reports whether the certificate should be renewed.
func (h *Hub) old(ctx context.Context) bool {
	c, err := h.Certificate(ctx)
	return err == nil && h.cfg.Clock().After(c.IssuedAt.Add(renewAfter))
}

func (h *Hub) renew(ctx context.Context, centre *remote.Centre) error {
	raw, err := centre.Renew(ctx)
	if err != nil {
		return err
	}
	return h.replica.Enrol(ctx, h.ShardKey(), raw)
}

// after lets go what may go, and notes what came of a sync.
func (h *Hub) after(ctx context.Context, report replica.Report, failed error) error {
	var err error
	if failed == nil {
		err = h.sweep(ctx)
	}
	err = errors.Join(err, h.look(ctx), h.note(ctx, report, failed))
	if report.Bases+report.Departures+report.Office+report.Acks > 0 || report.NewEpoch {
		h.announce()
	}
	return err
}

// sweep lets go what two backups cover, now and then: it looks at every segment.
func (h *Hub) sweep(ctx context.Context) error {
	now := h.cfg.Clock()
	h.mu.Lock()
	due := now.Sub(h.swept).Abs() >= sweepEvery
	if due {
		h.swept = now
	}
	h.mu.Unlock()
	if !due {
		return nil
	}
	_, err := h.replica.Sweep(ctx)
	return err
}

// wake lets Run sync soon.
func (h *Hub) wake() {
	select {
	case h.pushed <- struct{}{}:
	default:
	}
}

// calm forgets pushes: the sync that begins now hands over all of them.
func (h *Hub) calm() {
	select {
	case <-h.pushed:
	default:
	}
}

// Run syncs with the centre until ctx ends: at once, then soon after somebody pushed,
// and every Config.Every; less and less often while the centre is out of reach. At the
// end it writes how the hub stands.
func (h *Hub) Run(ctx context.Context) {
	defer h.say(context.WithoutCancel(ctx))
	for failed := 0; ctx.Err() == nil; h.rest(ctx, failed) {
		if _, err := h.Sync(ctx); err == nil {
			failed = 0
			continue
		} else if ctx.Err() == nil {
			h.cfg.Log.Warn("hub: sync with the centre", "err", err)
		}
		failed++
	}
}

// rest waits for the next sync. While the centre is out of reach, pushes are noted and
// change nothing.
func (h *Hub) rest(ctx context.Context, failed int) {
	timer := time.NewTimer(h.pause(failed))
	defer timer.Stop()
	for soon := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-h.pushed:
		}
		if failed == 0 && !soon {
			timer.Reset(min(gather, h.cfg.Every))
			soon = true
		}
		h.say(ctx)
	}
}

// say writes how the hub stands. Nothing depends on it.
func (h *Hub) say(ctx context.Context) {
	if err := h.tell(ctx); err != nil && ctx.Err() == nil {
		h.cfg.Log.Warn("hub: status", "err", err)
	}
}

// pause is how long to rest after so many failures in a row.
func (h *Hub) pause(failed int) time.Duration {
	if failed == 0 {
		return h.cfg.Every
	}
	return min(firstRest<<min(failed-1, 8), lastRest)
}
