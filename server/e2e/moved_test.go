// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

// A doctor who moves to another village still hands over what was saved in the first one.
func TestWhatWasSavedBeforeAFurtherInvitationIsAdmitted(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	do(t, a.Enrol(t.Context(), w.invite(divisions(village2), "zhang"), "zhang", nil))
	a.run()
	state, err := a.State(s.ID, s.Dot)
	if must(t, state, err) != tablet.StateCentre {
		t.Errorf("saved within its rights, it is %s", state)
	}
}

// A background sync that is under way when a further invitation is taken goes on
// with the new rights.
func TestAFurtherInvitationDuringASync(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("zhang", village), w.tablet("li", village)
	old := a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	b.sync.Progress = &atPull{do: func() {
		do(t, b.Enrol(t.Context(), w.invite(divisions(village2), "li"), "li", nil))
	}}
	r, err := b.Sync(t.Context(), b.sync)
	if must(t, r, err); !r.Complete {
		t.Fatalf("%+v", r)
	}
	if l, err := b.List(&tablet.Query{}); must(t, l, err).Len() != 0 {
		t.Errorf("%d records of a village that is no longer this tablet's; the first is %s", l.Len(), old.ID)
	}
}

// atPull does something once, when a pull has brought its first page.
type atPull struct{ do func() }

func (p *atPull) Progress(phase string, _, _ int) {
	if f := p.do; phase == "pull" && f != nil {
		p.do = nil
		f()
	}
}

// elsewhere leads from one address to where the centre is.
type elsewhere struct{ from, to string }

func (e elsewhere) Dial(ctx context.Context, address string) (net.Conn, error) {
	if address != e.from {
		return nil, &net.OpError{Op: "dial", Err: net.UnknownNetworkError(address)}
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", e.to)
}

func TestTheAddressThatEnrolmentUsedIsRemembered(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	id, err := a.Identity()
	must(t, id, err)
	line := elsewhere{"clinic.example:7443", id.Addresses.At(0)}
	do(t, a.Enrol(t.Context(), w.invite(divisions(village), "zhang"), "zhang", &tablet.SyncOptions{Address: line.from, Dialer: line}))
	id, err = a.Identity()
	if must(t, id, err); id.Addresses.At(0) != line.from || id.Addresses.Len() != 2 {
		t.Fatalf("%d addresses, first %s", id.Addresses.Len(), id.Addresses.At(0))
	}
	r, err := a.Sync(t.Context(), &tablet.SyncOptions{Dialer: line})
	if must(t, r, err); !r.Complete {
		t.Fatalf("%+v", r)
	}
}
