// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"cmp"
	"fmt"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// fault is why somebody could not be looked at: the rule id of the finding that says so.
type fault string

const (
	faultLinked  fault = "F.linked"  // more than maxLinked residents are linked
	faultRecords fault = "F.records" // more than maxRecords records
	faultRules   fault = "F.rules"   // the rules panicked
	faultRecord  fault = "F.record"  // a record cannot be read
)

// finding returns what is shown of a fault.
func (f fault) finding() *carev1.Finding {
	out := &carev1.Finding{RuleId: string(f), Severity: carev1.Severity_SEVERITY_WARNING, Fault: true}
	switch f {
	case faultLinked:
		out.MessageZh = fmt.Sprintf("有超过 %d 份档案关联为同一人，已分别检查：请核对关联", maxLinked)
		out.MessageEn = fmt.Sprintf("more than %d residents are linked as one person, and each was looked at by itself: check the links", maxLinked)
	case faultRecords:
		out.MessageZh = fmt.Sprintf("此人记录超过 %d 条，未作检查", maxRecords)
		out.MessageEn = fmt.Sprintf("this person has more than %d records and was not looked at", maxRecords)
	case faultRules:
		out.MessageZh = "规则包无法检查此人的记录，请联系管理员检查规则包"
		out.MessageEn = "the rule pack could not be tried on this person: it needs to be looked at"
	case faultRecord:
		out.MessageZh = "此记录无法读取，请联系管理员"
		out.MessageEn = "this record cannot be read: ask whoever runs the server"
	}
	return out
}

// look tries the pack on a person whose records are rows, and returns the sets, in order of
// record; those without findings are not among them. rows must be in order of id.
func (f *Findings) look(p person, rows []syncengine.RecordRow, day care.Date) []Set {
	rows = slices.DeleteFunc(rows, func(row syncengine.RecordRow) bool { // the feed will say whose it is
		return !row.Subject.IsZero() && !slices.Contains(p.residents, row.Subject)
	})
	l := looking{f: f, person: p, rows: rows, at: map[setKey]int{}}
	if p.fault != faultRecords {
		entries := l.entries()
		for _, one := range l.findings(entries, day) {
			l.add(one)
		}
	}
	if p.fault != "" {
		l.add(p.fault.finding())
	}
	slices.SortFunc(l.sets, func(a, b Set) int {
		if c := compareIDs(a.Record, b.Record); c != 0 || a.Combined == b.Combined {
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
	person person
	rows   []syncengine.RecordRow // in order of id
	sets   []Set
	at     map[setKey]int
}

type setKey struct {
	record   record.ID
	combined bool
}

// entries reads the records. One that cannot be read is left out, and that is found about it.
func (l *looking) entries() []rules.Entry {
	out := make([]rules.Entry, 0, len(l.rows))
	for _, row := range l.rows {
		e, err := entryOf(row)
		if err != nil {
			l.f.passOver(row.ID, err)
			f := faultRecord.finding()
			f.RecordId = row.ID[:]
			l.add(f)
			continue
		}
		out = append(out, e)
	}
	return out
}

func entryOf(row syncengine.RecordRow) (e rules.Entry, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = syncengine.NewPanicError(v)
		}
	}()
	state, err := record.DecodeState(row.State)
	if err != nil {
		return e, err
	}
	kind, registers := row.ID.Kind(), state.Registers()
	form, err := care.Message(kind, registers)
	if err != nil {
		return e, err
	}
	subject := row.Subject
	if subject.IsZero() {
		subject = row.ID
	}
	return rules.Entry{
		ID: row.ID, Kind: kind, Subject: subject, Form: form, Voided: state.Life() == record.LifeVoided,
		CapturedAt: care.CapturedAt(registers),
	}, nil
}

// findings tries the rules. When they panic, that is what is found: with a panic of this
// goroutine the whole server would end, at each start again.
func (l *looking) findings(entries []rules.Entry, day care.Date) (out []*carev1.Finding) {
	defer func() {
		if v := recover(); v != nil {
			l.f.passOver(l.person.id, syncengine.NewPanicError(v))
			out = []*carev1.Finding{faultRules.finding()}
		}
	}()
	p, k := rules.NewPerson(l.person.id, entries), l.f.pack
	tried := l.person.tried
	if tried.Rules == nil {
		return k.Findings(p, day)
	}
	out = tried.Findings(p, day)
	for _, e := range entries {
		if !l.person.changed[e.ID] {
			for _, one := range l.person.stored[e.ID] {
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
		key.record = row.ID
	}
	at, ok := l.at[key]
	if !ok {
		at = len(l.sets)
		l.at[key] = at
		s := Set{Record: key.record, Person: l.person.id, Combined: key.combined, Class: row.Class, Divisions: row.Divisions}
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

// row returns the person's record with an id; false when there is none.
func (l *looking) row(id []byte) (syncengine.RecordRow, bool) {
	if len(id) != len(record.ID{}) {
		return syncengine.RecordRow{}, false
	}
	at, ok := slices.BinarySearchFunc(l.rows, record.ID(id), func(row syncengine.RecordRow, id record.ID) int { return compareIDs(row.ID, id) })
	if !ok {
		return syncengine.RecordRow{}, false
	}
	return l.rows[at], true
}

// highest returns the highest class among the person's records.
func (l *looking) highest() record.Class {
	highest := record.ClassGeneral
	for _, row := range l.rows {
		highest = max(highest, row.Class)
	}
	return highest
}

// home returns where the person is: the divisions of the first of its residents that is
// anywhere, else those given, else of all its records.
func (l *looking) home(given []record.Division) []record.Division {
	for _, r := range l.person.residents {
		if row, ok := l.row(r[:]); ok && len(row.Divisions) > 0 {
			return row.Divisions
		}
	}
	if len(given) > 0 {
		return given
	}
	var all []record.Division
	for _, row := range l.rows {
		all = append(all, row.Divisions...)
	}
	return all
}
