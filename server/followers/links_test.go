// SPDX-License-Identifier: Apache-2.0

package followers_test

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	village      = "431124101201"
	otherVillage = "431124101202"
)

// searchKey is the key of a county that does not exist.
func searchKey() []byte { return []byte("of the county of these tests, 32") }

// county is a centre in memory with a follower.
type county struct {
	*syncengine.Engine
	t      *testing.T
	people *followers.People
}

func newCounty(t *testing.T) *county {
	t.Helper()
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	rnd := rand.NewChaCha8([32]byte{1})
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rnd.Read(seed)
	e, err := syncengine.Create(t.Context(), syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)),
		Clock: func() time.Time { now = now.Add(time.Second); return now }, Rand: rnd, Schema: care.Kinds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &county{e, t, followers.NewPeople(e, searchKey(), slog.New(slog.DiscardHandler))}
}

// wang is an invented resident; the area of the number does not exist.
func wang() *carev1.Resident {
	return &carev1.Resident{
		Name: "王演示", Sex: carev1.Sex_SEX_MALE, BirthDate: 19580306,
		IdentityDocument: &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: "990000195803060018"},
	}
}

func (c *county) register(r *carev1.Resident, division string) record.ID {
	c.t.Helper()
	return c.save(record.ID{}, care.KindResident, r, record.Change{Path: record.PathScope, Value: record.Of([]byte(division))})
}

func (c *county) save(id record.ID, kind record.Kind, form interface {
	ProtoMessage()
}, more ...record.Change,
) record.ID {
	c.t.Helper()
	var shown []record.Register
	if !id.IsZero() {
		if view, err := c.Get(c.t.Context(), id); err == nil {
			shown = view.State.Registers()
		}
	}
	changes, err := care.Diff(kind, shown, form.(proto.Message))
	if err != nil {
		c.t.Fatal(err)
	}
	saved, err := c.Save(c.t.Context(), "li", syncengine.OfficeSave{Record: id, Kind: kind, Changes: append(changes, more...)})
	if err != nil {
		c.t.Fatal(err)
	}
	return saved[0].Record
}

func (c *county) follow(want int) {
	c.t.Helper()
	got, err := c.people.Follow(c.t.Context())
	if err != nil || got != want {
		c.t.Fatalf("%d links saved, %v; want %d", got, err, want)
	}
}

// ruling returns what the link of a and b says, nil when there is none.
func (c *county) ruling(a, b record.ID) *carev1.LinkRuling {
	c.t.Helper()
	view, err := c.Get(c.t.Context(), care.LinkID(a, b))
	if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
		return nil
	} else if err != nil {
		c.t.Fatal(err)
	}
	m, err := care.Message(care.KindResidentLink, view.State.Registers())
	if err != nil {
		c.t.Fatal(err)
	}
	return m.(*carev1.ResidentLink).GetRuling()
}

func TestOneWhoWasRegisteredTwiceIsLinkedOnce(t *testing.T) {
	c := newCounty(t)
	a := c.register(wang(), village)
	c.follow(0)
	again := wang()
	again.IdentityDocument.Number = "９９００００ 19580306 001８"
	again.Phone = "10000000001"
	b := c.register(again, otherVillage)
	c.follow(1)
	c.follow(0)
	if r := c.ruling(a, b); r.GetState() != carev1.LinkState_LINK_STATE_LINKED || r.GetBasis() != carev1.LinkBasis_LINK_BASIS_SYSTEM {
		t.Errorf("the link says %v", r)
	}
}

func TestAFollowerBegunAnewSavesNothingAgain(t *testing.T) {
	c := newCounty(t)
	for range 4 {
		c.register(wang(), village)
	}
	c.follow(3) // as many links as make four residents one person
	c.people = followers.NewPeople(c.Engine, searchKey(), slog.New(slog.DiscardHandler))
	c.follow(0)
}

func TestWhoDiffersInAnythingIsLeftToAPerson(t *testing.T) {
	for name, change := range map[string]func(*carev1.Resident){
		"another name":       func(r *carev1.Resident) { r.Name = "王小演" },
		"another sex":        func(r *carev1.Resident) { r.Sex = carev1.Sex_SEX_FEMALE },
		"another birth date": func(r *carev1.Resident) { r.BirthDate = 19580307 },
		"no birth date":      func(r *carev1.Resident) { r.BirthDate = 0 },
		"another number":     func(r *carev1.Resident) { r.IdentityDocument.Number = "990000195803060036" },
		"no document":        func(r *carev1.Resident) { r.IdentityDocument = nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounty(t)
			c.register(wang(), village)
			other := wang()
			change(other)
			c.register(other, village)
			c.follow(0)
		})
	}
}

func TestWhatAPersonRuledStands(t *testing.T) {
	c := newCounty(t)
	a, b := c.register(wang(), village), c.register(wang(), village)
	c.save(care.LinkID(a, b), care.KindResidentLink, care.NewLink(a, b, &carev1.LinkRuling{
		State: carev1.LinkState_LINK_STATE_UNLINKED, Basis: carev1.LinkBasis_LINK_BASIS_PERSON,
	}), record.Change{Path: record.PathScope, Value: record.Of([]byte(village))})
	c.follow(0)
	if r := c.ruling(a, b); r.GetState() != carev1.LinkState_LINK_STATE_UNLINKED {
		t.Errorf("the link says %v", r)
	}
}

func TestACorrectedNumberLinksAndAVoidOneDoesNot(t *testing.T) {
	c := newCounty(t)
	a := c.register(wang(), village)
	typo := wang()
	typo.IdentityDocument.Number = "99000019580306009X"
	b := c.register(typo, village)
	c.follow(0)
	c.save(b, care.KindResident, wang())
	c.follow(1)
	if c.ruling(a, b) == nil {
		t.Error("the corrected resident is not linked")
	}
	d := c.register(wang(), village)
	if _, err := c.Save(t.Context(), "li", syncengine.OfficeSave{
		Record: d, Changes: []record.Change{{Path: record.PathLife, Value: record.Voided("saved twice")}},
	}); err != nil {
		t.Fatal(err)
	}
	c.follow(0)
}

func TestANumberThatManyBearLinksNobodyElse(t *testing.T) {
	c := newCounty(t)
	for i := range 40 {
		r := wang()
		r.Name += string(rune('甲' + i))
		c.register(r, village)
	}
	c.register(wang(), village)
	c.register(wang(), village)
	c.follow(0)
}

// cursed cannot work on one resident.
type cursed struct {
	*syncengine.Engine
	id   record.ID
	with func() error
}

func (c cursed) Get(ctx context.Context, id record.ID) (syncengine.RecordView, error) {
	if id == c.id {
		return syncengine.RecordView{}, c.with()
	}
	return c.Engine.Get(ctx, id)
}

func TestResidentWithWhomNothingCanBeDoneStopsNobodyElse(t *testing.T) {
	for name, row := range map[string]struct {
		with  func() error
		stops bool
	}{
		"a panic":               {func() error { panic("139") }, false},
		"an impossible request": {func() error { return &syncengine.Error{Reason: syncengine.ReasonInvalid} }, false},
		"a store that fails":    {func() error { return io.ErrUnexpectedEOF }, true},
	} {
		c := newCounty(t)
		bad := c.register(wang(), village)
		c.people = followers.NewPeople(cursed{c.Engine, bad, row.with}, searchKey(), slog.New(slog.DiscardHandler))
		c.register(wang(), village)
		li := wang()
		li.IdentityDocument.Number = "990000195803060026"
		c.register(li, village)
		c.register(li, village)
		if _, err := c.people.Follow(t.Context()); (err != nil) != row.stops {
			t.Errorf("%s: %v", name, err)
		}
		if row.stops {
			continue
		}
		if links := c.count(care.KindResidentLink); links != 1 {
			t.Errorf("%s: %d links", name, links)
		}
	}
}

func (c *county) count(kind record.Kind) int {
	c.t.Helper()
	rows, err := c.List(c.t.Context(), syncengine.FeedQuery{
		Kind: kind, Divisions: []record.Division{""}, Limit: 100,
		Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return len(rows)
}
