// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"encoding/binary"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A reader takes encoded facts apart. Once it is bad everything else is nothing.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) facts() (f Facts) {
	judged := r.byte()
	f.judged = judged == 1
	r.bad = r.bad || judged > 1
	f.birth = r.day()
	f.places = readTable[record.Division](r)
	f.names = readTable[string](r)
	f.residents = readAll(r, len(record.ID{})+10, (*reader).residence)
	f.turns = readAll(r, len(record.ID{})+4, (*reader).turn)
	f.tags = readAll(r, len(record.ID{})+4, (*reader).tag)
	f.known = readAll(r, len(record.ID{})+3, (*reader).diagnosis)
	f.items = readAll(r, 3, (*reader).item)
	before := day(0)
	f.events = readAll(r, len(record.ID{})+4, func(r *reader) event { return r.event(&before) })
	return f
}

// readAll reads a count and so many of one thing, that take at least some bytes each.
func readAll[T any](r *reader, least int, one func(*reader) T) []T {
	n := r.u()
	if n > uint64(len(r.b)/least) {
		r.bad = true
	}
	if n == 0 || r.bad {
		return nil
	}
	all := make([]T, 0, n)
	for range n {
		all = append(all, one(r))
	}
	return all
}

func readTable[T ~string](r *reader) []T {
	all := readAll(r, 1, func(r *reader) T { return T(r.take(r.u())) })
	if len(all) > maxTable {
		r.bad = true
	}
	return all
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	one := r.b[0]
	r.b = r.b[1:]
	return one
}

// u reads a number in its shortest form.
func (r *reader) u() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		n := uint64(r.b[0])
		r.b = r.b[1:]
		return n
	}
	n, size := binary.Uvarint(r.b)
	if size <= 0 || r.b[size-1] == 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) id() (id record.ID) {
	copy(id[:], r.take(uint64(len(id))))
	return id
}

// day reads a day of the calendar, or none.
func (r *reader) day() day { return r.dayAfter(0) }

// dayAfter reads how many days a day is after another, or that there is none.
func (r *reader) dayAfter(before day) day {
	u := r.u()
	if u == 0 {
		return noDay
	}
	return r.inCalendar(int64(before), unzigzag(u-1))
}

func (r *reader) inCalendar(before, n int64) day {
	if n < int64(firstDay-lastDay) || n > int64(lastDay-firstDay) || before+n < int64(firstDay) || before+n > int64(lastDay) {
		r.bad = true
		return noDay
	}
	return day(before + n)
}

func (r *reader) residence() residence {
	one := residence{id: r.id(), received: r.day(), registered: r.day(), ended: r.day()}
	one.place, one.doctor, one.creator, one.standing = r.byte(), r.byte(), r.byte(), standing(r.byte())
	one.cover, one.missing, one.marks = r.byte(), r.byte(), r.byte()
	return one
}

func (r *reader) turn() turn {
	return turn{id: r.id(), on: r.day(), received: r.day(), kind: turnKind(r.byte()), from: r.byte()}
}

// tag refuses a population that is not counted by itself: tables have its number.
func (r *reader) tag() tag {
	one := tag{id: r.id(), code: r.byte(), since: r.day(), until: r.day(), received: r.day()}
	r.bad = r.bad || one.code == 0 || one.code > lastPopulation
	return one
}

func (r *reader) diagnosis() diagnosis {
	return diagnosis{id: r.id(), code: r.byte(), since: r.day(), received: r.day()}
}

func (r *reader) item() contractItem {
	one := contractItem{contract: r.byte(), item: r.byte()}
	times := r.u()
	r.bad = r.bad || times > 0xffff
	one.times = uint16(times)
	return one
}

func (r *reader) event(before *day) event {
	there := r.byte()
	e := event{id: r.id(), what: what(r.byte())}
	e.on = r.inCalendar(int64(*before), unzigzag(r.u()))
	*before = max(e.on, firstDay)
	e.received = r.dayAfter(e.on)
	if there&hasPlace != 0 {
		e.place = r.something()
	}
	if there&hasDoctor != 0 {
		e.doctor = r.something()
	}
	if there&hasStanding != 0 {
		e.standing = standing(r.something())
	}
	if there&hasFlags != 0 {
		flags := r.u()
		r.bad = r.bad || flags == 0 || flags > 1<<32-1
		e.flags = uint32(flags)
	}
	for k := range e.v {
		if there&(1<<k) != 0 {
			n := unzigzag(r.u())
			r.bad = r.bad || n == 0 || n != int64(int32(n))
			e.v[k] = int32(n)
		}
	}
	return e
}

// something reads a byte that is said to be there: it is not 0.
func (r *reader) something() byte {
	one := r.byte()
	r.bad = r.bad || one == 0
	return one
}
