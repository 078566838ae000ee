// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// perSegment is how many saves a device seals together.
const perSegment = 100

// An author makes what one device saves: forms turned into registers by care, sealed
// by segment. Everything is made before the clock starts.
type author struct {
	forms    forms
	key      ed25519.PrivateKey
	cert     segment.Certificate
	now      time.Time
	villages []record.Division
	patients []patient // of whom the records are; empty: of people whom nobody registered

	counter uint64
	last    segment.Hash
}

// patient is a resident whom the county knows.
type patient struct {
	id      record.ID
	village record.Division
}

// saved is one record as its author knows it.
type saved struct {
	id    record.ID
	dot   causal.Dot // of its newest save here
	scope record.Division
	state []byte // canonical, as the server will store it
	form  int    // bytes of the form as a protobuf message
}

// sealed is one segment with its records.
type sealed struct {
	wire    []byte
	records []saved
}

func newAuthor(number int, seed uint64, began time.Time, villages []record.Division) *author {
	rnd := rand.New(rand.NewPCG(seed, uint64(number)))
	key := forms{rnd}.bits(ed25519.SeedSize)
	return &author{forms: forms{rnd}, key: ed25519.NewKeyFromSeed(key), now: began, villages: villages}
}

func (a *author) publicKey() ed25519.PublicKey { return a.key.Public().(ed25519.PublicKey) }

func (a *author) salt() (s [16]byte) {
	copy(s[:], a.forms.bits(len(s)))
	return s
}

// create seals n new records.
func (a *author) create(n int) (sealed, error) {
	out := sealed{records: make([]saved, n)}
	revs := make([]segment.Sealable, n)
	for i := range n {
		salt := a.salt()
		a.now = a.now.Add(7 * time.Millisecond)
		kind, form := a.forms.next(a.now)
		r, err := a.newRecord(kind, form, salt)
		if err != nil {
			return out, err
		}
		if revs[i], err = a.number(r, salt, i); err != nil {
			return out, err
		}
		r = revs[i].Revision
		out.records[i] = saved{
			id: r.Record, dot: r.Dot, scope: a.villageOf(r), state: record.State{}.Apply(r, true).Append(nil), form: proto.Size(form),
		}
	}
	var err error
	out.wire, err = a.seal(revs)
	return out, err
}

func (a *author) villageOf(r record.Revision) record.Division {
	c, _ := r.Change(record.PathScope)
	return record.Division(c.Value.Bytes)
}

func (a *author) newRecord(kind record.Kind, form proto.Message, salt [16]byte) (record.Revision, error) {
	changes, err := care.Diff(kind, nil, form)
	if err != nil {
		return record.Revision{}, err
	}
	id, err := record.MakeID(kind, a.now, a.cert.Replica(), salt)
	if err != nil {
		return record.Revision{}, err
	}
	var bits [16]byte
	copy(bits[:], a.forms.bits(16))
	subject, err := record.MakeID(care.KindResident, a.now.AddDate(-1, 0, 0), a.cert.Replica(), bits)
	if err != nil {
		return record.Revision{}, err
	}
	var village record.Division
	if len(a.patients) > 0 {
		p := a.patients[a.forms.rnd.IntN(len(a.patients))]
		subject, village = p.id, p.village
	} else {
		village = a.villages[a.forms.rnd.IntN(len(a.villages))]
	}
	return record.Revision{Record: id, Author: doctor, ClockMs: a.now.UnixMilli(), Changes: append(
		changes,
		record.Change{Path: record.PathSubject, Value: record.Of(subject[:])},
		record.Change{Path: record.PathScope, Value: record.Of([]byte(village))},
	)}, nil
}

// edit seals a second save of each record: three of its registers anew.
func (a *author) edit(records []saved) (sealed, error) {
	out := sealed{records: make([]saved, len(records))}
	revs := make([]segment.Sealable, len(records))
	for i, of := range records {
		salt := a.salt()
		a.now = a.now.Add(7 * time.Millisecond)
		before, err := record.DecodeState(of.state)
		if err != nil {
			return out, err
		}
		if revs[i], err = a.number(a.secondSave(of, before), salt, i); err != nil {
			return out, err
		}
		r := revs[i].Revision
		out.records[i] = saved{id: of.id, dot: r.Dot, scope: of.scope, state: before.Apply(r, true).Append(nil), form: of.form}
	}
	var err error
	out.wire, err = a.seal(revs)
	return out, err
}

// secondSave writes new values into three registers of a record that somebody, who
// need not be this author, created.
func (a *author) secondSave(of saved, before record.State) record.Revision {
	r := record.Revision{
		Record: of.id, Author: doctor, ClockMs: a.now.UnixMilli(),
		ScopeSeen: record.ScopeSeen{Dot: of.dot, Division: of.scope},
	}
	if of.dot.Replica == a.cert.Replica() {
		r.Prev = record.Prev{Counter: of.dot.Counter, Hash: of.dot.Hash}
	}
	var own []record.Entry
	for _, e := range before.Live {
		if e.Path != record.PathSubject && e.Path != record.PathScope {
			own = append(own, e)
		}
	}
	for _, i := range []int{4, len(own) / 2, len(own) - 2} {
		value := append([]byte(nil), own[i].Value.Bytes...)
		value[len(value)-1] ^= byte(1 + a.forms.rnd.IntN(31)) // the form's meaning is nothing to the engine
		r.Changes = append(r.Changes, record.Change{Path: own[i].Path, Value: record.Of(value), Parents: []causal.Dot{own[i].Dot}})
	}
	return r
}

// number gives r the next dot but i.
func (a *author) number(r record.Revision, salt [16]byte, i int) (segment.Sealable, error) {
	r.Dot = causal.Dot{Replica: a.cert.Replica(), Counter: a.counter + uint64(i) + 1}
	var err error
	if r.Changes, err = record.Normalise(r.Changes); err != nil {
		return segment.Sealable{}, err
	}
	if r, _, err = r.Seal(salt[:]); err != nil {
		return segment.Sealable{}, err
	}
	return segment.Sealable{Revision: r, Salt: salt}, nil
}

func (a *author) seal(revs []segment.Sealable) ([]byte, error) {
	s, err := segment.Seal(segment.KeySigner(a.key), segment.Header{
		Shard: a.cert.Shard, Certificate: a.cert.Hash, First: a.counter + 1, Previous: a.last,
	}, revs)
	if err != nil {
		return nil, fmt.Errorf("seal %d saves: %w", len(revs), err)
	}
	a.counter, a.last = s.Last(), s.Hash()
	return s.Bytes(), nil
}

func (a *author) createSegments(n int) ([]sealed, error) {
	out := make([]sealed, n)
	for i := range out {
		var err error
		if out[i], err = a.create(perSegment); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// editSegments seals second saves of the records, perSegment together.
func (a *author) editSegments(of []saved) ([]sealed, error) {
	var out []sealed
	for len(of) > 0 {
		n := min(perSegment, len(of))
		s, err := a.edit(of[:n])
		if err != nil {
			return nil, err
		}
		out, of = append(out, s), of[n:]
	}
	return out, nil
}
