// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"crypto/ed25519"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// FaultMalformed: a revision under a good signature cannot be read.
	FaultMalformed Fault = "malformed revision"
	// FaultOversized: one is larger than any may be.
	FaultOversized Fault = "revision over the size limit"
	// FaultUnknownKind: one is of a kind that nobody here knows.
	FaultUnknownKind Fault = "unknown kind"
	// FaultOutOfScope: one is made outside its author's divisions or class.
	FaultOutOfScope Fault = "save out of scope"
	// FaultFalseScope: one says that it saw a scope which nobody bore.
	FaultFalseScope Fault = "scope seen that nobody bore"
	// FaultWrongCut: a known field is cut elsewhere than at its register.
	FaultWrongCut Fault = "field cut at a wrong place"
	// FaultActByTablet: a tablet plays the office.
	FaultActByTablet Fault = "office act by a tablet"
	// FaultStolenRecord: somebody says that he created another's record.
	FaultStolenRecord Fault = "another's record claimed"
	// FaultUnknownPrev: a save names a previous one that never comes.
	FaultUnknownPrev Fault = "previous save that never comes"
	// FaultBadBytes: what is pushed is no segment, or not the signer's.
	FaultBadBytes Fault = "damaged segment pushed"
)

// raw is an installation that seals revisions by hand, so that it can seal what no
// honest build would. It keeps everything it sealed.
type raw struct {
	w       *World
	key     ed25519.PrivateKey
	cert    segment.Certificate
	counter uint64
	last    segment.Hash
	prev    map[record.ID]causal.Dot
	segs    []*segment.Segment
	had     dots
}

func (w *World) addRaw(rights syncengine.Rights) *raw {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = w.Read(seed)
	r := &raw{w: w, key: ed25519.NewKeyFromSeed(seed), prev: map[record.ID]causal.Dot{}, had: dots{}}
	var err error
	r.cert, err = w.centre.Certify(w.ctx, rights, r.key.Public().(ed25519.PublicKey))
	w.must(err, "certify")
	w.raws = append(w.raws, r)
	return r
}

// save makes one revision under the raw device's next counter, in a segment of
// its own. Fields that rev leaves open are filled in honestly.
func (r *raw) save(rev record.Revision) *segment.Segment {
	var salt [16]byte
	_, _ = r.w.Read(salt[:])
	if rev.Record.IsZero() {
		rev.Record = r.newID(KindPerson, salt)
	}
	changes, err := record.Normalise(rev.Changes)
	r.w.must(err, "normalise")
	rev.Changes = changes
	return r.seal(segment.Sealable{Revision: r.fill(rev), Salt: salt}.Raw())
}

func (r *raw) newID(kind record.Kind, salt [16]byte) record.ID {
	id, err := record.MakeID(kind, r.w.now, r.cert.Replica(), salt)
	r.w.must(err, "make an id")
	return id
}

func (r *raw) fill(rev record.Revision) record.Revision {
	rev.Dot = causal.Dot{Replica: r.cert.Replica(), Counter: r.counter + 1}
	if rev.ClockMs == 0 {
		rev.ClockMs = r.w.now.UnixMilli()
	}
	if rev.Author == "" {
		rev.Author = r.cert.Staff[0]
	}
	if p, ok := r.prev[rev.Record]; ok && rev.Prev.Counter == 0 {
		rev.Prev = record.Prev{Counter: p.Counter, Hash: p.Hash}
	}
	return rev
}

func (r *raw) seal(raws ...segment.Raw) *segment.Segment {
	s, err := segment.SealRaw(segment.KeySigner(r.key), segment.Header{
		Shard: r.w.centre.Shard(), Certificate: r.cert.Hash, First: r.counter + 1, Previous: r.last,
	}, raws)
	r.w.must(err, "seal by hand")
	r.counter, r.last = s.Last(), s.Hash()
	r.segs = append(r.segs, s)
	for i := range s.Len() {
		r.had[s.Dot(i)] = true
		r.prev[s.RecordID(i)] = s.Dot(i)
	}
	r.w.oracle.segment(s.Hash(), s.Bytes())
	return s
}

// push hands segments to the centre.
func (r *raw) push(segs ...*segment.Segment) (out session.PushReply, ok bool) {
	q := session.PushRequest{Certificates: [][]byte{r.cert.Raw}}
	for _, s := range segs {
		q.Segments = append(q.Segments, s.Bytes())
	}
	ok = r.w.centre.do("takes a hand-made segment", func() (err error) {
		out, err = r.w.centre.Push(r.w.ctx, q)
		return err
	})
	return out, ok
}

// stepHandMade lets the hand-made device save something odd and send it, by some way.
func (w *World) stepHandMade() {
	if len(w.raws) == 0 {
		w.addRaw(syncengine.Rights{
			Role: segment.RoleTablet, Staff: []string{"zhao"}, Divisions: []record.Division{TownshipA}, Classes: []record.Class{record.ClassGeneral},
		})
	}
	r := pick(w, w.raws)
	s := r.odd()
	if s == nil {
		return
	}
	switch w.rnd.IntN(6) {
	case 0: // later
	case 1:
		if hubs := w.hubs(); len(hubs) > 0 && w.nested == 0 {
			h := pick(w, hubs)
			_, err := h.Carry(w.ctx, replica.Parcel{Certificates: [][]byte{r.cert.Raw}, Segments: [][]byte{s.Bytes()}})
			w.must(err, "carry a hand-made segment")
			h.look()
		}
	default:
		r.push(r.segs...)
	}
}

// seen returns what the centre's state shows of a record's scope.
func (w *World) seen(row syncengine.RecordRow) record.ScopeSeen {
	s, err := record.DecodeState(row.State)
	w.must(err, "state")
	for _, e := range s.At(record.PathScope) {
		if e.Value.Form == record.Present {
			return record.ScopeSeen{Dot: e.Dot, Division: record.Division(e.Value.Bytes)}
		}
	}
	return record.ScopeSeen{}
}

// odd seals one odd revision; nil when it needs a record and there is none.
func (r *raw) odd() *segment.Segment {
	w := r.w
	fresh := func(kind record.Kind, village record.Division) *segment.Segment {
		var salt [16]byte
		_, _ = w.Read(salt[:])
		changes, err := record.Normalise([]record.Change{{Path: record.PathScope, Value: record.Of([]byte(village))}, {Path: FieldName, Value: w.typed()}})
		w.must(err, "normalise")
		rev := r.fill(record.Revision{Record: r.newID(kind, salt), Changes: changes})
		return r.seal(segment.Sealable{Revision: rev, Salt: salt}.Raw())
	}
	what := w.rnd.IntN(12)
	switch what {
	case 0:
		w.happens(FaultUnknownKind)
		return fresh(pick(w, []record.Kind{KindNovel, 200}), VillageA1)
	case 1:
		w.happens(FaultOutOfScope)
		return fresh(KindPerson, VillageB1)
	case 2:
		w.happens(FaultOutOfScope)
		return fresh(KindSecret, VillageA1)
	case 3:
		w.happens(FaultActByTablet)
		return fresh(pick(w, []record.Kind{syncengine.KindRelease, syncengine.KindFence, 9}), VillageA1)
	case 4:
		return fresh(KindPerson, VillageA2)
	}
	row, ok := w.anyRecord(0)
	if !ok {
		return nil
	}
	rev := record.Revision{Record: row.ID, ScopeSeen: w.seen(row)}
	state, err := record.DecodeState(row.State)
	w.must(err, "state")
	c := record.Change{Path: pick(w, fields), Value: w.typed()}
	for _, e := range state.At(c.Path) {
		c.Parents = append(c.Parents, e.Dot)
	}
	rev.Changes = []record.Change{c}
	switch what {
	case 5:
		w.happens(FaultWrongCut)
		rev.Changes = []record.Change{{Path: pick(w, wrongCuts), Value: w.typed()}}
	case 6:
		w.happens(FaultFalseScope)
		rev.ScopeSeen = r.falseScope(rev.ScopeSeen)
	case 7:
		w.happens(FaultStolenRecord)
		rev.ScopeSeen = record.ScopeSeen{}
		rev.Changes = []record.Change{{Path: record.PathScope, Value: record.Of([]byte(VillageA1))}}
	case 8:
		w.happens(FaultUnknownPrev)
		if r.counter > 0 {
			rev.Prev = record.Prev{Counter: 1 + w.rnd.Uint64N(r.counter), Hash: causal.Hash8{1}}
		}
	case 9:
		w.happens(FaultWrongAuthor)
		rev.Author = "nobody"
	case 10:
		return r.unreadable(rev)
	}
	return r.save(rev)
}

func (r *raw) falseScope(s record.ScopeSeen) record.ScopeSeen {
	if s.Dot.IsZero() || r.w.chance(0.5) {
		return record.ScopeSeen{Dot: causal.Dot{Replica: r.cert.Replica(), Counter: 77, Hash: causal.Hash8{7}}, Division: VillageA1}
	}
	s.Division = pick(r.w, []record.Division{VillageA1, VillageA2})
	return s
}

// unreadable seals a revision whose content nobody can read.
func (r *raw) unreadable(rev record.Revision) *segment.Segment {
	changes, err := record.Normalise(rev.Changes)
	r.w.must(err, "normalise")
	rev.Changes = changes
	x := segment.Sealable{Revision: r.fill(rev)}.Raw()
	switch r.w.rnd.IntN(4) {
	case 0:
		r.w.happens(FaultOversized)
		x.Body = make([]byte, record.MaxRevision+1)
	case 1:
		r.w.happens(FaultMalformed)
		x.Body = append(x.Body, 0)
	case 2:
		r.w.happens(FaultMalformed)
		x.Shape = []byte{0xff, 0xff}
	default:
		r.w.happens(FaultMalformed)
		x.Head.Author = ""
	}
	return r.seal(x)
}

// badBytes pushes what is no segment: it must be refused, and nothing may change.
func (w *World) badBytes() {
	if len(w.raws) == 0 || len(w.raws[0].segs) == 0 {
		return
	}
	r := pick(w, w.raws)
	wire := slices.Clone(pick(w, r.segs).Bytes())
	switch w.rnd.IntN(3) {
	case 0:
		wire = wire[:w.rnd.IntN(len(wire))]
	case 1:
		wire = append(wire, 1)
	default:
		wire[w.rnd.IntN(len(wire))] ^= 1 << w.rnd.IntN(8)
	}
	w.happens(FaultBadBytes)
	size, position := w.centre.Size(), w.centre.Position()
	reply, err := w.centre.Push(w.ctx, session.PushRequest{Segments: [][]byte{wire}, Certificates: [][]byte{r.cert.Raw}})
	if syncengine.ReasonOf(err) == syncengine.ReasonRolledBack {
		return
	}
	w.must(err, "push of bad bytes")
	if len(reply.Results) != 1 || reply.Results[0].Outcome != session.OutcomeRefused || w.centre.Size() != size || w.centre.Position() != position {
		w.fail("bad input", "damaged bytes were not refused: %+v", reply.Results)
	}
}
