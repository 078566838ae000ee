// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// reading counts the records that are read.
type reading struct {
	projection.Shard
	rows int
}

func (r *reading) Rows(ctx context.Context, ids []record.ID) ([]syncengine.RecordRow, error) {
	r.rows += len(ids)
	return r.Shard.Rows(ctx, ids)
}

func TestEachPersonIsReadOnceForAllModules(t *testing.T) {
	one, two := &mirror{name: "one"}, &mirror{name: "two"}
	c := newCounty(t, one, two)
	read := &reading{Shard: c.Engine}
	c.shard = read
	c.reopen(one, two)
	for range 60 {
		c.visit(c.register(village), village, 20260201)
	}
	c.follow()
	if read.rows != 120 || one.looks != 60 || two.looks != 60 {
		t.Errorf("%d records were read, %d and %d looks", read.rows, one.looks, two.looks)
	}
	if got := one.kept(c); !maps.Equal(got, one.expected(c)) || len(got) != 60 {
		t.Errorf("kept %v", got)
	}
}

func TestAModuleWithOtherTablesMakesThemAnewAndTheOthersKeepTheirs(t *testing.T) {
	one, two, three := &mirror{name: "one"}, &mirror{name: "two"}, &mirror{name: "twofold"}
	c := newCounty(t, one, two, three)
	for range 60 {
		c.register(village)
	}
	c.follow()
	for _, m := range []*mirror{one, two, three} {
		m.reset()
	}
	two.extra = "CREATE TABLE two_more (x INTEGER) STRICT;"
	c.reopen(one, two, three)
	if len(two.kept(c)) != 0 || len(one.kept(c)) != 60 || len(three.kept(c)) != 60 {
		t.Errorf("before: %d, %d and %d", len(one.kept(c)), len(two.kept(c)), len(three.kept(c)))
	}
	if s := c.state(two); !s.UnderWay || s.Settings != nil {
		t.Errorf("%+v", s)
	}
	c.follow()
	if one.looks != 0 || two.looks != 60 || three.looks != 0 || !maps.Equal(two.kept(c), two.expected(c)) {
		t.Errorf("%d, %d and %d looks", one.looks, two.looks, three.looks)
	}
	c.reopen(one) // the others are no more
	var left []string
	c.must(c.p.View(t.Context(), func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, `SELECT name FROM sqlite_schema WHERE name LIKE 'two%' OR name LIKE 'one%' ORDER BY name`, nil, func(s *sqlite.Stmt) bool {
			left = append(left, s.ColumnText(0))
			return true
		})
	}))
	if !slices.Equal(left, []string{"one_persons", "one_text"}) {
		t.Errorf("left %v", left)
	}
}

func TestNewSettingsAndNewDaysSweepTheModulesTheyConcern(t *testing.T) {
	still, daily := &mirror{name: "still"}, &mirror{name: "daily", daily: true}
	c := newCounty(t, still, daily)
	for range 60 {
		c.register(village)
	}
	c.follow()
	still.reset()
	daily.reset()
	still.settings = 7
	c.follow()
	if still.looks != 60 || daily.looks != 0 {
		t.Errorf("new settings: %d and %d looks", still.looks, daily.looks)
	}
	still.reset()
	c.now = c.now.Add(24 * time.Hour)
	c.follow()
	if still.looks != 0 || daily.looks != 60 || !maps.Equal(daily.kept(c), daily.expected(c)) {
		t.Errorf("a new day: %d and %d looks", still.looks, daily.looks)
	}
	for id, only := range daily.only {
		if !only.Day || only.Records != nil {
			t.Errorf("%s: %+v", id, only)
		}
	}
	if s := c.state(still); s.Day != 20260302 || s.UnderWay {
		t.Errorf("%+v", s)
	}
}

func TestSweepsOfSeveralModulesJoin(t *testing.T) {
	one, two := &mirror{name: "one"}, &mirror{name: "two"}
	c := newCounty(t, one, two)
	read := &reading{Shard: c.Engine}
	c.shard = read
	c.reopen(one, two)
	for range 480 {
		c.register(village)
	}
	c.follow()
	one.settings++
	for range 2 { // two pieces of the sweep
		_, err := c.p.Step(t.Context())
		c.must(err)
	}
	two.settings++
	one.reset()
	two.reset()
	read.rows = 0
	c.follow()
	if one.looks != 280 || two.looks != 480 || read.rows != 480 {
		t.Errorf("%d and %d looks, %d records were read", one.looks, two.looks, read.rows)
	}
	if !maps.Equal(one.kept(c), one.expected(c)) || !maps.Equal(two.kept(c), two.expected(c)) {
		t.Error("not what follows")
	}
}

func TestAModuleIsToldWhatChanged(t *testing.T) {
	m := &mirror{name: "one"}
	c := newCounty(t, m)
	resident := c.register(village)
	c.visit(resident, village, 20260201)
	visit := c.visit(resident, village, 20260202)
	c.follow()
	m.reset()
	c.save(visit, care.KindHypertensionFollowUp, &carev1.HypertensionFollowUp{ServiceDate: 20260203})
	c.follow()
	if only := m.only[resident]; only.Day || len(only.Records) != 1 || !only.Records[visit] {
		t.Errorf("a visit: %+v", only)
	}
	c.save(resident, care.KindResident, &carev1.Resident{Name: "李演示"})
	c.follow()
	if only := m.only[resident]; only.Day || only.Records != nil {
		t.Errorf("the resident: %+v", only)
	}
	m.settings++
	c.save(visit, care.KindHypertensionFollowUp, &carev1.HypertensionFollowUp{ServiceDate: 20260204})
	c.follow()
	if only := m.only[resident]; only.Records != nil {
		t.Errorf("with new settings: %+v", only)
	}
}

func TestAModuleThatFailsAtAPersonHoldsUpNobody(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error": func() error { return errors.New("no such figure") },
		"a panic":  func() error { panic("139") },
	} {
		good, bad := &mirror{name: "good"}, &mirror{name: "bad"}
		c := newCounty(t, bad, good)
		wang, li := c.register(village), c.register(village)
		c.visit(wang, village, 20260201)
		c.follow()
		before := bad.kept(c)
		bad.fails = func(p *projection.Person) error {
			if p.ID == wang {
				return fail()
			}
			return nil
		}
		visit := c.visit(wang, village, 20260202)
		c.visit(li, village, 20260202)
		c.follow()
		if !maps.Equal(good.kept(c), good.expected(c)) {
			t.Errorf("%s: the other module is behind", name)
		}
		got := bad.kept(c)
		if got[wang] != before[wang] || got[li] != bad.expected(c)[li] {
			t.Errorf("%s: %v", name, got)
		}
		s := c.state(bad)
		if s.Waiting != 1 || s.Failed == nil || s.FailedAt.IsZero() || c.state(good).Failed != nil {
			t.Errorf("%s: %+v", name, s)
		}
		if log := c.log.String(); !strings.Contains(log, wang.String()) || strings.Contains(log, "139") {
			t.Errorf("%s: log:\n%s", name, log)
		}
		bad.fails = nil
		c.follow()
		if c.state(bad).Waiting != 1 {
			t.Errorf("%s: it was tried again at once", name)
		}
		bad.reset()
		good.reset()
		c.now = c.now.Add(2 * time.Minute)
		c.reopen(bad, good)
		c.follow()
		if !maps.Equal(bad.kept(c), bad.expected(c)) || c.state(bad).Waiting != 0 || good.looks != 0 || bad.only[wang].Records != nil {
			t.Errorf("%s: tried again: %v, %d looks of the other", name, bad.kept(c), good.looks)
		}
		_ = visit
	}
}

func TestAModuleThatGoesOnFailingIsTriedLessAndLess(t *testing.T) {
	bad := &mirror{name: "bad", fails: func(*projection.Person) error { return errors.New("never") }}
	c := newCounty(t, bad)
	c.register(village)
	tries := 0
	for range 24 * 60 {
		c.follow()
		c.now = c.now.Add(time.Minute)
	}
	if tries = bad.looks; tries < 8 || tries > 14 {
		t.Errorf("%d tries in a day", tries)
	}
}

func TestAModuleThatCannotChooseLooksAtEverybodyOnceItCan(t *testing.T) {
	m := choosing{&mirror{name: "one", unable: errors.New("no pack")}}
	other := &mirror{name: "two"}
	c := newCounty(t, m, other)
	for range 30 {
		c.register(village)
	}
	c.follow()
	if m.looks != 0 || other.looks != 30 || c.state(m.mirror).Failed == nil || !c.state(m.mirror).UnderWay {
		t.Errorf("%d and %d looks, %+v", m.looks, other.looks, c.state(m.mirror))
	}
	m.unable = nil
	c.now = c.now.Add(2 * time.Minute)
	c.follow()
	if !maps.Equal(m.kept(c), m.expected(c)) || c.state(m.mirror).UnderWay {
		t.Errorf("%d looks, %+v", m.looks, c.state(m.mirror))
	}
	c.save(record.ID{}, care.KindRulePack, &carev1.RulePack{}, scope("431124000000"))
	m.reset()
	c.follow()
	if m.chosen != 1 || m.looks != 30 || !maps.Equal(m.kept(c), m.expected(c)) {
		t.Errorf("it was shown %d packs, %d looks", m.chosen, m.looks)
	}
}

// One that cannot choose does not have the others choose again and again.
func TestOnlyWhoFailedChoosesAgain(t *testing.T) {
	good := choosing{&mirror{name: "good"}}
	bad := choosing{&mirror{name: "bad", unable: errors.New("no pack")}}
	c := newCounty(t, good, bad)
	c.register(village)
	c.follow()
	good.unable = errors.New("asked again")
	for range 5 {
		c.now = c.now.Add(2 * time.Minute)
		c.follow()
	}
	if s := c.state(good.mirror); s.Failed != nil {
		t.Errorf("%+v", s)
	}
	c.save(record.ID{}, care.KindRulePack, &carev1.RulePack{}, scope("431124000000"))
	c.follow()
	if s := c.state(good.mirror); s.Failed == nil || s.UnderWay || good.settings != 0 {
		t.Errorf("what was chosen before does not stay: %+v", s)
	}
}

// moody is a module whose settings are not to be had at times.
type moody struct {
	*mirror
	bad   bool
	asked int
}

func (m *moody) Settings() ([32]byte, bool) {
	if m.asked++; m.bad {
		panic("139")
	}
	return m.mirror.Settings()
}

func TestSettingsThatAreNotToBeHadAreAskedForLater(t *testing.T) {
	m, other := &moody{mirror: &mirror{name: "moody"}, bad: true}, &mirror{name: "other"}
	c := newCounty(t, m, other)
	for range 60 {
		c.register(village)
	}
	c.follow()
	if m.asked != 1 || m.looks != 0 || other.looks != 60 || c.state(m.mirror).Failed == nil || strings.Contains(c.log.String(), "139") {
		t.Errorf("asked %d times, %d and %d looks, %+v", m.asked, m.looks, other.looks, c.state(m.mirror))
	}
	m.bad = false
	c.now = c.now.Add(2 * time.Minute)
	c.follow()
	if !maps.Equal(m.kept(c), m.expected(c)) || other.looks != 60 {
		t.Errorf("%d and %d looks", m.looks, other.looks)
	}
}

func TestModulesSettleWhenNobodyWaits(t *testing.T) {
	m := &mirror{name: "one", pieces: 3}
	c := newCounty(t, m)
	c.follow()
	if m.pieces != 0 {
		t.Errorf("%d pieces are left", m.pieces)
	}
	m.pieces = 1
	c.follow()
	if m.pieces != 1 {
		t.Error("it was asked again though nothing changed")
	}
	c.register(village)
	c.follow()
	if m.pieces != 0 {
		t.Error("it was not asked after a look")
	}
}

func TestModulesHaveNamesOfTheirOwn(t *testing.T) {
	for _, names := range [][]string{{""}, {"One"}, {"one_two"}, {"one", "one"}, {"o1"}} {
		var all []projection.Module
		for _, n := range names {
			all = append(all, &mirror{name: n})
		}
		if _, err := projection.Open(t.Context(), projection.Config{Modules: all}); err == nil {
			t.Errorf("%q are taken", names)
		}
	}
}

// restored is a shard in another epoch.
type restored struct{ projection.Shard }

func (r restored) Epoch() ledger.Epoch {
	e := r.Shard.Epoch()
	e.Number++
	return e
}

func TestAnotherEpochAndADamagedFileBeginAnew(t *testing.T) {
	m := &mirror{name: "one"}
	c := newCounty(t, m)
	c.visit(c.register(village), village, 20260201)
	c.follow()
	want := m.kept(c)
	c.shard = restored{c.Engine}
	c.reopen(m)
	if len(m.kept(c)) != 0 {
		t.Error("what was of another epoch is still there")
	}
	c.follow()
	if !maps.Equal(m.kept(c), want) {
		t.Error("another epoch: not what follows")
	}
	c.must(c.p.Close())
	c.must(os.WriteFile(c.path, []byte(strings.Repeat("no database ", 1000)), 0o600))
	c.open()
	c.follow()
	if !maps.Equal(m.kept(c), want) {
		t.Error("a damaged file: not what follows")
	}
}

// Whatever happens, and however often the follower is cut off between, each module has what
// follows from the persons as they stand.
func TestModulesFollowInRandomHistories(t *testing.T) {
	runs := 8
	if testing.Short() {
		runs = 3
	}
	for seed := range uint64(runs) {
		r := rand.New(rand.NewPCG(seed, 2))
		still, daily := &mirror{name: "still"}, &mirror{name: "daily", daily: true}
		flaky := func(*projection.Person) error {
			if r.IntN(10) == 0 {
				return errors.New("now and then")
			}
			return nil
		}
		still.fails = flaky
		c := newCounty(t, still, daily)
		residents := []record.ID{c.register(village), c.register(otherVillage)}
		visits := []record.ID{c.visit(residents[0], village, 20260201)}
		pick := func(all []record.ID) record.ID { return all[r.IntN(len(all))] }
		division := func() string { return []string{village, otherVillage}[r.IntN(2)] }
		for range 80 {
			switch r.IntN(10) {
			case 0:
				residents = append(residents, c.register(division()))
			case 1, 2:
				visits = append(visits, c.visit(pick(residents), division(), 20260201+r.Int32N(20)))
			case 3:
				c.change(pick(visits), about(pick(residents)))
			case 4:
				life := []record.Value{record.Voided("typed twice"), record.Active()}[r.IntN(2)]
				c.change(pick(slices.Concat(visits, residents)), record.Change{Path: record.PathLife, Value: life})
			case 5:
				if a, b := pick(residents), pick(residents); a != b {
					c.link(a, b, carev1.LinkState(1+r.IntN(2)))
				}
			case 6:
				c.now = c.now.Add(time.Duration(r.IntN(30)) * time.Hour)
			case 7:
				[]*mirror{still, daily}[r.IntN(2)].settings++
			case 8:
				for range r.IntN(5) {
					_, err := c.p.Step(t.Context())
					c.must(err)
				}
			case 9:
				if r.IntN(3) == 0 {
					c.reopen(still, daily)
				}
			}
		}
		still.fails = nil
		c.follow()
		c.now = c.now.Add(25 * time.Hour)
		c.follow()
		for _, m := range []*mirror{still, daily} {
			if got, want := m.kept(c), m.expected(c); !maps.Equal(got, want) {
				t.Fatalf("seed %d: %s has\n%v\nwant\n%v", seed, m.name, got, want)
			}
		}
	}
}
