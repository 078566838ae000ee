// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"errors"

	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// LowSpaceBytes is from where on the tablet warns, and lets go of old saves that
// two backups at the centre cover.
const LowSpaceBytes = 200 << 20

// Warnings of a Status, the gravest first.
const (
	WarnRewritten   = "history_rewritten" // the centre contradicted itself: tell the office, keep the tablet
	WarnRolledBack  = "rolled_back"       // the centre takes nothing: its data is older than what tablets have seen
	WarnEpochBehind = "epoch_behind"      // the centre is before a restore that this tablet knows of
	WarnForked      = "forked"            // a copy of this tablet is at work, and there is no new key yet
	WarnRevoked     = "revoked"           // the office cut this tablet off; saves are taken and held
	WarnHeld        = "held"              // the centre holds saves: see Held
	WarnReturned    = "returned"          // forms were returned for correction: see Query.ReturnedOnly
	WarnRules       = "rules_refused"     // the county's rule pack cannot be loaded: this program's own is in use
	WarnNewKey      = "new_key"           // a copy of this tablet was at work; this one goes on under a new key
	WarnLowSpace    = "low_space"         // less than LowSpaceBytes are left
	WarnNoBackup    = "no_backup"         // the centre has shown less than two backups: nothing here may be lost
	WarnBeyond      = "beyond"            // records were let go for want of room: see Limits
	WarnNotEnrolled = "not_enrolled"      // nothing leaves this tablet yet
)

// Status is how the tablet is.
type Status struct {
	Unsent     int   // own saves that are not known to be at the centre
	Clinic     int   // of these, saves that a clinic hub holds too
	SinceMs    int64 // when the oldest of them was made; 0: there is none
	Held       int   // own saves that the centre holds
	HeldAtMost bool  // Held may be less: what shows it is locked or damaged now
	Lost       int   // own saves that were damaged here before they came to the centre
	Returned   int   // forms on this tablet that are returned for correction
	// ReturnedBehind says that more came in than was looked at for Returned: a locked
	// tablet cannot look.
	ReturnedBehind bool
	Locked         bool
	Enrolled       bool
	LastSyncMs     int64  // when a sync with the centre last came to its end; 0: never
	LastHubMs      int64  // when one with a clinic hub last did; 0: never
	LastTryMs      int64  // when the last one was begun
	LastReason     string // why the last one failed; "" it did not
	Behind         string // why what was sent may be missing at the centre: WarnRewritten, WarnRolledBack, WarnEpochBehind; "" it is not
	NewKeys        int    // how often a copy of this tablet made a new key necessary
	FreeBytes      int64  // on the tablet's disk; -1: not known
	SpareBytes     int64  // what could be let go if space runs short
	ExpiresAtMs    int64  // the certificate, by the centre's clock; 0: none
	// Findings is how many errors and warnings the centre found in what is on this tablet.
	Findings int
	// FindingsOmitted is how many records' findings came and had no room.
	FindingsOmitted int
	// Beyond is how many records are at the centre only, because they are beyond what this
	// tablet keeps: see Limits.
	Beyond int
	// Rules is the rule pack that forms are checked by.
	Rules    *Rules
	warnings []string
	returned map[string]int // levels by record id
}

// ReturnedBy returns how many forms a level returned: 1 the team, 2 the township, 3 the
// county, 0 where the form does not say.
func (s *Status) ReturnedBy(level int) int {
	n := 0
	for _, l := range s.returned {
		if l == level {
			n++
		}
	}
	return n
}

// Warnings returns what a person should know, the gravest first.
func (s *Status) Warnings() *Strings { return &Strings{s.warnings} }

// Status says how the tablet is. It works while locked.
func (t *Tablet) Status() (*Status, error) {
	s, err := t.status(context.Background())
	return s, fail("status", err)
}

func (t *Tablet) status(ctx context.Context) (*Status, error) {
	s := &Status{Locked: t.Locked(), FreeBytes: freeBytes(t.opts.Dir)}
	r, err := t.rep().Status(ctx)
	s.Unsent, s.Clinic, s.Held, s.HeldAtMost, s.Lost = r.Unsent, r.Clinic, r.Held, r.HeldAtMost, r.Lost
	if err != nil {
		return nil, err
	}
	if !r.Since.IsZero() {
		s.SinceMs = r.Since.UnixMilli()
	}
	if c, err := t.certificate(ctx); err == nil {
		s.Enrolled, s.ExpiresAtMs = true, c.ExpiresAt.UnixMilli()
	} else if !errors.Is(err, replica.ErrNotEnrolled) {
		return nil, err
	}
	var n lastSync
	if err := t.readNote(ctx, noteSync, &n); err != nil {
		return nil, err
	}
	s.LastSyncMs, s.LastTryMs, s.LastReason, s.NewKeys = n.CleanMs, n.AtMs, n.Reason, n.NewKeys
	s.Behind, s.LastHubMs = n.Behind, n.HubMs
	d, err := t.rep().Droppable(ctx)
	s.SpareBytes = int64(d.Bytes)
	if err != nil {
		return nil, err
	}
	back, err := t.returned(ctx)
	s.returned, s.Returned, s.ReturnedBehind = back.Levels, len(back.Levels), !back.Whole
	if err != nil {
		return nil, err
	}
	if s.Rules, err = t.rulesNamed(ctx); err != nil {
		return nil, err
	}
	stock, err := t.rep().Stock(ctx)
	if err != nil {
		return nil, err
	}
	s.Beyond = stock.Trimmed
	var found foundHead
	if err := t.readNote(ctx, noteFindings, &found); err != nil {
		return nil, err
	}
	s.Findings, s.FindingsOmitted = found.Grave, found.Omitted
	s.warn(n, r.Forked)
	return s, nil
}

func (s *Status) warn(n lastSync, forked bool) {
	add := func(when bool, warning string) {
		if when {
			s.warnings = append(s.warnings, warning)
		}
	}
	add(n.Rewritten, WarnRewritten)
	add(n.Behind == WarnRolledBack, WarnRolledBack)
	add(n.Behind == WarnEpochBehind, WarnEpochBehind)
	add(forked, WarnForked)
	add(n.Revoked, WarnRevoked)
	add(s.Held > 0, WarnHeld)
	add(s.Returned > 0, WarnReturned)
	add(s.Rules.Refused, WarnRules)
	add(n.NewKeys > 0, WarnNewKey)
	add(s.FreeBytes >= 0 && s.FreeBytes < LowSpaceBytes, WarnLowSpace)
	add(s.Beyond > 0, WarnBeyond)
	add(n.AtMs > 0 && n.Marks < 2, WarnNoBackup)
	add(!s.Enrolled, WarnNotEnrolled)
}

func (t *Tablet) lowSpace() bool {
	free := freeBytes(t.opts.Dir)
	return free >= 0 && free < LowSpaceBytes
}
