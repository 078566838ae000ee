// SPDX-License-Identifier: Apache-2.0

//go:build unix

package findings_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

// timed knows how long packs took.
type timed struct {
	findings.Rules
	took *time.Duration
}

func (t timed) Findings(p *rules.Person, asOf care.Date) []*carev1.Finding {
	began := time.Now()
	defer func() { *t.took += time.Since(began) }()
	return t.Rules.Findings(p, asOf)
}

func (t timed) Check(p *rules.Person, e rules.Entry, asOf care.Date) []*carev1.Finding {
	began := time.Now()
	defer func() { *t.took += time.Since(began) }()
	return t.Rules.Check(p, e, asOf)
}

// Whole residents of 10 and of 40 records with the pack of the program: a new file (the feed is read,
// everybody is looked at, every row is written), a new day (everybody is looked at again), and
// one more visit of each. %rules is the time in the rules by the clock against the processor time of
// everything, so it says too much on a busy machine.
func BenchmarkResidents(b *testing.B) {
	for _, records := range []int{10, 40} {
		b.Run(fmt.Sprintf("of %d records", records), func(b *testing.B) { benchmarkResidents(b, records) })
	}
}

func benchmarkResidents(b *testing.B, records int) {
	const residents = 200
	pack, err := rulepack.Load()
	if err != nil {
		b.Fatal(err)
	}
	took := time.Duration(0)
	c := newCountyOver(b, filepath.Join(b.TempDir(), "shard.db"), func(c *county) {
		c.cfg.BuiltIn = timed{pack, &took}
		c.cfg.Part = func(_ findings.Rules, has func(string) bool) findings.Rules { return timed{pack.Only(has), &took} }
	})
	var ids []record.ID
	for range residents {
		ids = append(ids, c.populate(records))
	}
	measure := func(b *testing.B, prepare func()) {
		took = 0
		used := time.Duration(0)
		for b.Loop() {
			b.StopTimer()
			prepare()
			before := processorTime(b)
			b.StartTimer()
			if err := c.p.Follow(context.Background()); err != nil {
				b.Fatal(err)
			}
			used += processorTime(b) - before
		}
		b.ReportMetric(float64(residents*b.N)/used.Seconds(), "residents/core-s")
		b.ReportMetric(100*took.Seconds()/used.Seconds(), "%rules")
		b.ReportMetric(0, "ns/op")
	}
	b.Run("a new file", func(b *testing.B) {
		measure(b, func() {
			_ = c.p.Close()
			if err := projection.Remove(c.path); err != nil {
				b.Fatal(err)
			}
			c.open()
		})
	})
	b.Run("a new day", func(b *testing.B) { measure(b, func() { c.now = c.now.Add(24 * time.Hour) }) })
	b.Run("one more visit of each", func(b *testing.B) {
		measure(b, func() {
			for _, id := range ids {
				c.visit(id, village, 20260211, 150, 80)
			}
		})
	})
}

// newCountyOver is newCounty over a file.
func newCountyOver(t testing.TB, path string, change ...func(*county)) *county {
	t.Helper()
	store, err := sqlitestore.Open(path, sqlitestore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return newCountyIn(t, store, change...)
}

// populate saves a resident with so many records in all: a tenth of them checkups.
func (c *county) populate(records int) record.ID {
	c.t.Helper()
	id := c.register("王演示", village)
	var saves []syncengine.OfficeSave
	for i := range records - 1 {
		kind := []record.Kind{
			care.KindHypertensionFollowUp, care.KindDiabetesFollowUp, care.KindHypertensionFollowUp, care.KindHomeVisit, care.KindHypertensionFollowUp,
			care.KindDiabetesFollowUp, care.KindHypertensionFollowUp, care.KindDiabetesFollowUp, care.KindHypertensionFollowUp, care.KindCheckup,
		}[i%10]
		form, err := care.New(kind)
		if err != nil {
			c.t.Fatal(err)
		}
		fill(form.ProtoReflect(), 0)
		day := int32(care.DateOf(c.now).AddDays(-30 * i))
		form.ProtoReflect().Set(form.ProtoReflect().Descriptor().Fields().ByNumber(1), protoreflect.ValueOfInt32(day))
		changes, err := care.Diff(kind, nil, form)
		if err != nil {
			c.t.Fatal(err)
		}
		saves = append(saves, syncengine.OfficeSave{Kind: kind, Changes: append(changes, scope(village), about(id))})
	}
	for part := range slices.Chunk(saves, 20) {
		if _, err := c.Save(context.Background(), "li", part...); err != nil {
			c.t.Fatal(err)
		}
	}
	return id
}

// fill puts something usual into every field of a form, as far as it is no list: the middle of
// what is usual, the first code, a word.
func fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsList(), f.IsMap(), depth > 3, f.ContainingOneof() != nil && !f.ContainingOneof().IsSynthetic():
		case f.Message() != nil:
			fill(m.Mutable(f).Message(), depth+1)
		default:
			m.Set(f, usual(f))
		}
	}
}

func usual(f protoreflect.FieldDescriptor) protoreflect.Value {
	o, _ := proto.GetExtension(f.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	r := o.GetWarn()
	if r == nil {
		r = o.GetHard()
	}
	n := (r.GetMin() + r.GetMax()) / 2
	if o.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE {
		n = 20260201
	}
	switch f.Kind() {
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(f.Enum().Values().Get(1).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("无")
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(false)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	}
	return f.Default()
}
