// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"fmt"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

var (
	epoch1 = ledger.Epoch{Number: 1, Name: [8]byte{1}}
	epoch2 = ledger.Epoch{Number: 2, Name: [8]byte{2}}
)

func TestRulesByTable(t *testing.T) {
	if why := checkRules(lawful); why != "" {
		t.Error(why)
	}
}

// CheckRules returns the first row of a table that a mutant gets wrong; "" for none.
func CheckRules(m Mutant) string {
	r := lawful
	m.distort(&r)
	return checkRules(r)
}

func checkRules(r rules) string {
	for _, check := range []func(rules) string{checkReplaces, checkShows, checkUnnamed, checkDroppable, checkForeign, checkCounting, checkLends, checkEntitled, checkLent} {
		if why := check(r); why != "" {
			return why
		}
	}
	return ""
}

func checkReplaces(r rules) string {
	at := func(s status, e ledger.Epoch, p session.Position) baseRow {
		return baseRow{status: s, epoch: e, position: p}
	}
	passed := func(e ledger.Epoch, p session.Position) passedRow { return passedRow{epoch: e, position: p} }
	none := func() record.State { return record.State{} }
	for _, c := range []struct {
		name   string
		here   baseRow
		offer  named
		hub    bool
		passed passedRow
		want   bool
	}{
		{"nothing is here", baseRow{}, named{epoch1, 1}, false, passedRow{}, true},
		{"higher position", at(baseLive, epoch1, 3), named{epoch1, 4}, false, passedRow{}, true},
		{"lower position", at(baseLive, epoch1, 3), named{epoch1, 2}, false, passedRow{}, false},
		{"the centre says the same again", at(baseLive, epoch1, 3), named{epoch1, 3}, false, passed(epoch1, 9), true},
		{"newly granted village, older than the cursor", baseRow{}, named{epoch1, 3}, false, passed(epoch1, 9), true},
		{"departed, back at a higher position", at(baseDeparted, epoch1, 3), named{epoch1, 4}, false, passedRow{}, true},
		{"departed by a pull of a narrower scope", at(baseDeparted, epoch1, 3), named{epoch1, 2}, false, passedRow{}, true},
		{"older epoch here, lower position offered", at(baseLive, epoch1, 30), named{epoch2, 2}, false, passed(epoch1, 40), true},
		{"older epoch here, departed", at(baseDeparted, epoch1, 30), named{epoch2, 2}, false, passed(epoch1, 40), true},
		{"hub: nothing is here", baseRow{}, named{epoch1, 5}, true, passed(epoch1, 4), true},
		{"hub: nothing is here, at the cursor", baseRow{}, named{epoch1, 4}, true, passed(epoch1, 4), false},
		{"hub: below the cursor", at(baseLive, epoch1, 1), named{epoch1, 3}, true, passed(epoch1, 4), false},
		{"hub: higher position", at(baseLive, epoch1, 5), named{epoch1, 6}, true, passed(epoch1, 4), true},
		{"hub: same position", at(baseLive, epoch1, 5), named{epoch1, 5}, true, passed(epoch1, 4), false},
		{"hub: lower position", at(baseDeparted, epoch1, 6), named{epoch1, 5}, true, passed(epoch1, 4), false},
		{"hub: older epoch here", at(baseLive, epoch1, 50), named{epoch2, 1}, true, passed(epoch1, 60), true},
	} {
		o := offered{here: c.here, offer: c.offer, hub: c.hub, passed: c.passed, state: none, old: none}
		if r.replaces(o) != c.want {
			return fmt.Sprintf("replaces: %s: %v", c.name, !c.want)
		}
	}
	return ""
}

func checkShows(r rules) string {
	ack := func(e ledger.Epoch, p session.Position) ackRow { return ackRow{epoch: e, position: p} }
	departed := baseRow{status: baseDeparted, epoch: epoch1, position: 20}
	for _, c := range []struct {
		name   string
		base   baseRow
		ack    ackRow
		passed passedRow
		want   bool
	}{
		{"new here, not acknowledged", baseRow{}, ackRow{}, passedRow{epoch: epoch1, position: 9}, true},
		{"acknowledged after the cursor", baseRow{}, ack(epoch1, 10), passedRow{epoch: epoch1, position: 9}, true},
		{"acknowledged at the cursor", baseRow{}, ack(epoch1, 9), passedRow{epoch: epoch1, position: 9}, false},
		{"acknowledged in another epoch", baseRow{}, ack(epoch2, 9), passedRow{epoch: epoch1, position: 9}, true},
		{"an older epoch was passed", baseRow{}, ack(epoch1, 9), passedRow{epoch: epoch2, position: 9}, true},
		{"departed after the ack, seen from a hub", departed, ack(epoch1, 20), passedRow{}, false},
		{"departed before the ack", departed, ack(epoch1, 21), passedRow{epoch: epoch1, position: 20}, true},
		{"departed in another epoch", baseRow{status: baseDeparted, epoch: epoch2, position: 90}, ack(epoch1, 9), passedRow{}, true},
	} {
		if r.shows(piece{base: c.base, ack: c.ack, epoch: epoch1, passed: c.passed}) != c.want {
			return fmt.Sprintf("shows: %s: %v", c.name, !c.want)
		}
	}
	if !r.shows(piece{ack: ack(epoch1, 9), epoch: epoch1, passed: passedRow{epoch: epoch1, position: 9}, toEverybody: true}) {
		return "shows: what goes to everybody is gone with the cursor"
	}
	return ""
}

func checkUnnamed(r rules) string {
	b, keep := r.unnamed(baseRow{status: baseLive, epoch: epoch1, position: 7, places: true, divisions: []record.Division{"1"}}, named{epoch2, 3})
	if !keep || b.status != baseDeparted || b.epoch != epoch2 || b.position != 3 || !b.places || b.divisions != nil {
		return fmt.Sprintf("unnamed: %+v %v", b, keep)
	}
	return ""
}

func checkDroppable(r rules) string {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	day := func(ago int) int64 { return now.AddDate(0, 0, -ago).UnixMilli() }
	marks := []ledger.BackupMark{{Number: 4, LedgerSize: 10}, {Number: 5, LedgerSize: 12}}
	good := func() kept {
		return kept{
			row: segmentRow{made: true, arrivedMs: day(91)}, epoch: epoch1, now: now, marks: marks,
			ack: ackRow{epoch: epoch1, index: 9, position: 30}, passed: passedRow{epoch: epoch1, position: 30},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*kept)
		want   bool
	}{
		{"everything speaks for it", func(*kept) {}, true},
		{"carried, of today", func(k *kept) { k.row.made, k.row.arrivedMs = false, day(0) }, true},
		{"own, 89 days old", func(k *kept) { k.row.arrivedMs = day(89) }, false},
		{"the key's newest", func(k *kept) { k.newest = true }, false},
		{"a save in it is held", func(k *kept) { k.held = true }, false},
		{"the centre's", func(k *kept) { k.row.made, k.row.office = false, true }, false},
		{"not acknowledged", func(k *kept) { k.ack = ackRow{} }, false},
		{"acknowledged in an older epoch", func(k *kept) { k.ack = ackRow{epoch: epoch2, index: 9} }, false},
		{"cursor not past the ack", func(k *kept) { k.passed.position = 29 }, false},
		{"cursor of an older epoch", func(k *kept) { k.passed.epoch = epoch2 }, false},
		{"one backup", func(k *kept) { k.marks = marks[1:] }, false},
		{"no backup", func(k *kept) { k.marks = nil }, false},
		{"backups with one missing between", func(k *kept) {
			k.marks = []ledger.BackupMark{{Number: 3, LedgerSize: 10}, {Number: 5, LedgerSize: 12}}
		}, false},
		{"covered by the newer backup only", func(k *kept) { k.ack.index = 10 }, false},
	} {
		k := good()
		c.change(&k)
		if r.droppable(k) != c.want {
			return fmt.Sprintf("droppable: %s: %v", c.name, !c.want)
		}
	}
	return ""
}

func checkForeign(r rules) string {
	mine := segment.Hash{1}
	made := func(h segment.Hash) bool { return h == mine }
	for _, c := range []struct {
		heads []session.Head
		want  bool
	}{
		{nil, false},
		{[]session.Head{{Hash: mine}}, false},
		{[]session.Head{{Hash: mine}, {Hash: segment.Hash{2}}}, true},
	} {
		if r.foreign(c.heads, made) != c.want {
			return fmt.Sprintf("foreign: %d heads: %v", len(c.heads), !c.want)
		}
	}
	return ""
}

func checkLends(r rules) string {
	holder := segment.Certificate{
		Divisions: []record.Division{"130403001"}, Classes: []record.Class{record.ClassGeneral},
	}
	const inside, outside record.Division = "130403001001", "130403002001"
	live := func(d ...record.Division) baseRow {
		return baseRow{status: baseLive, class: record.ClassGeneral, divisions: d}
	}
	for _, c := range []struct {
		name     string
		class    record.Class
		division record.Division
		base     baseRow
		want     bool
	}{
		{"new record inside", record.ClassGeneral, inside, baseRow{}, true},
		{"new record outside", record.ClassGeneral, outside, baseRow{}, false},
		{"class not granted", record.ClassSensitive, inside, baseRow{}, false},
		{"known record inside", record.ClassGeneral, inside, live(inside), true},
		{"the record has left", record.ClassGeneral, inside, live(outside), false},
		{"the record has departed", record.ClassGeneral, inside, baseRow{status: baseDeparted}, false},
		{"made in the other division of a record in two", record.ClassGeneral, outside, live(inside, outside), true},
		{"made where the record is not sent", record.ClassGeneral, outside, live(inside), false},
	} {
		if r.lends(lending{holder, c.class, c.division, c.base}) != c.want {
			return fmt.Sprintf("lends: %s: %v", c.name, !c.want)
		}
	}
	return ""
}

func checkEntitled(r rules) string {
	cert := segment.Certificate{
		Staff: []string{"li", "wang"}, Divisions: []record.Division{"130403001"}, Classes: []record.Class{record.ClassGeneral},
	}
	for _, c := range []struct {
		name     string
		author   string
		class    record.Class
		division record.Division
		want     bool
	}{
		{"all is covered", "wang", record.ClassGeneral, "130403001001", true},
		{"an author not on the list", "zhao", record.ClassGeneral, "130403001001", false},
		{"no author", "", record.ClassGeneral, "130403001001", false},
		{"a class not granted", "li", record.ClassSensitive, "130403001001", false},
		{"another township", "li", record.ClassGeneral, "130403002001", false},
	} {
		if r.entitled(cert, c.author, c.class, c.division) != c.want {
			return fmt.Sprintf("entitled: %s: %v", c.name, !c.want)
		}
	}
	return ""
}

func checkLent(r rules) string {
	ack := ackRow{epoch: epoch1, position: 9}
	at := func(p session.Position) passedRow { return passedRow{epoch: epoch1, position: p} }
	for _, c := range []struct {
		name string
		l    borrowed
		want bool
	}{
		{"nothing is heard of it", borrowed{passed: at(90)}, true},
		{"received", borrowed{base: baseRow{status: baseLive}, received: true}, false},
		{"departed", borrowed{base: baseRow{status: baseDeparted}}, false},
		{"ack not passed", borrowed{ack: ack, passed: at(8)}, true},
		{"ack passed", borrowed{ack: ack, passed: at(9)}, false},
		{"ack of another epoch", borrowed{ack: ackRow{epoch: epoch2, position: 9}, passed: at(9)}, true},
	} {
		c.l.epoch = epoch1
		if r.lent(c.l) != c.want {
			return fmt.Sprintf("lent: %s: %v", c.name, !c.want)
		}
	}
	return ""
}

func checkCounting(r rules) string {
	if n := r.counter(7); n != 8 {
		return fmt.Sprintf("counter after 7 is %d", n)
	}
	seen := func() int64 { return 1 << 50 }
	for _, c := range [][3]int64{{5, 9, 9}, {9, 5, 10}, {9, 9, 10}, {-5, -9, -4}} {
		if got := r.clock(c[0], c[1], seen); got != c[2] {
			return fmt.Sprintf("clock after %d at %d is %d", c[0], c[1], got)
		}
	}
	return ""
}
