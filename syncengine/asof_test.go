// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// phonesAsOf returns the phones that were live at a moment, sorted.
func (c *centre) phonesAsOf(id record.ID, m syncengine.Moment) []string {
	c.t.Helper()
	state, _, err := c.StateAsOf(c.t.Context(), id, m)
	c.must(err)
	var out []string
	for _, e := range state.At(phone) {
		out = append(out, string(e.Value.Bytes))
	}
	slices.Sort(out)
	return out
}

// A tablet captures at 8 and 10 and syncs at noon; the office rules at 13 and 14.
func TestARecordAsItStood(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	eight := c.now
	hour := func(n int) time.Time { return eight.Add(time.Duration(n-8) * time.Hour) }
	id, made := d.create(kindNote, villageA, "139")
	d.clock = hour(10).UnixMilli()
	edited := d.edit(id, villageA, made, set(phone, "138", made))
	c.now = hour(12)
	c.push(d.seal())
	c.now = hour(13)
	c.must(c.Withdraw(t.Context(), syncengine.Ruling{Record: id, Dot: edited, Author: "head"}))
	c.now = hour(14)
	c.must(c.Release(t.Context(), syncengine.Ruling{Record: id, Dot: edited, Author: "head"}))
	for _, w := range []struct {
		name string
		at   syncengine.Moment
		want []string
	}{
		{"now", syncengine.Moment{}, []string{"138"}},
		{"captured by 9", syncengine.Moment{CapturedBy: hour(9)}, []string{"139"}},
		{"captured by 11", syncengine.Moment{CapturedBy: hour(11)}, []string{"138"}},
		{"captured by 7", syncengine.Moment{CapturedBy: hour(7)}, nil},
		{"received by 11", syncengine.Moment{ReceivedBy: hour(11)}, nil},
		{"received by 12", syncengine.Moment{ReceivedBy: hour(12)}, []string{"138"}},
		{"received by half past 13", syncengine.Moment{ReceivedBy: hour(13).Add(30 * time.Minute)}, []string{"139"}},
		{"received by 15", syncengine.Moment{ReceivedBy: hour(15)}, []string{"138"}},
		{"captured by 9, received by 13", syncengine.Moment{CapturedBy: hour(9), ReceivedBy: hour(13)}, []string{"139"}},
	} {
		if got := c.phonesAsOf(id, w.at); !slices.Equal(got, w.want) {
			t.Errorf("%s: %v, want %v", w.name, got, w.want)
		}
	}
	part, next, err := c.HistoryAsOf(t.Context(), id, syncengine.Moment{ReceivedBy: hour(13)}, syncengine.HistoryPlace{}, 1)
	c.must(err)
	rest, end, err := c.HistoryAsOf(t.Context(), id, syncengine.Moment{ReceivedBy: hour(13)}, next, 9)
	c.must(err)
	if len(part) != 1 || len(rest) != 1 || rest[0].Verdict != ledger.HeldWithdrawn || end != (syncengine.HistoryPlace{}) {
		t.Errorf("%+v, then %+v", part, rest)
	}
	if _, _, err := c.StateAsOf(t.Context(), record.DerivedID(kindNote, nil), syncengine.Moment{}); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("no record: %v", err)
	}
}

// What a moment gives is what the engine had at that moment.
func TestAsOfIsWhatStoodThen(t *testing.T) {
	type stood struct {
		at    time.Time
		state []byte
	}
	c := newCentre(t)
	zhang, li := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageA))
	id, made := zhang.create(kindNote, villageA, "0")
	var then []stood
	last := made
	for i := range 12 {
		switch i % 4 {
		case 0:
			last = zhang.edit(id, villageA, made, set(phone, fmt.Sprint(i), last))
			c.push(zhang.seal())
		case 1:
			_, held := li.save(0, record.Revision{
				Record: id, Author: "nobody", ScopeSeen: record.ScopeSeen{Dot: made, Division: villageA}, Changes: []record.Change{set(address, fmt.Sprint(i))},
			})
			c.push(li.seal())
			c.must(c.Release(t.Context(), syncengine.Ruling{Record: id, Dot: held, Author: "head"}))
		case 2:
			c.must(c.Withdraw(t.Context(), syncengine.Ruling{Record: id, Dot: last, Author: "head"}))
		case 3:
			c.must(c.Fence(t.Context(), "head", li.cert.Replica(), ""))
			li.edit(id, villageA, made, set(phone, "cut off"))
			c.push(li.seal())
			c.must(c.LiftFence(t.Context(), "head", li.cert.Replica(), ""))
		}
		v, err := c.Get(t.Context(), id)
		c.must(err)
		then = append(then, stood{c.now, v.Row.State})
		c.now = c.now.Add(time.Minute)
	}
	for i, s := range then {
		state, _, err := c.StateAsOf(t.Context(), id, syncengine.Moment{ReceivedBy: s.at})
		c.must(err)
		if !bytes.Equal(state.Append(nil), s.state) {
			t.Errorf("step %d: another state", i)
		}
	}
	state, _, err := c.StateAsOf(t.Context(), id, syncengine.Moment{})
	c.must(err)
	if !bytes.Equal(state.Append(nil), then[len(then)-1].state) {
		t.Error("now: another state")
	}
}
