// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/tablet"
)

const secret = "618203"

// tab is a tablet with what it saved and the forms that are open on it.
type tab struct {
	*tablet.Tablet
	t     *testing.T
	dir   string
	saves []save
	forms []*tablet.Record
	count int
}

// save is what a person was told is saved.
type save struct {
	id    record.ID
	dot   causal.Dot
	paths []record.Path
}

func newTablet(t *testing.T, c *centre, dir, staff string, division record.Division) *tab {
	t.Helper()
	x := &tab{t: t, dir: dir}
	tb, err := tablet.Create(&tablet.Options{Dir: dir, CheapSecrets: true}, secret)
	x.Tablet = must(t, tb, err)
	t.Cleanup(func() { x.Close() })
	do(t, x.Enrol(t.Context(), c.invite(staff, division), staff, nil))
	return x
}

// remember notes a save that the tablet confirmed.
func (x *tab) remember(s *tablet.Saved, err error) *tablet.Saved {
	x.t.Helper()
	must(x.t, s, err)
	id, err := record.ParseID(s.ID)
	must(x.t, id, err)
	dot, err := causal.ParseDot(s.Dot)
	must(x.t, dot, err)
	one := save{id: id, dot: dot}
	for i := range s.Changes.Len() {
		one.paths = append(one.paths, record.Path(s.Changes.At(i).RawPath))
	}
	x.saves = append(x.saves, one)
	return s
}

// add saves new residents of a village.
func (x *tab) add(n int) {
	x.t.Helper()
	for range n {
		x.count++
		name := fmt.Sprintf(`{"name": "居民%s%d"}`, filepath.Base(x.dir), x.count)
		x.remember(x.Add("resident", "", village, name, ""))
	}
}

// edit saves all forms that are open, and closes them. They show what the record was
// before the last syncs.
func (x *tab) edit() {
	x.t.Helper()
	for _, r := range x.forms {
		x.count++
		var form map[string]any
		do(x.t, json.Unmarshal([]byte(r.JSON), &form))
		form["phone"] = fmt.Sprint(filepath.Base(x.dir), x.count)
		text, err := json.Marshal(form)
		x.remember(x.Save(r.Form, string(must(x.t, text, err)), ""))
	}
	x.forms = nil
}

// open opens forms of records that are here, and leaves them open.
func (x *tab) open(ids ...string) {
	x.t.Helper()
	for _, id := range ids {
		if r, err := x.Get(id); err == nil && r.Form != "" {
			x.forms = append(x.forms, r)
		}
	}
}

// sync syncs once with whoever listens at an address. What must never happen, with
// whatever end the sync comes to, fails the test.
func (x *tab) sync(address string) (*tablet.SyncReport, error) {
	before := x.synced()
	r, err := x.Sync(x.t.Context(), &tablet.SyncOptions{Address: address, Tries: 1})
	if r.Refused > 0 || r.Blocked > 0 || r.Forked || r.NewReplica != "" || r.NewEpoch && before {
		x.t.Errorf("tablet %s: %+v %q", x.dir, r, r.Refusals())
	}
	if r.Repulled { // B8: the cursor had passed what was not there
		x.t.Errorf("tablet %s: what it had received did not add up to what the centre has", x.dir)
	}
	return r, err
}

func (x *tab) synced() bool {
	s, err := x.Status()
	return err == nil && s.LastSyncMs > 0
}

// claims returns how many of its saves the tablet shows as at the centre, after
// asking for each that the centre has it (I7, B10).
func (x *tab) claims(c *centre) int {
	x.t.Helper()
	n := 0
	for _, s := range x.saves {
		state, err := x.State(s.id.String(), s.dot.String())
		must(x.t, state, err)
		if state == tablet.StateTablet {
			continue
		}
		n++
		if v, ok := c.history(s.id)[s.dot]; !ok || !v.Verdict.Admitted() {
			x.t.Fatalf("tablet %s shows save %s as %q; the centre has %t, %s", x.dir, s.dot, state, ok, v.Verdict)
		}
	}
	return n
}
