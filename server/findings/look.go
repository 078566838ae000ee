// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"cmp"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// fault is why somebody could not be looked at: the rule id of the finding that says so.
type fault string

const (
	faultLinked  fault = "F.linked"  // more than projection.MaxLinked residents are linked
	faultRecords fault = "F.records" // more than projection.MaxRecords records
	faultRules   fault = "F.rules"   // the rules panicked
	faultRecord  fault = "F.record"  // a record cannot be read
)

// finding returns what is shown of a fault.
func (f fault) finding() *carev1.Finding {
	out := &carev1.Finding{RuleId: string(f), Severity: carev1.Severity_SEVERITY_WARNING, Fault: true}
	switch f {
	case faultLinked:
		out.MessageZh = fmt.Sprintf("有超过 %d 份档案关联为同一人，已分别检查：请核对关联", projection.MaxLinked)
		out.MessageEn = fmt.Sprintf("more than %d residents are linked as one person, and each was looked at by itself: check the links", projection.MaxLinked)
	case faultRecords:
		out.MessageZh = fmt.Sprintf("此人记录超过 %d 条，未作检查", projection.MaxRecords)
		out.MessageEn = fmt.Sprintf("this person has more than %d records and was not looked at", projection.MaxRecords)
	case faultRules:
		out.MessageZh = "规则包无法检查此人的记录，请联系管理员检查规则包"
		out.MessageEn = "the rule pack could not be tried on this person: it needs to be looked at"
	case faultRecord:
		out.MessageZh = "此记录无法读取，请联系管理员"
		out.MessageEn = "this record cannot be read: ask whoever runs the server"
	}
	return out
}

// faultOf returns the fault of a person that is not looked at as a whole; empty: it is.
func faultOf(p *projection.Person) fault {
	switch p.Fault {
	case projection.FaultLinked:
		return faultLinked
	case projection.FaultRecords:
		return faultRecords
	}
	return ""
}

// Look tries the pack on a person and writes the rows.
func (f *Findings) Look(conn *sqlite.Conn, p *projection.Person, day care.Date) error {
	known, err := f.knownOf(conn, p)
	if err != nil {
		return err
	}
	sets := f.look(p, known, day)
	h, err := needHeader(conn)
	if err != nil {
		return err
	}
	last := h.last
	if err := (writing{conn, &h, day}).person(sets, known.before); err != nil || h.last == last {
		return err
	}
	return h.put(conn)
}

// look tries the pack on a person, and returns the sets, in order of record; those without
// findings are not among them.
func (f *Findings) look(p *projection.Person, k known, day care.Date) []Set {
	l := looking{f: f, person: p, known: k, at: map[setKey]int{}}
	for _, id := range p.Unreadable {
		one := faultRecord.finding()
		one.RecordId = id[:]
		l.add(one)
	}
	fault := faultOf(p)
	if fault != faultRecords {
		for _, one := range l.findings(day) {
			l.add(one)
		}
	}
	if fault != "" {
		l.add(fault.finding())
	}
	slices.SortFunc(l.sets, func(a, b Set) int {
		if c := record.ID.Compare(a.Record, b.Record); c != 0 || a.Combined == b.Combined {
			return c
		}
		if a.Combined {
			return 1
		}
		return -1
	})
	return l.sets
}

// looking is one look at one person.
type looking struct {
	f      *Findings
	person *projection.Person
	known  known
	sets   []Set
	at     map[setKey]int
}

type setKey struct {
	record   record.ID
	combined bool
}

// findings tries the rules. When they panic, that is what is found: with a panic of this
// goroutine the whole server would end, at each start again.
func (l *looking) findings(day care.Date) (out []*carev1.Finding) {
	defer func() {
		if v := recover(); v != nil {
			l.f.passOver(l.person.ID, syncengine.NewPanicError(v))
			out = []*carev1.Finding{faultRules.finding()}
		}
	}()
	p, k, tried := l.person.Rules, l.f.pack, l.known.tried
	if tried.Rules == nil {
		return k.Findings(p, day)
	}
	out = tried.Findings(p, day)
	for _, e := range p.Entries() {
		if !l.known.changed[e.ID] {
			for _, one := range l.known.stored[e.ID] {
				one.RecordId = e.ID[:]
				out = append(out, one)
			}
			continue
		}
		for _, one := range k.Check(p, e, day) {
			if !tried.has[one.GetRuleId()] {
				out = append(out, one)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *carev1.Finding) int { return cmp.Compare(k.rank[a.GetRuleId()], k.rank[b.GetRuleId()]) })
	return out
}

// add puts a finding into the set that it belongs to.
func (l *looking) add(one *carev1.Finding) {
	row, about := l.row(one.GetRecordId())
	reads, combined := l.f.pack.reads[one.GetRuleId()]
	key := setKey{combined: combined && about}
	if about {
		key.record = record.ID(one.GetRecordId())
	}
	at, ok := l.at[key]
	if !ok {
		at = len(l.sets)
		l.at[key] = at
		s := Set{Record: key.record, Person: l.person.ID, Combined: key.combined, Class: row.Class, Divisions: row.Divisions}
		if !about {
			s.Class = l.highest()
		}
		if !about || key.combined {
			s.Divisions = l.home(row.Divisions)
		}
		l.sets = append(l.sets, s)
	}
	s := &l.sets[at]
	s.Class = max(s.Class, reads.class)
	s.Findings = append(s.Findings, one)
}

// row returns where the person's record with an id stands; false when there is none.
func (l *looking) row(id []byte) (projection.Row, bool) {
	if len(id) != len(record.ID{}) {
		return projection.Row{}, false
	}
	row, ok := l.person.Rows[record.ID(id)]
	return row, ok
}

// highest returns the highest class among the person's records.
func (l *looking) highest() record.Class {
	highest := record.ClassGeneral
	for _, row := range l.person.Rows {
		highest = max(highest, row.Class)
	}
	return highest
}

// home returns where the person is: the divisions of the first of its residents that is
// anywhere, else those given, else of all its records.
func (l *looking) home(given []record.Division) []record.Division {
	for _, r := range l.person.Residents {
		if row := l.person.Rows[r]; len(row.Divisions) > 0 {
			return row.Divisions
		}
	}
	if len(given) > 0 {
		return given
	}
	var all []record.Division
	for _, row := range l.person.Rows {
		all = append(all, row.Divisions...)
	}
	return all
}
