// SPDX-License-Identifier: Apache-2.0

package findings_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	village      = "431124101201"
	otherVillage = "431124101202"
)

// county is a centre in memory with its findings in a file.
type county struct {
	*syncengine.Engine
	t     testing.TB
	now   time.Time
	path  string
	rand  *rand.ChaCha8
	log   strings.Builder
	shard projection.Shard
	cfg   findings.Config
	f     *findings.Findings
	p     *projection.Projection
}

func newCounty(t testing.TB, change ...func(*county)) *county {
	t.Helper()
	return newCountyIn(t, memstore.New(), change...)
}

func newCountyIn(t testing.TB, store syncengine.Store, change ...func(*county)) *county {
	t.Helper()
	c := &county{
		t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), path: filepath.Join(t.TempDir(), "projections.db"),
		rand: rand.NewChaCha8([32]byte{1}),
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = c.rand.Read(seed)
	var err error
	c.Engine, err = syncengine.Create(context.Background(), syncengine.Config{
		Store: store, ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)),
		Clock: func() time.Time { c.now = c.now.Add(time.Second); return c.now }, Rand: c.rand, Schema: care.Kinds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.shard = c.Engine
	c.cfg = findings.Config{BuiltIn: load(t, trial), Rand: c.rand, Log: slog.New(slog.NewTextHandler(&c.log, nil))}
	for _, f := range change {
		f(c)
	}
	c.open()
	t.Cleanup(func() { _ = c.p.Close() })
	return c
}

func (c *county) open() {
	c.t.Helper()
	c.f = findings.New(c.cfg)
	var err error
	c.p, err = projection.Open(context.Background(), projection.Config{
		Shard: c.shard, Path: c.path, Modules: []projection.Module{c.f}, Clock: func() time.Time { return c.now }, Log: c.cfg.Log,
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// reopen closes the file and opens it again, as a process does that starts anew.
func (c *county) reopen() {
	c.t.Helper()
	if err := c.p.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.open()
}

func (c *county) follow() {
	c.t.Helper()
	if err := c.p.Follow(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// save saves a form, a new record when id is zero.
func (c *county) save(id record.ID, kind record.Kind, form proto.Message, more ...record.Change) syncengine.Saved {
	c.t.Helper()
	var shown []record.Register
	if !id.IsZero() {
		if view, err := c.Get(context.Background(), id); err == nil {
			shown = view.State.Registers()
		}
	}
	changes, err := care.Diff(kind, shown, form)
	if err != nil {
		c.t.Fatal(err)
	}
	if changes = append(changes, more...); len(changes) == 0 {
		return syncengine.Saved{Record: id} // it says so already
	}
	saved, err := c.Save(context.Background(), "li", syncengine.OfficeSave{Record: id, Kind: kind, Changes: changes})
	if err != nil {
		c.t.Fatal(err)
	}
	return saved[0]
}

func scope(division string) record.Change {
	return record.Change{Path: record.PathScope, Value: record.Of([]byte(division))}
}

func about(resident record.ID) record.Change {
	return record.Change{Path: record.PathSubject, Value: record.Of(resident[:])}
}

func (c *county) register(name, division string) record.ID {
	c.t.Helper()
	return c.save(record.ID{}, care.KindResident, &carev1.Resident{Name: name, Sex: carev1.Sex_SEX_MALE, BirthDate: 19580306}, scope(division)).Record
}

// visit saves a hypertension follow-up.
func (c *county) visit(resident record.ID, division string, day, systolic, diastolic int32) record.ID {
	c.t.Helper()
	return c.save(record.ID{}, care.KindHypertensionFollowUp, pressure(day, systolic, diastolic), scope(division), about(resident)).Record
}

func pressure(day, systolic, diastolic int32) *carev1.HypertensionFollowUp {
	return &carev1.HypertensionFollowUp{
		ServiceDate: day, BloodPressure: &carev1.BloodPressure{SystolicMmhg: &systolic, DiastolicMmhg: &diastolic},
	}
}

func (c *county) link(a, b record.ID, state carev1.LinkState) {
	c.t.Helper()
	c.save(care.LinkID(a, b), care.KindResidentLink, care.NewLink(a, b, &carev1.LinkRuling{
		State: state, Basis: carev1.LinkBasis_LINK_BASIS_PERSON,
	}), scope(village))
}

func (c *county) change(id record.ID, changes ...record.Change) {
	c.t.Helper()
	if _, err := c.Save(context.Background(), "li", syncengine.OfficeSave{Record: id, Changes: changes}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *county) void(id record.ID) {
	c.t.Helper()
	c.change(id, record.Change{Path: record.PathLife, Value: record.Voided("typed twice")})
}

// everything returns all rows that are open, by what they are about.
func (c *county) everything() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	for after, more := findings.Position(0), true; more; {
		l, err := c.f.List(c.t.Context(), findings.Filter{}, after, 50)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, s := range l.Sets {
			out[key(s)] = describe(s)
		}
		after, more = l.Next, l.More
	}
	return out
}

func key(s findings.Set) string {
	if s.Record.IsZero() {
		return fmt.Sprintf("person %s %v", s.Person, s.Combined)
	}
	return fmt.Sprintf("%s %v", s.Record, s.Combined)
}

func describe(s findings.Set) string {
	var b strings.Builder
	fmt.Fprintf(&b, "of %s in %v class %d:", s.Person, s.Divisions, s.Class)
	for _, f := range s.Findings {
		fmt.Fprintf(&b, " %s %v %s/%s %v", f.GetRuleId(), f.GetSeverity(), f.GetMessageZh(), f.GetMessageEn(), f.GetFault())
	}
	if s.Omitted > 0 {
		fmt.Fprintf(&b, " and %d more", s.Omitted)
	}
	return b.String()
}

// rulesOf returns the ids of the rules in the sets about a record.
func (c *county) rulesOf(id record.ID) []string {
	c.t.Helper()
	l, err := c.f.List(c.t.Context(), findings.Filter{Record: id}, 0, 50)
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for _, s := range l.Sets {
		for _, f := range s.Findings {
			out = append(out, f.GetRuleId())
		}
	}
	slices.Sort(out)
	return out
}

func (c *county) state() findings.State {
	c.t.Helper()
	s, err := c.f.State(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// trial is a pack whose rules look at all there is to look at: one form, the earlier forms, the
// forms of a sensitive kind, the residents, and the day.
const trial = `
name: "trial" version: "1"
definitions { id: "coughs" kinds: "hypertension_follow_up" expression: "records.tuberculosis_follow_up.size()" }
rules {
  id: "T.high" kinds: "hypertension_follow_up" severity: SEVERITY_ERROR
  when: "has(r.blood_pressure.systolic_mmhg) && r.blood_pressure.systolic_mmhg >= 180"
  values { id: "s" expression: "r.blood_pressure.systolic_mmhg" }
  zh: "收缩压 {s}" en: "systolic {s}" paths: "blood_pressure"
  source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED }
}
rules {
  id: "T.earlier" kinds: "hypertension_follow_up" severity: SEVERITY_SUSPICION
  when: "history.size() >= 2"
  values { id: "n" expression: "history.size()" }
  zh: "此前 {n} 次" en: "{n} before" paths: "service_date"
  source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED }
}
rules {
  id: "T.both" kinds: "hypertension_follow_up" severity: SEVERITY_WARNING
  when: "d.coughs > 0"
  values { id: "n" expression: "d.coughs" }
  zh: "结核随访 {n} 次" en: "{n} visits for tuberculosis" paths: "service_date"
  source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED }
}
rules {
  id: "T.future" kinds: "hypertension_follow_up" kinds: "tuberculosis_follow_up" severity: SEVERITY_WARNING
  when: "r.service_date > as_of"
  values { id: "d" expression: "r.service_date" format: VALUE_FORMAT_DATE }
  zh: "{d} 在将来" en: "{d} is to come" paths: "service_date"
  source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED }
}
rules {
  id: "T.sex" kinds: "hypertension_follow_up" kinds: "resident" severity: SEVERITY_INFO
  when: "person.sex == 2"
  zh: "女" en: "female"
  source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED }
}
`

// load returns a pack made of text.
func load(t testing.TB, text string) *rules.Pack {
	t.Helper()
	pack, err := rules.Load(rules.Source{Name: "trial.txtpb", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return pack
}
