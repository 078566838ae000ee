// SPDX-License-Identifier: Apache-2.0

package findings_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func (c *county) finds(id record.ID, want ...string) {
	c.t.Helper()
	if got := c.rulesOf(id); !slices.Equal(got, want) {
		c.t.Errorf("found %v, want %v", got, want)
	}
}

func TestACorrectedRecordClosesItsFindings(t *testing.T) {
	c := newCounty(t)
	wang := c.register("王演示", village)
	id := c.visit(wang, village, 20260201, 190, 85)
	c.follow()
	c.finds(id, "T.high")
	all := &receiver{scope: findings.Scope{Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral}}, kept: map[string]findings.Set{}}
	all.pull(t, c.f, newRand(1))
	if len(all.kept) != 1 {
		t.Fatalf("kept %v", all.kept)
	}
	c.save(id, care.KindHypertensionFollowUp, pressure(20260201, 130, 85))
	c.follow()
	c.finds(id)
	page, err := c.f.Pull(t.Context(), all.scope, all.cursor, 0)
	if err != nil || len(page.Sets) != 1 || page.Sets[0].Record != id || len(page.Sets[0].Findings) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestARowThatSaysTheSameStaysWhereItIs(t *testing.T) {
	c := newCounty(t)
	wang := c.register("王演示", village)
	id := c.visit(wang, village, 20260201, 190, 85)
	c.follow()
	where := func() findings.Position {
		l, err := c.f.List(t.Context(), findings.Filter{Record: id}, 0, 10)
		if err != nil || len(l.Sets) != 1 {
			t.Fatalf("%+v, %v", l, err)
		}
		return l.Sets[0].Position
	}
	before := where()
	c.save(wang, care.KindResident, &carev1.Resident{Name: "王演示", Sex: carev1.Sex_SEX_MALE, BirthDate: 19580306, Phone: "10000000001"})
	c.now = c.now.Add(72 * time.Hour)
	c.follow()
	if after := where(); after != before {
		t.Errorf("it moved from %d to %d", before, after)
	}
	c.save(id, care.KindHypertensionFollowUp, pressure(20260201, 200, 85))
	c.follow()
	if after := where(); after <= before {
		t.Errorf("it says something else at %d", after)
	}
}

func TestAVisitThatIsAnothersChangesWhatIsFoundAboutBoth(t *testing.T) {
	c := newCounty(t)
	wang, li := c.register("王演示", village), c.register("李演示", village)
	for day := int32(20260201); day < 20260203; day++ {
		c.visit(wang, village, day, 130, 80)
		c.visit(li, village, day, 130, 80)
	}
	third := c.visit(wang, village, 20260203, 130, 80)
	c.follow()
	c.finds(third, "T.earlier")
	last := c.visit(wang, village, 20260204, 130, 80)
	c.follow()
	c.finds(last, "T.earlier")
	view, err := c.Get(t.Context(), third)
	if err != nil {
		t.Fatal(err)
	}
	to := about(li)
	for _, s := range view.State.At(record.PathSubject) {
		to.Parents = append(to.Parents, s.Dot)
	}
	c.change(third, to)
	c.follow()
	c.finds(third, "T.earlier")
	l, err := c.f.List(t.Context(), findings.Filter{Record: last}, 0, 10)
	if err != nil || len(l.Sets) != 1 || l.Sets[0].Findings[0].GetMessageEn() != "2 before" {
		t.Errorf("of whom it was before: %+v, %v", l, err)
	}
	c.void(third)
	c.follow()
	c.finds(third)
}

func TestLinkedResidentsAreOnePersonUntilTheyAreUnlinked(t *testing.T) {
	c := newCounty(t)
	wang, again := c.register("王演示", village), c.register("王演示", otherVillage)
	c.visit(wang, village, 20260201, 130, 80)
	c.visit(wang, village, 20260202, 130, 80)
	third := c.visit(again, otherVillage, 20260203, 130, 80)
	c.follow()
	c.finds(third)
	c.link(wang, again, carev1.LinkState_LINK_STATE_LINKED)
	c.follow()
	c.finds(third, "T.earlier")
	l, err := c.f.List(t.Context(), findings.Filter{Resident: again}, 0, 10)
	if err != nil || len(l.Sets) != 1 || l.Sets[0].Person != wang || !l.Sets[0].Combined || !slices.Equal(l.Sets[0].Divisions, []record.Division{village}) {
		t.Errorf("%+v, %v", l, err)
	}
	c.link(wang, again, carev1.LinkState_LINK_STATE_UNLINKED)
	c.follow()
	c.finds(third)
}

func TestWhatLooksAtASensitiveKindIsSensitive(t *testing.T) {
	c := newCounty(t)
	wang := c.register("王演示", village)
	visit := c.visit(wang, otherVillage, 20260201, 190, 80)
	c.save(record.ID{}, tuberculosis, &carev1.TuberculosisFollowUp{ServiceDate: 20260202}, scope(village), about(wang))
	c.follow()
	l, err := c.f.List(t.Context(), findings.Filter{Record: visit}, 0, 10)
	if err != nil || len(l.Sets) != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	for _, s := range l.Sets {
		class, division := record.ClassGeneral, record.Division(otherVillage)
		if s.Combined {
			class, division = record.ClassSensitive, village
		}
		if s.Class != class || !slices.Equal(s.Divisions, []record.Division{division}) {
			t.Errorf("combined %v: class %d in %v", s.Combined, s.Class, s.Divisions)
		}
	}
}

func TestANewDayLooksAtEverybody(t *testing.T) {
	c := newCounty(t)
	id := c.visit(c.register("王演示", village), village, 20260302, 130, 80)
	c.follow()
	c.finds(id, "T.future")
	c.now = time.Date(2026, 3, 1, 15, 59, 58, 0, time.UTC) // 23:59:58 in Shanghai
	c.follow()
	c.finds(id, "T.future")
	c.now = time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC)
	c.follow()
	c.finds(id)
	if s := c.state(); s.AsOf != 20260302 || s.UnderWay {
		t.Errorf("%+v", s)
	}
}

func (c *county) setPack(id record.ID, pack *rules.Pack) record.ID {
	c.t.Helper()
	form, err := pack.Record()
	if err != nil {
		c.t.Fatal(err)
	}
	return c.save(id, care.KindRulePack, form, scope("431124000000")).Record
}

func TestANewPackLooksAtEverybodyChangedOnesFirst(t *testing.T) {
	c := newCounty(t)
	var ids []record.ID
	var residents []record.ID
	for range 250 {
		residents = append(residents, c.register("王演示", village))
		ids = append(ids, c.visit(residents[len(residents)-1], village, 20260201, 170, 80))
	}
	c.follow()
	c.finds(ids[0])
	c.setPack(record.ID{}, load(t, strings.Replace(trial, ">= 180", ">= 160", 1)))
	last := c.visit(residents[249], village, 20260202, 170, 80)
	for !slices.Equal(c.rulesOf(last), []string{"T.high"}) {
		if done, err := c.p.Step(t.Context()); err != nil || done {
			t.Fatalf("done %v, %v", done, err)
		}
	}
	c.finds(ids[0])
	if s := c.state(); !s.UnderWay {
		t.Errorf("%+v", s)
	}
	c.reopen() // a crash in the middle loses nothing
	c.follow()
	for _, id := range ids {
		c.finds(id, "T.high")
	}
	if s := c.state(); s.UnderWay || s.BuiltIn || s.Queued != 0 || s.Behind != 0 || s.Sets != 251 {
		t.Errorf("%+v", s)
	}
}

func TestAPackThatDoesNotLoadLeavesTheLastGoodOne(t *testing.T) {
	c := newCounty(t)
	id := c.visit(c.register("王演示", village), village, 20260201, 170, 80)
	pack := c.setPack(record.ID{}, load(t, strings.Replace(trial, ">= 180", ">= 160", 1)))
	c.follow()
	c.finds(id, "T.high")
	bad, err := load(t, trial).Record()
	if err != nil {
		t.Fatal(err)
	}
	bad.Rules.ContentSha256[0]++
	c.save(pack, care.KindRulePack, bad)
	for range 2 {
		c.follow()
		c.finds(id, "T.high")
		if s := c.state(); s.Refused != pack || s.Why == "" || s.BuiltIn {
			t.Errorf("%+v", s)
		}
		c.reopen()
	}
	c.void(pack)
	c.follow()
	c.finds(id)
	if s := c.state(); !s.Refused.IsZero() || !s.BuiltIn {
		t.Errorf("%+v", s)
	}
}

// cursed panics at one person.
type cursed struct {
	findings.Rules
	at record.ID
}

func (c cursed) Findings(p *rules.Person, day care.Date) []*carev1.Finding {
	if p.ID() == c.at {
		panic("139")
	}
	return c.Rules.Findings(p, day)
}

func TestAPersonAtWhomTheRulesPanicIsPassedOver(t *testing.T) {
	curse := &cursed{Rules: load(t, trial)}
	c := newCounty(t, func(c *county) { c.cfg.BuiltIn = curse })
	wang, li := c.register("王演示", village), c.register("李演示", village)
	curse.at = wang
	bad, good := c.visit(wang, village, 20260201, 190, 80), c.visit(li, village, 20260201, 190, 80)
	c.follow()
	c.finds(bad)
	c.finds(good, "T.high")
	l, err := c.f.List(t.Context(), findings.Filter{Resident: wang}, 0, 10)
	if err != nil || len(l.Sets) != 1 || !l.Sets[0].Record.IsZero() || l.Sets[0].Findings[0].GetRuleId() != "F.rules" || !l.Sets[0].Findings[0].GetFault() {
		t.Errorf("%+v, %v", l, err)
	}
	if log := c.log.String(); !strings.Contains(log, wang.String()) || strings.Contains(log, "139") || strings.Contains(log, "王") || c.state().PassedOver != 1 {
		t.Errorf("passed over %d, log:\n%s", c.state().PassedOver, log)
	}
	curse.at = record.ID{}
	c.visit(wang, village, 20260202, 130, 80)
	c.follow()
	c.finds(bad, "T.high")
}

func TestWhoIsLinkedWithTooManyIsLookedAtAlone(t *testing.T) {
	c := newCounty(t)
	first := c.register("王演示", village)
	id := c.visit(first, village, 20260201, 190, 80)
	var others []record.ID
	for range 70 {
		other := c.register("王演示", village)
		c.link(first, other, carev1.LinkState_LINK_STATE_LINKED)
		others = append(others, other)
	}
	c.follow()
	c.finds(id, "T.high")
	counts, err := c.f.Count(t.Context(), findings.Filter{Rule: "F.linked"})
	if err != nil || len(counts) != 1 || counts[0].Findings != 71 {
		t.Errorf("%v, %v", counts, err)
	}
	for _, other := range others {
		c.link(first, other, carev1.LinkState_LINK_STATE_UNLINKED)
	}
	c.follow()
	if counts, err := c.f.Count(t.Context(), findings.Filter{Rule: "F.linked"}); err != nil || len(counts) != 0 {
		t.Errorf("%v, %v", counts, err)
	}
}

// failing is a shard that fails now and then.
type failing struct {
	projection.Shard
	left int
}

func (f *failing) Rows(ctx context.Context, ids []record.ID) ([]syncengine.RecordRow, error) {
	if f.left--; f.left == 0 {
		return nil, errors.New("the disk is gone")
	}
	return f.Shard.Rows(ctx, ids)
}

func TestWhatFailsIsToldAndTriedAgain(t *testing.T) {
	var shard *failing
	c := newCounty(t, func(c *county) {
		shard = &failing{Shard: c.Engine, left: 2}
		c.shard = shard
	})
	id := c.visit(c.register("王演示", village), village, 20260201, 190, 80)
	if err := c.p.Follow(t.Context()); err == nil {
		t.Fatal("it did not fail")
	}
	if s := c.state(); s.Failed == nil || s.FailedAt.IsZero() || s.Queued != 1 {
		t.Errorf("%+v", s)
	}
	c.follow()
	c.finds(id, "T.high")
	if s := c.state(); s.Failed != nil || s.Queued != 0 {
		t.Errorf("%+v", s)
	}
}

// restored is a shard in another epoch.
type restored struct{ projection.Shard }

func (r restored) Epoch() ledger.Epoch {
	e := r.Shard.Epoch()
	e.Number++
	return e
}

func TestANewEpochBeginsAnew(t *testing.T) {
	c := newCounty(t)
	c.visit(c.register("王演示", village), village, 20260201, 190, 80)
	c.follow()
	before := c.everything()
	k := &receiver{scope: findings.Scope{Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral}}, kept: map[string]findings.Set{}}
	k.pull(t, c.f, newRand(1))
	c.shard = restored{c.Engine}
	c.reopen()
	c.follow()
	page, err := c.f.Pull(t.Context(), k.scope, k.cursor, 0)
	if err != nil || !page.Anew || len(page.Sets) != 1 || fmt.Sprint(c.everything()) != fmt.Sprint(before) {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestADamagedFileIsMadeAnew(t *testing.T) {
	c := newCounty(t)
	id := c.visit(c.register("王演示", village), village, 20260201, 190, 80)
	c.follow()
	if err := c.p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.open()
	c.follow()
	c.finds(id, "T.high")
}

func TestOnlyTheOwnerMayReadTheFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such rights")
	}
	c := newCounty(t)
	c.visit(c.register("王演示", village), village, 20260201, 190, 80)
	c.follow()
	files, err := filepath.Glob(c.path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// A set has bounds, however much is found: the rest is counted.
func TestASetHasBounds(t *testing.T) {
	many := load(t, trial)
	c := newCounty(t, func(c *county) { c.cfg.BuiltIn = verbose{many} })
	id := c.visit(c.register("王演示", village), village, 20260201, 190, 80)
	c.follow()
	l, err := c.f.List(t.Context(), findings.Filter{Record: id}, 0, 10)
	if err != nil || len(l.Sets) != 1 || len(l.Sets[0].Findings) != 100 || l.Sets[0].Omitted != 900 {
		t.Errorf("%d sets, %v", len(l.Sets), err)
	}
}

// verbose says everything a thousand times.
type verbose struct{ findings.Rules }

func (v verbose) Findings(p *rules.Person, day care.Date) []*carev1.Finding {
	var out []*carev1.Finding
	for _, one := range v.Rules.Findings(p, day) {
		out = append(out, slices.Repeat([]*carev1.Finding{one}, 1000)...)
	}
	return out
}
