// SPDX-License-Identifier: Apache-2.0

package register

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Status is where a person is, as of a day.
type Status uint8

// The statuses.
const (
	Here Status = iota
	Away        // moved out, or lost to follow-up
	Dead
)

// person is what the register says of one.
type person struct {
	residents []*carev1.Resident // in the order of their ids; none: it is not in the register
	ids       []record.ID        // of the residents
	divisions []record.Division  // where they are, sorted, each once
	tags      []Tag
	died      care.Date
	left      care.Date // the day of the last leave without a return
}

// personOf reads a person.
func personOf(p *projection.Person) person {
	var out person
	var turns []turn
	if p.Rules == nil {
		return out
	}
	for _, e := range p.Rules.Entries() {
		switch form := e.Form.(type) {
		case *carev1.Resident:
			out.residents, out.ids = append(out.residents, form), append(out.ids, e.ID)
			out.divisions = append(out.divisions, p.Rows[e.ID].Divisions...)
			turns = append(turns, out.resident(form)...)
		case *carev1.VitalEvent:
			turns = append(turns, out.event(form)...)
		}
	}
	slices.Sort(out.divisions)
	out.divisions = slices.Compact(out.divisions)
	slices.SortFunc(out.tags, func(a, b Tag) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Since, b.Since), cmp.Compare(a.Until, b.Until))
	})
	out.tags = slices.Compact(out.tags)
	out.left = leave(turns)
	return out
}

// turn is a day on which a person left, or came back.
type turn struct {
	day  care.Date
	back bool
}

// leave returns the day since which a person is away; 0 when it is not. On one day a return is the later.
func leave(turns []turn) (since care.Date) {
	slices.SortStableFunc(turns, func(a, b turn) int {
		if c := cmp.Compare(a.day, b.day); c != 0 || a.back == b.back {
			return c
		}
		if a.back {
			return 1
		}
		return -1
	})
	for _, t := range turns {
		switch {
		case t.back:
			since = 0
		case since == 0:
			since = t.day
		}
	}
	return since
}

func (p *person) resident(r *carev1.Resident) []turn {
	for _, t := range r.GetTags() {
		p.tags = append(p.tags, Tag{t.GetCode(), care.Date(t.GetSince()), care.Date(t.GetUntil())})
	}
	if d := r.GetDeath(); d.GetDead() && d.GetDiedOn() > 0 {
		p.dies(care.Date(d.GetDiedOn()))
	}
	if end := r.GetManagementEnd(); end.GetEndedOn() > 0 {
		switch end.GetReason() {
		case carev1.ManagementEndReason_MANAGEMENT_END_REASON_DEATH:
			p.dies(care.Date(end.GetEndedOn()))
		case carev1.ManagementEndReason_MANAGEMENT_END_REASON_MOVED_AWAY, carev1.ManagementEndReason_MANAGEMENT_END_REASON_LOST:
			return []turn{{day: care.Date(end.GetEndedOn())}}
		}
	}
	return nil
}

func (p *person) event(e *carev1.VitalEvent) []turn {
	day := care.Date(e.GetEventDate())
	if day <= 0 {
		return nil
	}
	switch e.GetType() {
	case carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH:
		p.dies(day)
	case carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT, carev1.VitalEventType_VITAL_EVENT_TYPE_LOST:
		return []turn{{day: day}}
	case carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_IN, carev1.VitalEventType_VITAL_EVENT_TYPE_RETURNED:
		return []turn{{day: day, back: true}}
	}
	return nil
}

func (p *person) dies(day care.Date) {
	if p.died == 0 || day < p.died {
		p.died = day
	}
}

func (p person) places() (out []int64) {
	for _, d := range p.divisions {
		if n, ok := numberOf(d); ok {
			out = append(out, n)
		}
	}
	return out
}

// names returns the names of the residents, normalised, each once, in order.
func (p person) names() (out []string) {
	for _, r := range p.residents {
		if name := care.NormaliseName(r.GetName()); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func (p person) spellings() (out []string) {
	for _, name := range p.names() {
		out = append(out, spellings(readings(name))...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// row is a person as the tables have it.
type row struct {
	id        record.ID
	ref       int64
	name      string   // of the first resident, as written
	names     []string // of all, normalised
	spelt     []string // by pinyin, sorted
	sex       carev1.Sex
	birth     care.Date
	doctors   []string
	divisions []record.Division
	tags      []Tag
	died      care.Date
	left      care.Date
	residents []record.ID // in order
}

func (p person) row(id record.ID) row {
	first := p.residents[0]
	r := row{
		id: id, name: first.GetName(), names: p.names(), spelt: p.spellings(), sex: first.GetSex(), birth: care.Date(first.GetBirthDate()),
		divisions: p.divisions, tags: p.tags, died: p.died, left: p.left, residents: p.ids,
	}
	for _, one := range p.residents {
		if d := one.GetDoctorId(); d != "" && !slices.Contains(r.doctors, d) {
			r.doctors = append(r.doctors, d)
		}
	}
	return r
}

// status returns where the person is on a day.
func (r row) status(day care.Date) Status {
	switch {
	case r.died != 0 && r.died <= day:
		return Dead
	case r.left != 0 && r.left <= day:
		return Away
	}
	return Here
}

// joinedIDs and partedIDs put ids side by side.
func joinedIDs(ids []record.ID) (out []byte) {
	for _, id := range ids {
		out = append(out, id[:]...)
	}
	return out
}

func partedIDs(b []byte) (out []record.ID) {
	const size = len(record.ID{})
	for ; len(b) >= size; b = b[size:] {
		out = append(out, record.ID(b[:size]))
	}
	return out
}

// Texts in a column stand side by side, parted by a character that no form has.
const parting = "\x1f"

func joined[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = strings.ReplaceAll(string(v), parting, "")
	}
	return strings.Join(texts, parting)
}

func parted[T ~string](text string) (out []T) {
	if text == "" {
		return nil
	}
	for _, one := range strings.Split(text, parting) {
		out = append(out, T(one))
	}
	return out
}

// encodeTags writes code, since and until of each tag, with blanks between; decodeTags reads it.
func encodeTags(tags []Tag) string {
	var b strings.Builder
	for _, t := range tags {
		fmt.Fprintf(&b, "%d %d %d ", t.Code, t.Since, t.Until)
	}
	return strings.TrimSuffix(b.String(), " ")
}

func decodeTags(text string) (out []Tag, err error) {
	words := strings.Fields(text)
	if len(words)%3 != 0 {
		return nil, errKeys
	}
	for ; len(words) > 0; words = words[3:] {
		var v [3]int
		for i := range v {
			if v[i], err = strconv.Atoi(words[i]); err != nil {
				return nil, errKeys
			}
		}
		out = append(out, Tag{carev1.PopulationCode(v[0]), care.Date(v[1]), care.Date(v[2])})
	}
	return out, nil
}
