// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/tablet"
)

const dayMs = 24 * 60 * 60 * 1000

func add(t *testing.T, tb *tablet.Tablet, kind, subject, values string) string {
	t.Helper()
	s, err := tb.Add(kind, subject, village, values, "zhang")
	return must(t, s, err).ID
}

func due(t *testing.T, tb *tablet.Tablet, q *tablet.DueQuery) *tablet.DueList {
	t.Helper()
	l, err := tb.Due(context.Background(), q)
	return must(t, l, err)
}

// told writes a due list for comparing.
func told(l *tablet.DueList) string {
	var out []string
	for i := range l.Len() {
		d := l.At(i)
		out = append(out, fmt.Sprintf("%s %s %s %d %t", d.Name, d.RuleID, d.On, d.Days, d.Overdue))
	}
	return strings.Join(out, "\n")
}

func followUp(day int) string {
	return fmt.Sprintf(`{"service_date": %d, "classification": "FOLLOW_UP_RESULT_CONTROLLED"}`, day)
}

func TestWhatIsDueStandsOverdueFirst(t *testing.T) {
	tb, o := create(t) // it is 25 February 2026
	late := addResident(t, tb, strings.Replace(aMan, "王建国", "甲", 1)).ID
	soon := addResident(t, tb, strings.Replace(aMan, "王建国", "乙", 1)).ID
	gone := addResident(t, tb, strings.Replace(aMan, "王建国", "丙", 1))
	add(t, tb, "hypertension_follow_up", late, followUp(20251101)) // due 30 January
	add(t, tb, "hypertension_follow_up", soon, followUp(20251201)) // due 1 March
	_, err := tb.Void(gone.Form, "重复建档", "zhang")
	do(t, err)
	q := &tablet.DueQuery{Kind: "hypertension_follow_up"}
	if got := told(due(t, tb, q)); got != "甲 D.hypertension 2026-01-30 -26 true\n乙 D.hypertension 2026-03-01 4 false" {
		t.Fatalf("due:\n%s", got)
	}
	if d := due(t, tb, q).At(0); d.ResidentID != late || d.Division != village || !strings.Contains(d.ReasonZH, "高血压随访") || !strings.Contains(d.ReasonEN, "hypertension") {
		t.Errorf("%+v", d)
	}
	for _, test := range []struct {
		name string
		q    tablet.DueQuery
		want int
	}{
		{"until the day before", tablet.DueQuery{Until: "2026-02-28"}, 1},
		{"until the day itself", tablet.DueQuery{Until: "2026-03-01"}, 2},
		{"of one resident", tablet.DueQuery{ResidentID: soon}, 1},
		{"of the village", tablet.DueQuery{Division: village}, 2},
		{"of the county", tablet.DueQuery{Division: village[:6]}, 2},
		{"of another village", tablet.DueQuery{Division: "130403001002"}, 0},
	} {
		test.q.Kind = "hypertension_follow_up"
		if l := due(t, tb, &test.q); l.Len() != test.want {
			t.Errorf("%s: %d, want %d", test.name, l.Len(), test.want)
		}
	}
	if l := due(t, tb, &tablet.DueQuery{Kind: "hypertension_follow_up", Until: "2026-02-28"}); l.Later() != 1 || l.Residents() != 2 {
		t.Errorf("%d later, %d residents", l.Later(), l.Residents())
	}
	o.Clock.(*clock).ms += 5 * dayMs
	if got := told(due(t, tb, q)); !strings.Contains(got, "乙 D.hypertension 2026-03-01 -1 false") {
		t.Errorf("five days later:\n%s", got)
	}
	for reason, q := range map[string]tablet.DueQuery{
		"date": {Until: "2026-02-30"}, "division": {Division: "x"}, "unknown_kind": {Kind: "bogus"}, "id": {ResidentID: "x"},
	} {
		_, err := tb.Due(context.Background(), &q)
		wantReason(t, err, reason)
	}
	do(t, tb.Lock())
	_, err = tb.Due(context.Background(), q)
	wantReason(t, err, "locked")
}

// Whatever is saved between, what is kept in memory says the same as a tablet that begins anew.
func TestADueListKeptUpIsOneMadeAnew(t *testing.T) {
	const seed = 20260225
	rnd := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	tb, _ := create(t)
	var people []string
	for i := range 6 {
		people = append(people, addResident(t, tb, strings.Replace(aMan, "王建国", fmt.Sprint("人", i), 1)).ID)
	}
	for step := range 30 {
		one := people[rnd.IntN(len(people))]
		switch rnd.IntN(5) {
		case 0:
			r := get(t, tb, one)
			_, err := tb.Save(r.Form, strings.Replace(r.JSON, `"name": "人`, `"name": "人人`, 1), "zhang")
			do(t, err)
		case 1:
			r := get(t, tb, one)
			if r.Voided {
				_, err := tb.Restore(r.Form, "zhang")
				do(t, err)
			} else {
				_, err := tb.Void(r.Form, "x", "zhang")
				do(t, err)
			}
		case 2:
			other := people[rnd.IntN(len(people))]
			if other != one {
				link(t, tb, one, other)
			}
		default:
			add(t, tb, "hypertension_follow_up", one, followUp(20250101+rnd.IntN(12)*100+rnd.IntN(28)))
		}
		if step%3 != 0 {
			continue
		}
		kept := told(due(t, tb, nil))
		do(t, tb.Lock())
		_, err := tb.Unlock(secret)
		do(t, err)
		if fresh := told(due(t, tb, nil)); fresh != kept {
			t.Fatalf("step %d: kept\n%s\nanew\n%s", step, kept, fresh)
		}
	}
}

func link(t *testing.T, tb *tablet.Tablet, a, b string) {
	t.Helper()
	ida, err := record.ParseID(a)
	do(t, err)
	idb, err := record.ParseID(b)
	do(t, err)
	form := care.NewLink(ida, idb, &carev1.LinkRuling{State: carev1.LinkState_LINK_STATE_LINKED})
	text, err := protojson.Marshal(form)
	do(t, err)
	add(t, tb, "resident_link", "", string(text))
}

func TestLinkedResidentsAreOnePerson(t *testing.T) {
	tb, _ := create(t)
	a, b := addResident(t, tb, aMan).ID, addResident(t, tb, aMan).ID
	add(t, tb, "hypertension_follow_up", b, followUp(20260220))
	q := &tablet.DueQuery{Kind: "hypertension_follow_up", Until: "2026-03-31"}
	if got := told(due(t, tb, q)); got != "王建国 D.hypertension 2026-02-25 0 false" {
		t.Fatalf("apart:\n%s", got)
	}
	link(t, tb, b, a)
	if got := told(due(t, tb, q)); got != "" {
		t.Errorf("linked:\n%s", got)
	}
	q.Until = "2026-12-31"
	if l := due(t, tb, q); l.Len() != 1 || l.At(0).On != "2026-05-21" || l.Residents() != 1 {
		t.Errorf("linked:\n%s", told(l))
	}
}

func TestPromptsSayWhatToThinkOf(t *testing.T) {
	tb, _ := create(t)
	man := addResident(t, tb, aMan).ID
	visit := add(t, tb, "home_visit", man, `{"service_date": 20260110, "status": "FORM_STATUS_SUBMITTED", "blood_pressure": {"systolic_mmhg": 80, "diastolic_mmhg": 120}}`)
	_, err := tb.Review(get(t, tb, visit).Form, 2, tablet.ReviewReturn, "血压写反了", "li")
	do(t, err)
	l, err := tb.Prompts(man)
	must(t, l, err)
	var got []string
	for i := range l.Len() {
		p := l.At(i)
		got = append(got, fmt.Sprintf("%s %s %s", p.About, p.Kind, p.RuleID))
		if p.TextZH == "" || p.TextEN == "" {
			t.Errorf("says nothing: %+v", p)
		}
	}
	text := strings.Join(got, "\n")
	if l.At(0).About != tablet.PromptReturned || l.At(0).TextZH != "血压写反了" || l.At(0).RecordID != visit {
		t.Errorf("the returned form is not first:\n%s", text)
	}
	for _, want := range []string{"due hypertension_follow_up D.hypertension", "due contract D.contract_sign", "due checkup D.checkup_aged", "findings home_visit "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	_, err = tb.Prompts(visit)
	wantReason(t, err, "subject")
	found, err := tb.RecordFindings(visit)
	if f := must(t, found, err); f.Len() == 0 || f.At(0).RecordID != visit || f.At(0).Kind != "home_visit" {
		t.Errorf("%d findings", f.Len())
	}
	if all, err := tb.Findings(man); must(t, all, err).Len() < found.Len() {
		t.Error("the resident has less findings than the record")
	}
}

func TestLastValuesComeWithTheirDays(t *testing.T) {
	tb, _ := create(t)
	man := addResident(t, tb, aMan).ID
	add(t, tb, "hypertension_follow_up", man, `{"service_date": 20251101, "organisation_code": "C1", "heart_rate_per_min": 72, "body_size": {"height_cm_x10": 1700, "weight_kg_x10": 700},
		"medications": {"a": {"name": "硝苯地平"}}, "cigarettes_target_per_day": 5, "target_organ_damage": "无"}`)
	newest := add(t, tb, "hypertension_follow_up", man, `{"service_date": 20260120, "heart_rate_per_min": 80, "blood_pressure": {"systolic_mmhg": 150, "diastolic_mmhg": 95}}`)
	void := add(t, tb, "hypertension_follow_up", man, `{"service_date": 20260220, "heart_rate_per_min": 99}`)
	_, err := tb.Void(get(t, tb, void).Form, "x", "zhang")
	do(t, err)
	l, err := tb.Last(man, "hypertension_follow_up")
	must(t, l, err)
	byPath := map[string]*tablet.LastValue{}
	for i := range l.Len() {
		byPath[l.At(i).Path] = l.At(i)
	}
	if v := byPath["heart_rate_per_min"]; v == nil || v.TextZH != "80 /min" || v.On != "2026-01-20" || v.RecordID != newest || v.Carried {
		t.Errorf("heart rate %+v", v)
	}
	if v := byPath["medications"]; v == nil || !strings.Contains(v.TextZH, "硝苯地平") || v.On != "2025-11-01" || !v.Carried {
		t.Errorf("drugs %+v", v)
	}
	if byPath["service_date"] != nil || byPath["organisation_code"] != nil {
		t.Error("paperwork is among the last values")
	}
	text, err := tb.NewDocument(man, "hypertension_follow_up")
	d := fields(t, must(t, text, err))
	got := d["values"].(map[string]any)
	if d["kind"] != "hypertension_follow_up" || d["subject"] != man || d["division"] != village || got["service_date"] != float64(20260225) || got["organisation_code"] != "C1" {
		t.Errorf("document %s", text)
	}
	if size := got["body_size"].(map[string]any); size["height_cm_x10"] != float64(1700) || size["weight_kg_x10"] != nil {
		t.Errorf("body size %v", size)
	}
	if got["medications"] == nil || got["cigarettes_target_per_day"] != float64(5) {
		t.Errorf("drugs and aims are not carried over: %v", got)
	}
	for _, name := range []string{"heart_rate_per_min", "blood_pressure", "target_organ_damage", "classification"} {
		if got[name] != nil {
			t.Errorf("%s is carried over", name)
		}
	}
	saved, err := tb.SaveDocument(text, "zhang")
	if r := get(t, tb, must(t, saved, err).ID); r.SubjectID != man || r.Division != village {
		t.Errorf("saved %+v", r)
	}
	child := addResident(t, tb, `{"name": "小明", "birth_date": 20200101}`).ID
	add(t, tb, "home_visit", child, `{"service_date": 20260101, "body_size": {"height_cm_x10": 1100}}`)
	text, err = tb.NewDocument(child, "home_visit")
	if strings.Contains(must(t, text, err), "height") {
		t.Error("a child's height is carried over")
	}
	_, err = tb.Last(man, "household")
	wantReason(t, err, "unknown_kind")
}

// countyPack returns a county's pack as the JSON of its record.
func countyPack(t *testing.T, version string) (string, *rules.Pack) {
	t.Helper()
	pack, err := rulepack.Load(rules.Source{Name: "county", Text: []byte(`extends: "xunzhen" name: "长宁县" version: "` + version + `"
changes { id: "Q04" off: true source { document: "县卫健局" section: "1" mark: SOURCE_MARK_CONFIRMED } }`)})
	must(t, pack, err)
	form, err := pack.Record()
	must(t, form, err)
	text, err := protojson.Marshal(form)
	do(t, err)
	return string(text), pack
}

func rulesOf(t *testing.T, tb *tablet.Tablet) *tablet.Rules {
	t.Helper()
	s, err := tb.Status()
	return must(t, s, err).Rules
}

func TestTheCountysRulesAreWorkedByOnceTheyCame(t *testing.T) {
	tb, o := create(t)
	man := addResident(t, tb, aMan).ID
	odd := `{"service_date": 20260225, "blood_pressure": {"systolic_mmhg": 190, "diastolic_mmhg": 80}}`
	if r := rulesOf(t, tb); !r.BuiltIn || r.Name != "xunzhen" || len(r.Hash) != 8 {
		t.Errorf("rules %+v", r)
	}
	if found(checkNew(t, tb, "home_visit", man, odd).Findings(), "Q04") == nil {
		t.Fatal("the program's own pack does not find it")
	}
	text, pack := countyPack(t, "1")
	id := add(t, tb, "rule_pack", "", text)
	hash := pack.Hash()
	if found(checkNew(t, tb, "home_visit", man, odd).Findings(), "Q04") != nil {
		t.Error("the county's pack is not asked")
	}
	want := tablet.Rules{Name: pack.Name(), Version: pack.Version(), Hash: fmt.Sprintf("%x", hash[:4])}
	if r := rulesOf(t, tb); *r != want {
		t.Errorf("rules %+v, want %+v", r, want)
	}
	do(t, tb.Close())
	tb, err := tablet.OpenWith(o, "")
	must(t, tb, err)
	if r := rulesOf(t, tb); *r != want {
		t.Errorf("while locked %+v, want %+v", r, want)
	}
	_, err = tb.Unlock(secret)
	do(t, err)
	r := get(t, tb, id)
	_, err = tb.Save(r.Form, `{"rules": {"name": "长宁县", "version": "2", "content_sha256": "AAAA", "content_zstd": "AAAA"}}`, "zhang")
	do(t, err)
	if found(checkNew(t, tb, "home_visit", man, odd).Findings(), "Q04") == nil {
		t.Error("a pack that cannot be loaded is worked by")
	}
	s, err := tb.Status()
	if must(t, s, err); !s.Rules.Refused || !s.Rules.BuiltIn || !strings.Contains(warnings(s), tablet.WarnRules) {
		t.Errorf("%+v, warnings %s", s.Rules, warnings(s))
	}
	do(t, tb.Close())
}

// What came with a sync is named while the tablet is locked, though nobody looked at a
// form in between.
func TestALockedTabletNamesTheRulesThatCame(t *testing.T) {
	tb, _ := create(t)
	text, pack := countyPack(t, "3")
	add(t, tb, "rule_pack", "", text)
	tb.CameIn(t.Context())
	do(t, tb.Lock())
	if r := rulesOf(t, tb); r.Name != pack.Name() || r.Version != "3" || r.BuiltIn {
		t.Errorf("rules %+v", r)
	}
}

func warnings(s *tablet.Status) string {
	var all []string
	for i := range s.Warnings().Len() {
		all = append(all, s.Warnings().At(i))
	}
	return strings.Join(all, " ")
}

func TestStoppingADueListLosesNothing(t *testing.T) {
	tb, _ := create(t)
	addResident(t, tb, aMan)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := tb.Due(ctx, nil)
	wantReason(t, err, "stopped")
	if due(t, tb, nil).Len() == 0 {
		t.Error("nothing is due after a list that was stopped")
	}
}

// Evaluating a township takes seconds, not minutes; what is in memory takes next to nothing.
func TestADueListOfManyIsQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	const residents, each = 150, 13
	tb, _ := create(t)
	for i := range residents {
		man := addResident(t, tb, strings.Replace(aMan, "王建国", fmt.Sprint("人", i), 1)).ID
		for j := range each {
			add(t, tb, "hypertension_follow_up", man, followUp(20230101+j/4*10000+j%4*300))
		}
	}
	_, err := tb.Rules()
	do(t, err)
	if _, err := tb.CheckNew("home_visit", due(t, tb, &tablet.DueQuery{}).At(0).ResidentID, village, `{}`); err != nil {
		t.Fatal(err)
	}
	do(t, tb.Lock())
	_, err = tb.Unlock(secret)
	do(t, err)
	began := time.Now()
	first := due(t, tb, nil)
	once := time.Since(began)
	began = time.Now()
	again := due(t, tb, nil)
	twice := time.Since(began)
	t.Logf("%d residents of %d records: %v, which is %v for 1,000; again %v", residents, each+1, once, once*1000/residents, twice)
	if first.Len() != again.Len() || first.Residents() != residents {
		t.Errorf("%d, then %d of %d residents", first.Len(), again.Len(), first.Residents())
	}
	if once > 20*time.Second {
		t.Errorf("%v for %d residents", once, residents)
	}
}

// While people save and lists are made side by side, nothing that was evaluated before a
// save is shown after it.
func TestListsMadeWhilePeopleSaveEndUpRight(t *testing.T) {
	tb, _ := create(t)
	var people []string
	for i := range 4 {
		people = append(people, addResident(t, tb, strings.Replace(aMan, "王建国", fmt.Sprint("人", i), 1)).ID)
	}
	errs := make(chan error, 64)
	var all sync.WaitGroup
	at := func(f func(i int) error) {
		all.Go(func() {
			for i := range 8 {
				if err := f(i); err != nil {
					errs <- err
				}
			}
		})
	}
	at(func(i int) error {
		_, err := tb.Add("hypertension_follow_up", people[i%4], village, followUp(20250101+i*100), "zhang")
		return err
	})
	at(func(int) error { _, err := tb.Due(context.Background(), nil); return err })
	at(func(i int) error { _, err := tb.Prompts(people[i%4]); return err })
	at(func(i int) error {
		_, err := tb.PullFindings(context.Background(), &finder{pages: []*officev1.PullFindingsResponse{page("c", false, about(t, people[i%4], people[i%4], false, fmt.Sprint(i)))}})
		return err
	})
	at(func(int) error { _, err := tb.Findings(""); return err })
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	kept, found := told(due(t, tb, nil)), centreFound(t, tb)
	do(t, tb.Lock())
	_, err := tb.Unlock(secret)
	do(t, err)
	if fresh := told(due(t, tb, nil)); fresh != kept {
		t.Errorf("kept\n%s\nanew\n%s", kept, fresh)
	}
	if fresh := centreFound(t, tb); fresh != found || len(strings.Fields(found)) != 4 {
		t.Errorf("found %s, anew %s", found, fresh)
	}
}
