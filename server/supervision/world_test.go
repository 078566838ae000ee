// SPDX-License-Identifier: Apache-2.0

package supervision_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	countyCode = record.Division("130403")
	village    = "130403001001"
	village2   = "130403001002"
	elsewhere  = "130403002001"
)

// world is a centre in memory with the module's tables in a file.
type world struct {
	*syncengine.Engine
	*supervision.Supervision
	t      *testing.T
	now    time.Time
	file   *sqlitefile.File
	module *supervision.Module
	frames supervision.Frames
}

var everything = supervision.Sight{Divisions: []record.Division{""}}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), frames: supervision.Frames{Dir: t.TempDir()}}
	random := rand.NewChaCha8([32]byte{5})
	seed := make([]byte, ed25519.SeedSize)
	_, _ = random.Read(seed)
	var err error
	w.Engine, err = syncengine.Create(t.Context(), syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)), Clock: w.clock, Rand: random, Schema: care.Kinds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	pack := loadPack(t)
	w.module = supervision.NewModule(func() supervision.Pack { return pack })
	w.file, err = sqlitefile.Open(filepath.Join(t.TempDir(), "p.db"), sqlitefile.Schema{
		Name: "test", ApplicationID: 7, Migrations: fstest.MapFS{"0001_all.sql": {Data: []byte(w.module.Schema())}},
	}, sqlitefile.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.file.Close() })
	w.Supervision = supervision.New(supervision.Config{
		County: countyCode, Records: w.Engine, Persons: w, Module: w.module, Frames: w.frames, Clock: w.clock, Rand: random,
	})
	return w
}

func loadPack(t *testing.T) *rules.Pack {
	t.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

func (w *world) clock() time.Time { return w.now }

func (w *world) View(ctx context.Context, do func(*sqlite.Conn) error) error {
	return w.file.View(ctx, do)
}

// Follow looks at everybody anew.
func (w *world) Follow(ctx context.Context) (bool, error) {
	people, err := w.people(ctx)
	if err != nil {
		return false, err
	}
	return false, w.file.Update(ctx, func(conn *sqlite.Conn) error {
		for _, p := range people {
			if err := w.module.Look(conn, p, care.DateOf(w.now)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *world) Person(ctx context.Context, id record.ID) (*projection.Person, error) {
	people, err := w.people(ctx)
	if err != nil {
		return nil, err
	}
	if p, ok := people[id]; ok {
		return p, nil
	}
	return nil, &syncengine.Error{Reason: syncengine.ReasonNotFound, Doing: "person"}
}

// people reads everybody; there are no links.
func (w *world) people(ctx context.Context) (map[record.ID]*projection.Person, error) {
	rows, err := w.List(ctx, syncengine.FeedQuery{
		UpTo: w.Position(), Limit: 1 << 20, Bytes: 1 << 30, Divisions: []record.Division{"13"}, Classes: []record.Class{record.ClassGeneral},
	})
	if err != nil {
		return nil, err
	}
	entries, at := map[record.ID][]rules.Entry{}, map[record.ID]map[record.ID]projection.Row{}
	for _, row := range rows {
		state, err := record.DecodeState(row.State)
		if err != nil {
			return nil, err
		}
		m, err := care.Message(row.ID.Kind(), state.Registers())
		if err != nil {
			return nil, err
		}
		who := row.ID
		if subject, ok := state.Subject(); ok {
			who = subject
		}
		entries[who] = append(entries[who], rules.Entry{ID: row.ID, Kind: row.ID.Kind(), Subject: who, Form: m, CapturedAt: w.now, Voided: state.Life() == record.LifeVoided})
		if at[who] == nil {
			at[who] = map[record.ID]projection.Row{}
		}
		one := projection.Row{Divisions: row.Divisions}
		for _, g := range state.Registers() { // about what receipts say
			one.Last.Replica = g.Siblings[0].Dot.Replica
		}
		at[who][row.ID] = one
	}
	out := map[record.ID]*projection.Person{}
	for who, all := range entries {
		out[who] = &projection.Person{ID: who, Residents: []record.ID{who}, Rules: rules.NewPerson(who, all), Rows: at[who]}
	}
	return out, nil
}

// put saves a form, a new record when id is zero.
func (w *world) put(id record.ID, kind record.Kind, form proto.Message, division string, subject record.ID) record.ID {
	w.t.Helper()
	var shown []record.Register
	if view, err := w.Get(w.t.Context(), id); err == nil {
		shown = view.State.Registers()
	}
	changes, err := care.Diff(kind, shown, form)
	if err != nil {
		w.t.Fatal(err)
	}
	if shown == nil {
		changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(division))})
		if !subject.IsZero() {
			changes = append(changes, record.Change{Path: record.PathSubject, Value: record.Of(subject[:])})
		}
	}
	saved, err := w.Save(w.t.Context(), "li", syncengine.OfficeSave{Record: id, Kind: kind, Changes: changes})
	if err != nil {
		w.t.Fatal(err)
	}
	return saved[0].Record
}

// resident registers somebody; old ones are 65 and over.
func (w *world) resident(n int, division, doctor string, tags ...carev1.PopulationCode) record.ID {
	w.t.Helper()
	r := &carev1.Resident{
		Name: fmt.Sprintf("试%02d", n), Sex: carev1.Sex_SEX_MALE, BirthDate: 19700306, DoctorId: doctor, OrganisationCode: division[:9],
		Phone: fmt.Sprintf("138000000%02d", n), Tags: map[string]*carev1.PopulationTag{},
	}
	for i, tag := range tags {
		if tag == carev1.PopulationCode_POPULATION_CODE_AGED {
			r.BirthDate = 19500306
			continue
		}
		r.Tags[fmt.Sprint("t", i)] = &carev1.PopulationTag{Code: tag, Since: 20200101}
	}
	return w.put(record.ID{}, care.KindResident, r, division, record.ID{})
}

// visit saves a follow-up at home.
func (w *world) visit(resident record.ID, division, doctor string, on int32) record.ID {
	w.t.Helper()
	sys, dia := int32(138), int32(84)
	return w.put(record.ID{}, care.KindHypertensionFollowUp, &carev1.HypertensionFollowUp{
		ServiceDate: on, DoctorId: doctor, OrganisationCode: division[:9], Way: carev1.FollowUpWay_FOLLOW_UP_WAY_HOME,
		Symptoms: []carev1.HypertensionSymptom{1}, BloodPressure: &carev1.BloodPressure{SystolicMmhg: &sys, DiastolicMmhg: &dia},
		Adherence: carev1.Adherence_ADHERENCE_REGULAR, Salt: carev1.SaltLevel_SALT_LEVEL_LIGHT, Classification: 1,
		Medications: map[string]*carev1.DrugEntry{"k": {Name: "氨氯地平"}}, DoctorSignature: &carev1.Signature{SignedAtMs: 1},
	}, division, resident)
}

func same(a, b []record.ID) bool {
	order := func(x, y record.ID) int { return bytes.Compare(x[:], y[:]) }
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, order)
	slices.SortFunc(b, order)
	return slices.Equal(a, b)
}
