// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/sha256"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// What the vectors tell: each story is some saves of one record and what became
// of them. Their names are in the vectors, so they stay as they are.

const storyClock = 1_760_000_000_000

// A hand makes the saves of one replica; two hands with one name are a clone's.
type hand struct {
	replica causal.ReplicaID
	last    causal.Dot
	record  ID
	salts   byte
}

func newHand(name string, record ID) *hand {
	sum := sha256.Sum256([]byte(name))
	return &hand{replica: causal.ReplicaID(sum[:16]), record: record}
}

// save seals the hand's next save and returns it with its salt.
func (h *hand) save(clockMs int64, seen ScopeSeen, changes ...Change) (Revision, []byte) {
	changes, err := Normalise(changes)
	if err != nil {
		panic(err)
	}
	r := Revision{
		Dot:    causal.Dot{Replica: h.replica, Counter: h.last.Counter + 1},
		Record: h.record, Prev: Prev{h.last.Counter, h.last.Hash},
		ClockMs: clockMs, Author: "dr-wang", ScopeSeen: seen, Changes: changes,
	}
	h.salts++
	salt := sha256.Sum256(append(r.AppendSkeleton(nil), h.salts))
	r, _, err = r.Seal(salt[:16])
	if err != nil {
		panic(err)
	}
	h.last = r.Dot
	return r, salt[:16]
}

type event struct {
	what     string // admit, hold, release
	revision Revision
}

type story struct {
	name   string
	events []event
}

func admits(revs ...Revision) []event {
	var out []event
	for _, r := range revs {
		out = append(out, event{"admit", r})
	}
	return out
}

func (e event) apply(s State) State {
	switch e.what {
	case "admit":
		return s.Apply(e.revision, true)
	case "hold":
		return s.Apply(e.revision, false)
	case "release":
		return s.Release(e.revision)
	}
	panic(e.what)
}

func (st story) state() State {
	var s State
	for _, e := range st.events {
		s = e.apply(s)
	}
	return s
}

// text is a protobuf string field as it stands in a message.
func text(field byte, s string) Value { return Of(append([]byte{field<<3 | 2, byte(len(s))}, s...)) }

func stories() []story {
	record := DerivedID(16, []byte("resident of the vectors"))
	other := DerivedID(16, []byte("another resident"))
	centre, t1, t2, twin := newHand("centre", record), newHand("T1", record), newHand("T2", record), newHand("T1", record)
	only := func(r Revision, _ []byte) Revision { return r }
	over := func(p Path, v Value, dots ...causal.Dot) Change { return Change{p, v, dots} }
	phone, address, entry := Field(2), Field(3), Field(12).Key("metformin")

	c1 := only(centre.save(storyClock, ScopeSeen{},
		over(PathSubject, Of(other[:])), over(PathScope, Of([]byte("370683101001"))), over(PathLife, Active()),
		over(phone, text(2, "139")), over(address, text(3, "1 Main St"))))
	seen := ScopeSeen{c1.Dot, "370683101001"}
	a1 := only(t1.save(storyClock+5, seen, over(PathLife, Active(), c1.Dot), over(phone, text(2, "138"), c1.Dot)))
	*twin = *t1
	b1 := only(t2.save(storyClock+3, seen, over(PathLife, Active(), c1.Dot), over(phone, text(2, "137"), c1.Dot),
		over(address, text(3, "2 Main St"), c1.Dot), over(entry, text(12, "500mg"))))
	a2 := only(t1.save(storyClock+9, seen, over(PathLife, Active(), a1.Dot, b1.Dot), over(phone, text(2, "138"), a1.Dot, b1.Dot)))
	clone := only(twin.save(storyClock+9, seen, over(phone, Value{}, a1.Dot)))
	after := only(t2.save(storyClock+20, seen, over(phone, text(2, "136"), clone.Dot, b1.Dot)))
	void := only(centre.save(-1, seen, over(PathLife, Voided("entered twice"), c1.Dot)))
	moved := only(centre.save(math.MaxInt64, seen, over(PathScope, Of([]byte("370683101002")), c1.Dot)))
	gone := b1
	gone.Changes = slices.Clone(b1.Changes)
	for i := range gone.Changes {
		gone.Changes[i].Value = Value{Form: Erased}
	}
	return []story{
		{"two tablets edit one field, a person picks one of them", admits(c1, a1, b1, a2)},
		{"the same before anybody picks", admits(c1, a1, b1)},
		{"the same in another order and one twice", admits(b1, c1, a1, b1, a2)},
		{"a held save replaces nothing", append(admits(c1, a1), event{"hold", b1})},
		{"a held save is named as parent", append(admits(c1), event{"hold", b1}, event{"admit", a1}, event{"admit", a2})},
		{"a held save is named as parent and released later", append(admits(c1),
			event{"hold", b1}, event{"admit", a1}, event{"admit", a2}, event{"release", b1})},
		{"the same, released before what names it arrives", append(admits(c1),
			event{"hold", b1}, event{"release", b1}, event{"admit", a1}, event{"admit", a2})},
		{"a tablet and its clone, one of whose saves another tablet saw", admits(c1, a1, b1, a2, clone, after)},
		{"a save arrives after all that replaced it", admits(c1, after, b1, clone, a1)},
		{"a void beside an edit", admits(c1, void, a1)},
		{"a move beside edits", admits(c1, a1, moved, b1)},
		{"a save whose body was erased", append(admits(c1, gone), event{"release", gone})},
		{"a save is held and again admitted by mistake", append(admits(c1), event{"hold", b1}, event{"admit", b1})},
	}
}

func TestVectorsAreWhatTheCodeGives(t *testing.T) {
	states := []stateJSON{stateToJSON("nothing received", State{})}
	var applies []applyJSON
	for _, st := range stories() {
		var s State
		for _, e := range st.events {
			after := e.apply(s)
			applies = append(applies, applyJSON{st.name, e.what, revisionToJSON(e.revision), s.Append(nil), after.Append(nil)})
			s = after
		}
		states = append(states, stateToJSON(st.name, s))
	}
	vectorFile(t, "states.json", states)
	vectorFile(t, "applies.json", applies)
	vectorFile(t, "refused.json", refusedVectors())
	vectorFile(t, "hashes.json", hashVectors())
	vectorFile(t, "paths.json", pathVectors())
	vectorFile(t, "display.json", displayVectors())
	vectorFile(t, "fingerprints.json", fingerprintVectors())
	vectorFile(t, "ids.json", idVectors())
}

// refusedVectors are the short ones: longer ones hold nothing that these do not.
func refusedVectors() []refusedJSON {
	var out []refusedJSON
	for _, s := range refused {
		if b := s.bytes(); len(b) < 512 {
			out = append(out, refusedJSON{s.format, s.name, b})
		}
	}
	for _, p := range refusedPaths {
		if len(p.bytes) < 512 {
			out = append(out, refusedJSON{"path", p.name, hexBytes(p.bytes)})
		}
	}
	return out
}

func hashVectors() []hashJSON {
	record := DerivedID(17, []byte("visit of the vectors"))
	h, o := newHand("T3", record), newHand("T4", record)
	first, salt1 := h.save(storyClock, ScopeSeen{}, Change{Path: PathScope, Value: Of([]byte("370683101001"))}, Change{Path: Field(1), Value: text(1, "胸闷")})
	beside, salt2 := o.save(-62_135_596_800_000, ScopeSeen{first.Dot, "370683101001"}, Change{Path: Field(1), Parents: []causal.Dot{first.Dot}})
	both := []causal.Dot{first.Dot, beside.Dot}
	long := make([]byte, 300)
	later, salt3 := h.save(math.MaxInt64, ScopeSeen{first.Dot, "370683101001"},
		Change{Field(1), Of(nil), both}, Change{Field(3, 700), Of(long), nil}, Change{Field(40).Key("入院"), text(9, "x"), both[:1]})
	return []hashJSON{
		hashToJSON("a first save that sets its scope", first, salt1),
		hashToJSON("a clearing by another replica, clock in year 1", beside, salt2),
		hashToJSON("a later save of several registers with two parents", later, salt3),
	}
}

func hashToJSON(name string, r Revision, salt []byte) hashJSON {
	skeleton, body := r.AppendSkeleton(nil), AppendBody(nil, r.Changes)
	bodyHash := BodyHash(salt, body)
	leaf := LeafHash(skeleton, bodyHash)
	out := hashJSON{
		Name: name, Record: r.Record.String(), ClockMs: millis(r.ClockMs), Author: r.Author, Seen: string(r.ScopeSeen.Division),
		Skeleton: skeleton, Salt: salt, Body: body, BodyHash: bodyHash[:], LeafHash: leaf[:], Dot: r.Dot.String(),
	}
	if r.Prev.Counter > 0 {
		out.Prev = r.PrevDot().String()
	}
	if !r.ScopeSeen.Dot.IsZero() {
		out.SeenDot = r.ScopeSeen.Dot.String()
	}
	for _, c := range r.Changes {
		out.Changes = append(out.Changes, changeJSON{hexBytes(c.Path), valueToJSON(c.Value), dotTexts(c.Parents)})
	}
	return out
}

func pathVectors() []pathJSON {
	var out []pathJSON
	for _, c := range pathTable {
		steps, _ := c.path.Steps()
		j := pathJSON{Bytes: hexBytes(c.path), Text: c.path.String()}
		for _, s := range steps {
			if s.IsKey {
				key := hexBytes(s.Key)
				j.Steps = append(j.Steps, stepJSON{Key: &key})
			} else {
				j.Steps = append(j.Steps, stepJSON{Field: &s.Number})
			}
		}
		out = append(out, j)
	}
	return out
}

func displayVectors() []displayJSON {
	var out []displayJSON
	for _, st := range stories() {
		var own []Revision
		s := st.state()
		for _, e := range st.events {
			if e.what == "hold" && s.Held.Has(e.revision.Dot) {
				own = append(own, e.revision)
			}
		}
		j := displayJSON{
			Name: st.name, State: s.Append(nil), Own: []revisionJSON{}, Registers: registersToJSON(s.RegistersWith(own)),
			Conflicts: s.Conflicts(), Divisions: []string{},
			Life: map[Life]string{LifeUnknown: "unknown", LifeActive: "active", LifeVoided: "voided"}[s.Life()],
		}
		for _, r := range own {
			j.Own = append(j.Own, revisionToJSON(r))
		}
		for _, d := range s.Divisions() {
			j.Divisions = append(j.Divisions, string(d))
		}
		if subject, ok := s.Subject(); ok {
			j.Subject = subject.String()
		}
		out = append(out, j)
	}
	return out
}

func fingerprintVectors() []fingerprintJSON {
	var out []fingerprintJSON
	sum, modulus := new(big.Int), new(big.Int).Lsh(big.NewInt(1), 256)
	for i, st := range stories() {
		id, state := DerivedID(16, []byte{byte(i)}), st.state().Append(nil)
		f := Fingerprint(id, state)
		sum.Mod(sum.Add(sum, new(big.Int).SetBytes(f[:])), modulus)
		out = append(out, fingerprintJSON{id.String(), state, f[:], sum.FillBytes(make([]byte, 32))})
	}
	return out
}

func idVectors() []idJSON {
	maker := newHand("T1", ID{}).replica
	salt := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	made := func(kind Kind, ms int64) idJSON {
		id, _ := MakeID(kind, time.UnixMilli(ms), maker, salt)
		return idJSON{Kind: kind, MadeMs: millis(ms), Maker: maker.String(), Salt: salt[:], ID: id.String()}
	}
	derived := func(kind Kind, name string) idJSON {
		return idJSON{Kind: kind, Name: name, ID: DerivedID(kind, []byte(name)).String()}
	}
	return []idJSON{made(16, storyClock), made(4095, 0), made(1, -5), made(20, 4_294_967_296_000), derived(30, "a link"), derived(1, "")}
}
