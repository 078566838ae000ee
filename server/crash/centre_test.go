// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

const (
	countyCode = "130403"
	township   = "130403001"
	village    = "130403001001"
	village2   = "130403001002"
)

// centre is a server in this process, over the same files as the children.
type centre struct {
	t      *testing.T
	server *server.Server
	county *county.County
	store  syncengine.Store // the county's, without its wrapper
	stop   context.CancelFunc
	ended  chan error
}

// openCentre starts a server over data whose store is wrapped, if wrap is given.
func openCentre(t *testing.T, data string, wrap func(syncengine.Store) syncengine.Store) *centre {
	t.Helper()
	c := &centre{t: t, ended: make(chan error, 1)}
	s, err := server.New(t.Context(), config(data, func(s syncengine.Store) syncengine.Store {
		if c.store = s; wrap != nil {
			return wrap(s)
		}
		return s
	}))
	c.server = must(t, s, err)
	one, err := s.County(t.Context(), countyCode)
	c.county = must(t, one, err)
	do(t, s.Listen())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	c.stop = stop
	go func() { c.ended <- s.Serve(ctx) }()
	t.Cleanup(c.close)
	return c
}

// close ends the server and waits for it. A second time it does nothing.
func (c *centre) close() {
	if c.server == nil {
		return
	}
	c.stop()
	if err := <-c.ended; err != nil {
		c.t.Errorf("serve: %v", err)
	}
	if err := c.server.Close(); err != nil {
		c.t.Errorf("close: %v", err)
	}
	c.server = nil
}

// invite makes an enrolment code for one person and division.
func (c *centre) invite(staff string, division record.Division) string {
	c.t.Helper()
	i, err := c.server.Invite(c.t.Context(), c.county, rights(staff, division), time.Hour)
	return must(c.t, i, err).String()
}

func rights(staff string, division record.Division) syncengine.Rights {
	return syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{staff}, Divisions: []record.Division{division},
		Classes: []record.Class{record.ClassGeneral},
	}
}

// wantSound has the file, the ledger and every state checked, replay included.
func (c *centre) wantSound() {
	c.t.Helper()
	findings, err := c.store.(*sqlitestore.Store).Check(c.t.Context())
	if must(c.t, findings, err); len(findings) > 0 {
		c.t.Fatalf("the file is broken: %q", findings)
	}
	r, err := c.county.Engine.Verify(c.t.Context(), syncengine.VerifyOptions{Replay: true})
	if must(c.t, r, err); !r.OK() {
		c.t.Fatalf("the centre is broken: %v", r.Violations)
	}
}

// history returns the stored revisions of a record by dot, none for one that is not
// there.
func (c *centre) history(id record.ID) map[causal.Dot]syncengine.RevisionView {
	c.t.Helper()
	out := map[causal.Dot]syncengine.RevisionView{}
	for from := (syncengine.HistoryPlace{}); ; {
		views, next, err := c.county.Engine.History(c.t.Context(), id, from, 100)
		if syncengine.ReasonOf(err) == syncengine.ReasonNotFound && err != nil {
			return out
		}
		for _, v := range must(c.t, views, err) {
			out[v.Revision.Dot] = v
		}
		if from = next; from == (syncengine.HistoryPlace{}) {
			return out
		}
	}
}

// records returns every record by its id.
func (c *centre) records() map[record.ID]syncengine.RecordRow {
	c.t.Helper()
	rows, err := c.county.Engine.List(c.t.Context(), syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral}, Limit: 100_000,
	})
	out := map[record.ID]syncengine.RecordRow{}
	for _, r := range must(c.t, rows, err) {
		out[r.ID] = r
	}
	return out
}

// accounted reports whether a value that was saved is where it must be: live, or
// named as a parent at its path by an admitted revision.
func accounted(s record.State, history map[causal.Dot]syncengine.RevisionView, d causal.Dot, path record.Path) bool {
	if slices.ContainsFunc(s.Live, func(e record.Entry) bool { return e.Dot == d && e.Path == path }) {
		return true
	}
	for v := range maps.Values(history) {
		if c, ok := v.Revision.Change(path); ok && v.Verdict.Admitted() && slices.Contains(c.Parents, d) {
			return true
		}
	}
	return false
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
