// SPDX-License-Identifier: Apache-2.0

package assessment_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	countyCode = "431124"
	village    = "431124101201"
	neighbour  = "431124101202"
	far        = "431124102201"
)

// world is a county's centre in memory, with a projection in a file that only counts.
type world struct {
	*syncengine.Engine
	t      testing.TB
	now    time.Time
	pack   assessment.Pack
	module *assessment.Module
	p      *projection.Projection
	a      *assessment.Assessment
}

type seen struct{ *projection.Projection }

func (s seen) Standing(conn *sqlite.Conn) (assessment.Standing, error) {
	st, err := s.StateIn(conn)
	return assessment.Standing{Position: st.Position, Behind: st.Behind, Queued: st.Queued}, err
}

func load(t testing.TB, more ...rules.Source) *rules.Pack {
	t.Helper()
	p, err := rulepack.Load(more...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 7, 10, 1, 0, 0, 0, time.UTC), pack: load(t)}
	chacha := rand.NewChaCha8([32]byte{7})
	seed := make([]byte, ed25519.SeedSize)
	_, _ = chacha.Read(seed)
	clock := func() time.Time { w.now = w.now.Add(time.Millisecond); return w.now }
	var err error
	w.Engine, err = syncengine.Create(context.Background(), syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)), Clock: clock, Rand: chacha, Schema: care.Kinds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.module = assessment.NewModule(func() assessment.Pack { return w.pack }, nil, slog.New(slog.DiscardHandler))
	w.p, err = projection.Open(context.Background(), projection.Config{
		Shard: w.Engine, Path: filepath.Join(t.TempDir(), "projections.db"), Modules: []projection.Module{w.module},
		Clock: clock, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.p.Close() })
	w.a = assessment.New(assessment.Config{
		Module: w.module, Projection: seen{w.p}, Shard: w.Engine, County: countyCode, Clock: clock, BuiltIn: w.pack,
		Load: func([]record.Register) (assessment.Pack, error) { return w.pack, nil },
		Wait: func(context.Context, time.Duration) error { return nil },
	})
	return w
}

func (w *world) follow() {
	w.t.Helper()
	if err := w.p.Follow(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// put saves a form in place of what a record shows; a new record when id is zero.
func (w *world) put(id record.ID, kind record.Kind, form proto.Message, more ...record.Change) record.ID {
	w.t.Helper()
	var shown []record.Register
	if !id.IsZero() {
		if view, err := w.Get(context.Background(), id); err == nil {
			shown = view.State.Registers()
		}
	}
	changes, err := care.Diff(kind, shown, form)
	if err != nil {
		w.t.Fatal(err)
	}
	if changes = append(changes, more...); len(changes) == 0 {
		return id
	}
	saved, err := w.Save(context.Background(), "li", syncengine.OfficeSave{Record: id, Kind: kind, Changes: changes})
	if err != nil {
		w.t.Fatal(err)
	}
	return saved[0].Record
}

func scope(division string, before ...record.Register) record.Change {
	c := record.Change{Path: record.PathScope, Value: record.Of([]byte(division))}
	for _, g := range before {
		if g.Path == record.PathScope {
			c.Parents = g.Parents()
		}
	}
	return c
}

func about(resident record.ID) record.Change {
	return record.Change{Path: record.PathSubject, Value: record.Of(resident[:])}
}

func (w *world) change(id record.ID, changes ...record.Change) {
	w.t.Helper()
	if _, err := w.Save(context.Background(), "li", syncengine.OfficeSave{Record: id, Changes: changes}); err != nil {
		w.t.Fatal(err)
	}
}

// register saves a resident with hypertension.
func (w *world) register(name, division, doctor string, birth int32) record.ID {
	w.t.Helper()
	return w.put(record.ID{}, care.KindResident, patient(name, division, doctor, birth), scope(division))
}

func patient(name, division, doctor string, birth int32) *carev1.Resident {
	return &carev1.Resident{
		Name: name, Sex: carev1.Sex_SEX_MALE, BirthDate: birth, DoctorId: doctor, RegisteredOn: 20250110, RegisteredById: doctor,
		Phone: "13800001234", IdentityDocument: &carev1.IdentityDocument{Number: "431124195803060016"}, Status: carev1.FormStatus_FORM_STATUS_SUBMITTED,
		Tags: map[string]*carev1.PopulationTag{"h": {Code: carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, Since: 20250110}},
	}
}

// visit saves a hypertension follow-up.
func (w *world) visit(resident record.ID, division string, day, systolic int32) record.ID {
	w.t.Helper()
	diastolic := int32(80)
	return w.put(record.ID{}, care.KindHypertensionFollowUp, &carev1.HypertensionFollowUp{
		ServiceDate: day, Way: carev1.FollowUpWay_FOLLOW_UP_WAY_CLINIC, DoctorId: "zhang", Status: carev1.FormStatus_FORM_STATUS_SUBMITTED, BloodPressure: &carev1.BloodPressure{SystolicMmhg: &systolic, DiastolicMmhg: &diastolic},
	}, scope(division), about(resident))
}

func (w *world) query(level assessment.Level, codes ...indicators.Code) assessment.Query {
	return assessment.Query{Period: indicators.HalfYear(2026), Divisions: []record.Division{""}, Level: level, Codes: codes, Sensitive: true}
}
