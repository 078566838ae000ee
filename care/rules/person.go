// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// An Entry is one record of a person. Its form must not be changed while a Person has it.
type Entry struct {
	ID         record.ID
	Kind       record.Kind
	Subject    record.ID // the resident it was captured for
	Form       proto.Message
	Voided     bool
	CapturedAt time.Time // when the form was saved, by the saver's clock
	ReceivedAt time.Time // when the centre had it; zero on a tablet
}

// A Person is all records of one person: of one resident id, or of several that are linked.
type Person struct {
	id        record.ID
	entries   []Entry                 // by id, voided ones left out
	timelines map[record.Kind][]timed // newest first
	facts     facts
}

// A timed entry has the day that it is about.
type timed struct {
	Entry
	day care.Date
}

// NewPerson takes the records of a person in any order. Findings name the person
// by id: the smallest of the linked ones. Of two entries with one id the later in
// the list counts. Entries without a form are left out.
func NewPerson(id record.ID, entries []Entry) *Person {
	p := &Person{id: id, timelines: map[record.Kind][]timed{}}
	byID := map[record.ID]int{}
	for _, e := range entries {
		if at, ok := byID[e.ID]; ok {
			p.entries[at] = e
			continue
		}
		byID[e.ID] = len(p.entries)
		p.entries = append(p.entries, e)
	}
	p.entries = slices.DeleteFunc(p.entries, func(e Entry) bool { return e.Voided || e.Form == nil })
	slices.SortFunc(p.entries, func(a, b Entry) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, e := range p.entries {
		p.timelines[e.Kind] = append(p.timelines[e.Kind], timed{e, dayOf(e)})
	}
	for _, line := range p.timelines {
		slices.SortFunc(line, newerFirst)
	}
	p.facts = gather(p)
	return p
}

// ID returns the id under which findings name the person.
func (p *Person) ID() record.ID { return p.id }

// Entries returns the records of the person by id, voided ones left out. The slice is the caller's.
func (p *Person) Entries() []Entry { return slices.Clone(p.entries) }

// With returns the person with e in the place of the entry that has its id, or in addition.
func (p *Person) With(e Entry) *Person { return NewPerson(p.id, append(slices.Clone(p.entries), e)) }

// newerFirst orders by day, then by capture, then by id.
func newerFirst(a, b timed) int {
	return cmp.Or(cmp.Compare(b.day, a.day), b.CapturedAt.Compare(a.CapturedAt), bytes.Compare(b.ID[:], a.ID[:]))
}

// dayOf returns the day that an entry is about: the date that stands first on its
// form, or the day it was captured where that is empty or no day.
func dayOf(e Entry) care.Date {
	m := e.Form.ProtoReflect()
	if f := m.Descriptor().Fields().ByNumber(1); f != nil && f.Kind() == protoreflect.Int32Kind && !f.IsList() && isDateName(f.Name()) {
		if d := care.Date(m.Get(f).Int()); d.Whole() {
			return d
		}
	}
	return care.DateOf(e.CapturedAt)
}

func isDateName(name protoreflect.Name) bool {
	return strings.HasSuffix(string(name), "_date") || strings.HasSuffix(string(name), "_on")
}

// kindName turns the name of a message into that of its kind, HomeVisit into home_visit.
func kindName(desc protoreflect.MessageDescriptor) string {
	var b strings.Builder
	for i, r := range string(desc.Name()) {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Day returns the day that an entry is about: the date that stands first on its form, or
// the day it was captured where that is empty or no day.
func (e Entry) Day() care.Date { return dayOf(e) }
