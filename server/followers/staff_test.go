// SPDX-License-Identifier: Apache-2.0

package followers_test

import (
	"crypto/ed25519"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const controller = carev1.StaffRole_STAFF_ROLE_QUALITY_CONTROLLER

// zhao is an invented controller with one post in 2026.
func zhao() *carev1.Staff {
	return &carev1.Staff{
		StaffId: "zhao", Name: "赵演示", Roles: []carev1.StaffRole{carev1.StaffRole_STAFF_ROLE_NURSE, controller},
		Posts: map[string]*carev1.StaffPost{"abcdefgh": {OrganisationCode: "130403001", Since: 20260101, Until: 20261231}},
	}
}

// tablet is an installation that saves by hand.
type tablet struct {
	c       *county
	key     ed25519.PrivateKey
	cert    segment.Certificate
	counter uint64
	last    segment.Hash
}

func (c *county) tablet() *tablet {
	c.t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	cert, err := c.Certify(c.t.Context(), syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{"zhao"}, Divisions: []record.Division{"431124"}, Classes: []record.Class{record.ClassGeneral},
	}, key.Public().(ed25519.PublicKey))
	if err != nil {
		c.t.Fatal(err)
	}
	return &tablet{c: c, key: key, cert: cert}
}

// save saves changes of a record, of a new one where id is zero, and pushes them.
func (b *tablet) save(id record.ID, seen record.ScopeSeen, changes ...record.Change) {
	b.c.t.Helper()
	salt, now := [16]byte{byte(b.counter)}, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var err error
	if id.IsZero() {
		if id, err = record.MakeID(care.KindStaff, now, b.cert.Replica(), salt); err != nil {
			b.c.t.Fatal(err)
		}
		changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(village))})
	}
	b.counter++
	r := record.Revision{
		Record: id, Author: "zhao", ClockMs: now.UnixMilli(), Dot: causal.Dot{Replica: b.cert.Replica(), Counter: b.counter}, ScopeSeen: seen,
	}
	if r.Changes, err = record.Normalise(changes); err != nil {
		b.c.t.Fatal(err)
	}
	if r, _, err = r.Seal(salt[:]); err != nil {
		b.c.t.Fatal(err)
	}
	s, err := segment.Seal(segment.KeySigner(b.key), segment.Header{
		Shard: b.cert.Shard, Certificate: b.cert.Hash, First: b.counter, Previous: b.last,
	}, []segment.Sealable{{Revision: r, Salt: salt}})
	if err != nil {
		b.c.t.Fatal(err)
	}
	b.last = s.Hash()
	reply, err := b.c.Push(b.c.t.Context(), session.PushRequest{Segments: [][]byte{s.Bytes()}})
	if err != nil || !reply.Results[0].Verdicts[0].Admitted() {
		b.c.t.Fatal(reply, err)
	}
}

// staff saves the form at the centre and returns the record.
func (c *county) staff(m *carev1.Staff) record.ID {
	c.t.Helper()
	return c.save(record.ID{}, care.KindStaff, m, record.Change{Path: record.PathScope, Value: record.Of([]byte(village))})
}

func diff(t *testing.T, form proto.Message) []record.Change {
	t.Helper()
	changes, err := care.Diff(care.KindStaff, nil, form)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func TestStaffWorkAsTheCentreSaysAndAsLongAsTheyHaveAPost(t *testing.T) {
	c := newCounty(t)
	s := followers.NewStaff(c, slog.New(slog.DiscardHandler))
	works := func(day care.Date, roles ...carev1.StaffRole) bool {
		t.Helper()
		if err := s.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.Works("zhao", day, roles...)
	}
	if works(20260301, controller) {
		t.Error("nobody is known yet")
	}
	id := c.staff(zhao())
	for day, want := range map[care.Date]bool{20251231: false, 20260101: true, 20261231: true, 20270101: false} {
		if works(day, controller) != want {
			t.Errorf("on %s: %t", day, !want)
		}
	}
	if works(20260301, carev1.StaffRole_STAFF_ROLE_COUNTY_ADMINISTRATOR) || works(20260301) {
		t.Error("as what she does not work as")
	}
	if !works(20260301, carev1.StaffRole_STAFF_ROLE_COUNTY_ADMINISTRATOR, controller) || s.Works("qian", 20260301, controller) {
		t.Error("one of two; somebody else")
	}
	void := syncengine.OfficeSave{Record: id, Changes: []record.Change{{Path: record.PathLife, Value: record.Voided("left")}}}
	if _, err := c.Save(t.Context(), "li", void); err != nil {
		t.Fatal(err)
	}
	if works(20260301, controller) {
		t.Error("a void record")
	}
	open := zhao()
	open.Posts["abcdefgh"].Until = 0
	c.staff(open)
	if !works(20990101, controller) {
		t.Error("a post without an end")
	}
}

// A tablet may save records of staff, and so could make its owner a controller.
func TestATabletMakesNobodyAController(t *testing.T) {
	c := newCounty(t)
	s := followers.NewStaff(c, slog.New(slog.DiscardHandler))
	b := c.tablet()
	b.save(record.ID{}, record.ScopeSeen{}, diff(t, zhao())...)
	works := func() bool {
		t.Helper()
		if err := s.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.Works("zhao", 20260301, controller)
	}
	if works() {
		t.Fatal("by a record of a tablet's own")
	}
	nurse := zhao()
	nurse.Roles = nurse.Roles[:1]
	id := c.staff(nurse)
	v, err := c.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	seen := record.ScopeSeen{Dot: v.State.At(record.PathScope)[0].Dot, Division: village}
	b.save(id, seen, diff(t, &carev1.Staff{Roles: []carev1.StaffRole{controller}})...)
	if works() {
		t.Error("by a value beside the centre's")
	}
	over := diff(t, &carev1.Staff{Roles: []carev1.StaffRole{controller}})
	v, err = c.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range v.State.At(over[0].Path) {
		over[0].Parents = append(over[0].Parents, one.Dot)
	}
	b.counter, b.last = 0, segment.Hash{}
	b.key = ed25519.NewKeyFromSeed([]byte("another tablet's seed, 32 bytes!"))
	if b.cert, err = c.Certify(t.Context(), syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{"zhao"}, Divisions: []record.Division{"431124"}, Classes: []record.Class{record.ClassGeneral},
	}, b.key.Public().(ed25519.PublicKey)); err != nil {
		t.Fatal(err)
	}
	b.save(id, seen, over...)
	if works() {
		t.Error("by a value in place of the centre's")
	}
	b2 := zhao()
	c.staff(b2)
	if !works() {
		t.Error("by the centre's word, afterwards")
	}
}
