// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// tablet is one doctor's, or the bureau's computer.
type tablet struct {
	c       *planned
	village *place // nil: of the bureau
	number  int    // in the village
	key     ed25519.PrivateKey
	cert    segment.Certificate
	staff   string

	counter uint64
	last    segment.Hash
	clock   time.Time // of the last save

	year   int // of events; -1: none yet
	events []event
	next   int // in events
}

const perSegment = 100 // saves, as a tablet seals them together

// keyOf returns the key of a tablet; who makes invented people may know it.
func (c *planned) keyOf(of ...uint64) ed25519.PrivateKey {
	seed := make([]byte, 0, ed25519.SeedSize)
	for i := range uint64(4) {
		seed = binary.BigEndian.AppendUint64(seed, mix(append([]uint64{c.plan.Seed, uint64(streamKey), i}, of...)...))
	}
	return ed25519.NewKeyFromSeed(seed)
}

// tablets returns all of them, in order of villages; the bureau's is the last one.
func (c *planned) tablets() []*tablet {
	var out []*tablet
	for i := range c.villages {
		v := &c.villages[i]
		for n := range v.tablets {
			out = append(out, &tablet{
				c: c, village: v, number: n, key: c.keyOf(uint64(v.number), uint64(n)), staff: staffOf(v, n), year: -1, clock: c.begins,
			})
		}
	}
	return append(out, &tablet{c: c, key: c.keyOf(1 << 40), staff: bureauStaff, year: -1, clock: c.begins})
}

const bureauStaff = "bureau1"

func staffOf(v *place, tablet int) string { return fmt.Sprintf("d%05d", v.number*10+tablet) }

func (t *tablet) rights() syncengine.Rights {
	r := syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{t.staff}, Divisions: []record.Division{record.Division(t.c.plan.County)},
		Classes: []record.Class{record.ClassGeneral},
	}
	if t.village != nil {
		r.Divisions = []record.Division{record.Division(t.village.Code)}
	}
	return r
}

func (t *tablet) replica() causal.ReplicaID {
	return causal.ReplicaOf(t.key.Public().(ed25519.PublicKey))
}

// week returns what the tablet saves before a day of the plan, sealed.
func (t *tablet) week(before int) ([]*segment.Segment, error) {
	var revs []segment.Sealable
	add := func(at time.Time, form proto.Message, id, subject record.ID, scope string, salt [16]byte) error {
		r, err := t.save(at, form, id, subject, scope, salt, uint64(len(revs)))
		revs = append(revs, r)
		return err
	}
	var err error
	if t.village == nil {
		err = t.c.bureau(before, add)
	} else {
		err = t.saves(before, add)
	}
	if err != nil {
		return nil, err
	}
	return t.seal(revs)
}

// adding takes one form; the id is made of the salt.
type adding func(at time.Time, form proto.Message, id, subject record.ID, scope string, salt [16]byte) error

// saves hands over the forms of the tablet's events before a day.
func (t *tablet) saves(before int, add adding) error {
	if year := (before - 1) / daysOfYear; year != t.year {
		t.year, t.events, t.next = year, t.c.work(t.village, t.number, year), 0
		for t.next < len(t.events) && t.events[t.next].day < before-7 { // of weeks that are written
			t.next++
		}
	}
	for ; t.next < len(t.events) && t.events[t.next].day < before; t.next++ {
		e := t.events[t.next]
		at := t.c.begins.AddDate(0, 0, e.day).Add(time.Duration(e.minute) * time.Minute)
		s := &sheet{
			c: t.c, p: t.c.person(t.village, int(e.person)), e: e, on: care.DateOf(at), at: at, doctor: t.staff, year: t.year,
			rnd: t.c.random(uint64(streamForm), uint64(e.person), uint64(e.what), uint64(e.nth), uint64(t.year)),
		}
		form := s.form()
		year := t.year
		if e.what == registering || e.what == household || e.what == death {
			year = 0 // once
		}
		id, salt := t.c.identify(t.village, int(e.person), e.what, year, int(e.nth))
		subject, _ := t.c.identify(t.village, int(e.person), registering, 0, 0)
		if e.what == registering || e.what == household {
			subject = record.ID{}
		}
		if err := add(at, form, id, subject, t.village.Code, salt); err != nil {
			return err
		}
	}
	return nil
}

// identify returns the id of a record and the salt of its first save, whoever asks and whenever.
func (c *planned) identify(v *place, person int, w what, year, nth int) (record.ID, [16]byte) {
	tablet := (person - v.first) * v.tablets / max(v.residents, 1)
	var salt [16]byte
	binary.BigEndian.PutUint64(salt[:], mix(c.plan.Seed, uint64(streamID), uint64(person), uint64(w), uint64(year), uint64(nth)))
	binary.BigEndian.PutUint64(salt[8:], mix(c.plan.Seed, uint64(streamID)+100, uint64(person), uint64(w), uint64(year), uint64(nth)))
	at := c.begins.AddDate(0, 0, year*daysOfYear+nth*80).Add(time.Duration(person) * time.Millisecond)
	id, err := record.MakeID(kindOf(messages[w]), at, c.replicas[v.number][tablet], salt)
	if err != nil {
		panic(err) // kinds and days are ours
	}
	return id, salt
}

// recordID is identify for a field of a form.
func (c *planned) recordID(v *place, person int, w what, year, nth int) []byte {
	id, _ := c.identify(v, person, w, year, nth)
	return id[:]
}

// save makes one revision; before counts those of the segment in the making.
func (t *tablet) save(at time.Time, form proto.Message, id, subject record.ID, scope string, salt [16]byte, before uint64) (segment.Sealable, error) {
	changes, err := care.Diff(kindOf(form), nil, form)
	if err != nil {
		return segment.Sealable{}, fmt.Errorf("form of kind %d: %w", kindOf(form), err)
	}
	if !subject.IsZero() {
		changes = append(changes, record.Change{Path: record.PathSubject, Value: record.Of(subject[:])})
	}
	changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(scope))})
	if at = at.Add(5 * time.Minute); !at.After(t.clock) {
		at = t.clock.Add(time.Second)
	}
	t.clock = at
	r := record.Revision{
		Record: id, Author: t.staff, ClockMs: at.UnixMilli(), Dot: causal.Dot{Replica: t.replica(), Counter: t.counter + before + 1},
	}
	if r.Changes, err = record.Normalise(changes); err != nil {
		return segment.Sealable{}, err
	}
	if r, _, err = r.Seal(salt[:]); err != nil {
		return segment.Sealable{}, err
	}
	return segment.Sealable{Revision: r, Salt: salt}, nil
}

func (t *tablet) seal(revs []segment.Sealable) ([]*segment.Segment, error) {
	var out []*segment.Segment
	for len(revs) > 0 {
		n := min(segment.Plan(revs[:min(perSegment, len(revs))]), perSegment)
		s, err := segment.Seal(segment.KeySigner(t.key), segment.Header{
			Shard: t.cert.Shard, Certificate: t.cert.Hash, First: t.counter + 1, Previous: t.last,
		}, revs[:n])
		if err != nil {
			return nil, fmt.Errorf("seal %d saves: %w", n, err)
		}
		t.counter, t.last = s.Last(), s.Hash()
		out, revs = append(out, s), revs[n:]
	}
	return out, nil
}

// bits are random bytes.
func bits(rnd *rand.Rand) (b [16]byte) {
	binary.BigEndian.PutUint64(b[:], rnd.Uint64())
	binary.BigEndian.PutUint64(b[8:], rnd.Uint64())
	return b
}
