// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrFacts is wrapped when bytes are no facts, or are of an edition that this build does not know.
var ErrFacts = errors.New("no facts of indicators")

// edition is the first byte of encoded facts. Another meaning of anything in them is another edition: who keeps
// facts takes them anew.
const edition = 2

// Edition names what facts mean: who keeps encoded ones takes them anew when it changes.
func Edition() int { return edition }

// Encode returns the facts as bytes, the same for the same facts:
//
//	byte      edition
//	byte      1 if findings were asked for
//	day       birth
//	table     places, then names: count, then each as its length and bytes
//	count     resident records, each: id, received, registered, ended, place, doctor, creator, standing, cover, missing, marks
//	count     turns, each: id, on, received, kind, from
//	count     tags, each: id, code, since, until, received
//	count     diagnoses, each: id, code, since, received
//	count     contract services, each: contract, item, times
//	count     events, each: what is there (a byte), id, what, days after the event before, received after on,
//	          then place, doctor, standing, flags and the four numbers, those that are there
//
// Numbers are unsigned varints, signed ones zigzag; a day is 0 for none, or one more than its zigzag number.
//
// DecodeFacts(f.Encode()) is f, and whatever DecodeFacts accepts is what Encode gives.
func (f Facts) Encode() []byte {
	w := writer{b: make([]byte, 0, 64+48*len(f.events)+64*len(f.residents))}
	w.b = append(w.b, edition, flagOf(f.judged))
	w.day(f.birth)
	w.places(f.places)
	w.names(f.names)
	w.n(len(f.residents))
	for i := range f.residents {
		w.residence(&f.residents[i])
	}
	w.n(len(f.turns))
	for _, t := range f.turns {
		w.id(t.id)
		w.day(t.on)
		w.day(t.received)
		w.b = append(w.b, byte(t.kind), t.from)
	}
	w.n(len(f.tags))
	for _, t := range f.tags {
		w.id(t.id)
		w.b = append(w.b, t.code)
		w.day(t.since)
		w.day(t.until)
		w.day(t.received)
	}
	w.n(len(f.known))
	for _, k := range f.known {
		w.id(k.id)
		w.b = append(w.b, k.code)
		w.day(k.since)
		w.day(k.received)
	}
	w.n(len(f.items))
	for _, item := range f.items {
		w.b = append(w.b, item.contract, item.item)
		w.u(uint64(item.times))
	}
	w.events(f.events)
	return w.b
}

func flagOf(is bool) byte {
	if is {
		return 1
	}
	return 0
}

func bitIf(is bool, bit byte) byte {
	if is {
		return bit
	}
	return 0
}

type writer struct{ b []byte }

func (w *writer) u(n uint64)      { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) n(n int)         { w.u(uint64(n)) }
func (w *writer) z(n int64)       { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) id(id record.ID) { w.b = append(w.b, id[:]...) }

func (w *writer) day(d day) {
	if d == noDay {
		w.u(0)
		return
	}
	w.u(zigzag(int64(d)) + 1)
}

func zigzag(n int64) uint64 { return uint64(n<<1) ^ uint64(n>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func (w *writer) places(all []record.Division) {
	w.n(len(all))
	for _, p := range all {
		w.n(len(p))
		w.b = append(w.b, p...)
	}
}

func (w *writer) names(all []string) {
	w.n(len(all))
	for _, name := range all {
		w.n(len(name))
		w.b = append(w.b, name...)
	}
}

func (w *writer) residence(r *residence) {
	w.id(r.id)
	w.day(r.received)
	w.day(r.registered)
	w.day(r.ended)
	w.b = append(w.b, r.place, r.doctor, r.creator, byte(r.standing), r.cover, r.missing, r.marks)
}

// What is there of an event.
const (
	hasPlace = 1 << (iota + 4)
	hasDoctor
	hasStanding
	hasFlags
)

func (w *writer) events(all []event) {
	w.n(len(all))
	before := day(0)
	for i := range all {
		e := &all[i]
		there := byte(0)
		for k, v := range e.v {
			if v != 0 {
				there |= 1 << k
			}
		}
		there |= bitIf(e.place != 0, hasPlace) | bitIf(e.doctor != 0, hasDoctor) | bitIf(e.standing != 0, hasStanding) | bitIf(e.flags != 0, hasFlags)
		w.b = append(w.b, there)
		w.id(e.id)
		w.b = append(w.b, byte(e.what))
		w.z(int64(e.on - before))
		before = e.on
		if e.received == noDay {
			w.u(0)
		} else {
			w.u(zigzag(int64(e.received-e.on)) + 1)
		}
		w.rest(e, there)
	}
}

func (w *writer) rest(e *event, there byte) {
	if there&hasPlace != 0 {
		w.b = append(w.b, e.place)
	}
	if there&hasDoctor != 0 {
		w.b = append(w.b, e.doctor)
	}
	if there&hasStanding != 0 {
		w.b = append(w.b, byte(e.standing))
	}
	if there&hasFlags != 0 {
		w.u(uint64(e.flags))
	}
	for k, v := range e.v {
		if there&(1<<k) != 0 {
			w.z(int64(v))
		}
	}
}

// DecodeFacts reads what Encode wrote, and nothing else: its errors wrap ErrFacts.
func DecodeFacts(raw []byte) (Facts, error) {
	r := reader{b: raw}
	if v := r.byte(); v != edition {
		return Facts{}, fmt.Errorf("%w: edition %d, this build reads %d", ErrFacts, v, edition)
	}
	f := r.facts()
	if r.bad || len(r.b) != 0 {
		return Facts{}, fmt.Errorf("%w: they end too early or too late, or hold what is none", ErrFacts)
	}
	if !f.sorted() {
		return Facts{}, fmt.Errorf("%w: they are not in the one form that facts have", ErrFacts)
	}
	return f, nil
}
