// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"context"
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// A save is judged by the certificate under which it was made, whatever the replica
// may do by the time it is handed over.
func TestWhatWasSavedUnderAnotherCertificateIsAdmitted(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "139")
	a.certify(villageB)
	y := a.create(villageB, phone, "138")
	a.sync()
	for _, s := range []replica.Saved{x, y} {
		if at := a.where(s.Record, s.Dot); at.Place != replica.PlaceCentre || at.Held {
			t.Errorf("a save within its rights is at %v, held %v", at.Place, at.Held)
		}
	}
}

// What a certificate no longer covers leaves, also when it came between two pages.
func TestRightsNarrowedDuringAPull(t *testing.T) {
	for name, at := range map[string]int{"before the first page": 1, "between two pages": 2, "before the last page": 7} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.tablet("chen", county)
			var gone []record.ID
			for range 6 {
				gone = append(gone, k.create(villageA, phone, "1").Record)
				k.create(villageB, phone, "2")
			}
			k.sync()
			d := w.tablet("li", villageA, villageB)
			l := d.line()
			pages := 0
			l.onPage = func(p *session.Page) error {
				if pages++; pages == at || p.Last != nil && pages < at {
					pages = at
					d.certify(villageB)
				}
				return nil
			}
			if _, err := d.Sync(t.Context(), l, replica.Options{PageRecords: 2}); !errors.Is(err, replica.ErrRightsChanged) {
				t.Errorf("the sync that was under way: %v, want ErrRightsChanged", err)
			}
			if rep := d.sync(); rep.Repulled {
				t.Error("the next sync pulled everything again")
			}
			for _, id := range gone {
				if s, err := d.View(t.Context(), id); err == nil && s.Opens {
					t.Errorf("%s of a village that is no longer this tablet's is still here", id)
				}
			}
			d.listed(6)
			d.certify(villageA, villageB)
			d.sync()
			d.listed(12)
		})
	}
}

// The sums of the end are those of the certificate that was pulled with.
func TestRightsNarrowedAfterTheLastPage(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA, villageB)
	a.create(villageA, phone, "1")
	a.create(villageB, phone, "2")
	last := false
	l := a.line()
	l.onPage = func(p *session.Page) error {
		last = p.Last != nil
		return nil
	}
	_, err := a.Sync(t.Context(), l, replica.Options{Progress: func(p replica.Progress) {
		if p.Phase == replica.PhasePull && last {
			last = false
			a.certify(villageB)
		}
	}})
	if !errors.Is(err, replica.ErrRightsChanged) {
		t.Errorf("the sync that was under way: %v, want ErrRightsChanged", err)
	}
	if rep := a.sync(); rep.Repulled || rep.Bases > 0 {
		t.Errorf("the next sync took %d states, pulled again %v", rep.Bases, rep.Repulled)
	}
	a.listed(1)
}

// unanswered is a session in which the centre's word on a succession gets lost.
type unanswered struct{ *line }

func (l unanswered) Succeed(context.Context, []byte) ([]byte, error) {
	return nil, errors.New("the connection is gone")
}

// A copy of a tablet asks for the certificate of the key that the tablet went on
// under. Since then the office has given that key other rights: what the session at
// hand gives out is for the rights before.
func TestSuccessorHasOtherRightsThanItsPredecessor(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA, villageB)
	x := a.create(villageA, phone, "1")
	y := a.create(villageB, phone, "1")
	a.sync()
	c := a.clone()
	c.edit(x.Record, phone, "2")
	c.sync()
	a.edit(y.Record, phone, "3")
	if _, err := a.Sync(t.Context(), unanswered{a.line()}, replica.Options{}); !errors.Is(err, replica.ErrSuccession) {
		t.Fatalf("no answer to the succession: %v", err)
	}
	b := a.clone()
	a.sync()
	a.certify(villageB)
	if _, err := b.Sync(t.Context(), b.line(), replica.Options{}); !errors.Is(err, replica.ErrRightsChanged) {
		t.Errorf("the sync that was under way: %v, want ErrRightsChanged", err)
	}
	if rep := b.sync(); rep.Repulled {
		t.Error("the next sync pulled everything again")
	}
	b.listed(1)
}
