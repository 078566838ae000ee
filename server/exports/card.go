// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"encoding/binary"
	"errors"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// card is what tells of a person which tables may have it, and of its records which ones are
// read for them. It says no more than that: the tables are made of the records.
type card struct {
	residents []record.ID // ascending; some may have no record
	born      care.Date   // the earliest of its residents'; 0: one does not say
	tags      []carev1.PopulationCode
	records   []dated // in order of id, voided ones left out
}

// dated is a record with the days that it is about.
type dated struct {
	id    record.ID
	from  care.Date // the day of a service, the first of a contract; 0: no such form
	until care.Date // the last one; that of a service is the same
}

// cardOf returns the card of a person's entries.
func cardOf(entries []rules.Entry) (c card) {
	undated := false
	for _, e := range entries {
		if e.Voided {
			continue
		}
		one := dated{id: e.ID}
		switch form := e.Form.(type) {
		case *carev1.Resident:
			on := care.Date(form.GetBirthDate())
			if undated = undated || on <= 0; c.born == 0 || on < c.born {
				c.born = on
			}
			for _, t := range form.GetTags() {
				c.tags = append(c.tags, t.GetCode())
			}
		case *carev1.Contract:
			one.from, one.until = care.Date(form.GetTerm().GetSince()), care.Date(form.GetTerm().GetUntil())
		case interface{ GetServiceDate() int32 }:
			one.from = care.Date(form.GetServiceDate())
			one.until = one.from
		}
		c.records = append(c.records, one)
	}
	if undated {
		c.born = 0
	}
	slices.Sort(c.tags)
	c.tags = slices.Compact(c.tags)
	slices.SortFunc(c.records, func(a, b dated) int { return a.id.Compare(b.id) })
	return c
}

// tagged reports whether a resident has one of these tags.
func (c card) tagged(groups []carev1.PopulationCode) bool {
	return slices.ContainsFunc(c.tags, func(t carev1.PopulationCode) bool { return slices.Contains(groups, t) })
}

// served reports whether there is a record of these kinds with its day in a period.
func (c card) served(kinds []record.Kind, in indicators.Period) bool {
	return slices.ContainsFunc(c.records, func(d dated) bool { return slices.Contains(kinds, d.id.Kind()) && in.Has(d.from) })
}

// under reports whether there is a record of a kind that holds on a day.
func (c card) under(kind record.Kind, on care.Date) bool {
	return slices.ContainsFunc(c.records, func(d dated) bool { return d.id.Kind() == kind && d.from <= on && on <= d.until })
}

var errCard = errors.New("a card of the exports is damaged")

// append writes a card down: residents, day and tags, then each record's id and its two days, numbers as varints.
func (c card) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.residents)))
	for _, id := range c.residents {
		b = append(b, id[:]...)
	}
	b = binary.AppendVarint(b, int64(c.born))
	b = binary.AppendUvarint(b, uint64(len(c.tags)))
	for _, t := range c.tags {
		b = binary.AppendVarint(b, int64(t))
	}
	for _, d := range c.records {
		b = append(b, d.id[:]...)
		b = binary.AppendVarint(b, int64(d.from))
		b = binary.AppendVarint(b, int64(d.until)-int64(d.from))
	}
	return b
}

// readCard reads what append wrote.
func readCard(b []byte) (c card, err error) {
	r := cardReader{b: b}
	for range r.count() {
		c.residents = append(c.residents, r.id())
	}
	c.born = care.Date(r.number())
	for range r.count() {
		c.tags = append(c.tags, carev1.PopulationCode(r.number()))
	}
	for len(r.b) > 0 && !r.failed {
		d := dated{id: r.id(), from: care.Date(r.number())}
		d.until = d.from + care.Date(r.number())
		c.records = append(c.records, d)
	}
	if r.failed {
		return card{}, errCard
	}
	return c, nil
}

// cardReader reads what a card is made of; once it failed it gives zeros.
type cardReader struct {
	b      []byte
	failed bool
}

func (r *cardReader) take(n int) []byte {
	if n <= 0 || n > len(r.b) {
		r.failed, r.b = true, nil
		return nil
	}
	took := r.b[:n]
	r.b = r.b[n:]
	return took
}

func (r *cardReader) number() int64 {
	v, n := binary.Varint(r.b)
	r.take(n)
	return v
}

// count reads how many follow, which is never more than there are bytes.
func (r *cardReader) count() int {
	v, n := binary.Uvarint(r.b)
	if r.take(n); v > uint64(len(r.b)) {
		r.take(-1)
		return 0
	}
	return int(v)
}

func (r *cardReader) id() (id record.ID) {
	copy(id[:], r.take(len(id)))
	return id
}
