// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"bytes"
	"cmp"
	"log/slog"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Facts are what counts of one person, or of one record that is about nobody: dated, and with the day on
// which the centre first had each record. They hold no name, number or address, but the birth and the diseases
// of a person: they are as personal as the records. They do not change.
type Facts struct {
	birth     day
	judged    bool // findings were asked for
	places    []record.Division
	names     []string // of doctors, and of indicators that tasks are about
	residents []residence
	turns     []turn
	tags      []tag
	known     []diagnosis
	events    []event
	items     []contractItem
}

// A residence is one resident record of the person.
type residence struct {
	id            record.ID
	received      day
	registered    day
	ended         day // the last day under care by this record; noDay while it goes on
	place, doctor uint8
	creator       uint8 // who began the record
	standing      standing
	cover         uint8 // items of the cover that are empty
	missing       uint8 // items of the basic form that are empty
	marks         uint8 // marks
}

// Marks of a residence.
const (
	markError       uint8 = 1 << iota // rules find an error in the record
	markLost                          // it ended because the person was lost
	markCertificate                   // of disability
)

// A standing is how far a form has come: 4 × its stage plus the level, as care.Stand has them.
type standing uint8

// A turn is a day on which the person left, came back or died.
type turn struct {
	id       record.ID
	on       day
	received day
	kind     turnKind
	from     uint8 // where the person came from; 0 for not said
}

type turnKind uint8

const (
	turnDied turnKind = iota + 1
	turnLeft
	turnLost
	turnBack
)

// A tag is a population that a resident record names, from a day to a day.
type tag struct {
	id           record.ID // of the resident record
	code         uint8
	since, until day // noDay for not said
	received     day
}

// A diagnosis is a known disease, by the population of those who have it.
type diagnosis struct {
	id       record.ID
	code     uint8
	since    day
	received day
}

// An event is one thing that was done, on one day. What v and flags mean depends on what; dates in v are
// those of forms.
type event struct {
	id            record.ID
	what          what
	on            day
	received      day
	place, doctor uint8
	standing      standing
	flags         uint32
	v             [4]int32
}

// A contractItem is one service that a contract promises so often a year.
type contractItem struct {
	contract uint8 // which of the person's contracts, from 1 in the order of events
	item     uint8 // which of its services, from 1 in the order of keys
	times    uint16
}

// LogValue keeps the birth and the diseases of a person out of logs.
func (f Facts) LogValue() slog.Value { return slog.IntValue(len(f.events)) }

// Empty reports whether there is nothing that any indicator could count.
func (f Facts) Empty() bool {
	return len(f.residents) == 0 && len(f.events) == 0
}

// place and name return what a number stands for, "" for 0.
func (f *Facts) place(n uint8) record.Division {
	if n == 0 || int(n) > len(f.places) {
		return ""
	}
	return f.places[n-1]
}

func (f *Facts) name(n uint8) string {
	if n == 0 || int(n) > len(f.names) {
		return ""
	}
	return f.names[n-1]
}

// sort puts everything into the one order that facts have.
func (f *Facts) sort() {
	slices.SortFunc(f.residents, func(a, b residence) int { return bytes.Compare(a.id[:], b.id[:]) })
	slices.SortFunc(f.turns, compareTurns)
	slices.SortFunc(f.tags, compareTags)
	slices.SortFunc(f.known, compareDiagnoses)
	slices.SortFunc(f.events, compareEvents)
	slices.SortFunc(f.items, func(a, b contractItem) int {
		return cmp.Or(cmp.Compare(a.contract, b.contract), cmp.Compare(a.item, b.item))
	})
}

// sorted reports whether everything is in that order.
func (f *Facts) sorted() bool {
	return slices.IsSorted(f.places) && slices.IsSorted(f.names) &&
		slices.IsSortedFunc(f.residents, func(a, b residence) int { return bytes.Compare(a.id[:], b.id[:]) }) &&
		slices.IsSortedFunc(f.turns, compareTurns) && slices.IsSortedFunc(f.tags, compareTags) &&
		slices.IsSortedFunc(f.known, compareDiagnoses) && f.eventsSorted()
}

func (f *Facts) eventsSorted() bool {
	for i := 1; i < len(f.events); i++ {
		if f.events[i-1].compare(&f.events[i]) > 0 {
			return false
		}
	}
	return true
}

func compareTurns(a, b turn) int {
	return cmp.Or(cmp.Compare(a.on, b.on), cmp.Compare(a.kind, b.kind), bytes.Compare(a.id[:], b.id[:]))
}

func compareTags(a, b tag) int {
	return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.since, b.since), cmp.Compare(a.until, b.until), bytes.Compare(a.id[:], b.id[:]))
}

func compareDiagnoses(a, b diagnosis) int {
	return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.since, b.since), bytes.Compare(a.id[:], b.id[:]))
}

func compareEvents(a, b event) int { return a.compare(&b) }

// compare orders events by day, then by what they are.
func (a *event) compare(b *event) int {
	if a.on != b.on {
		return cmp.Compare(a.on, b.on)
	}
	return cmp.Or(cmp.Compare(a.what, b.what), bytes.Compare(a.id[:], b.id[:]), slices.Compare(a.v[:], b.v[:]))
}
