// SPDX-License-Identifier: Apache-2.0

package supervision_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	law "github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	aged       = carev1.PopulationCode_POPULATION_CODE_AGED
	hypertense = carev1.PopulationCode_POPULATION_CODE_HYPERTENSION
	mental     = carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL
)

// populated has 12 people in one village, 6 in another and 4 elsewhere.
func populated(t *testing.T) (*world, []record.ID) {
	w := newWorld(t)
	var ids []record.ID
	for i := range 22 {
		division, doctor := village, "wang"
		switch {
		case i >= 18:
			division, doctor = elsewhere, "sun"
		case i >= 12:
			division, doctor = village2, "zhao"
		}
		tags := []carev1.PopulationCode{hypertense}
		if i%3 == 0 {
			tags = []carev1.PopulationCode{aged}
		}
		id := w.resident(i, division, doctor, tags...)
		if i%3 != 0 {
			w.visit(id, division, doctor, 20260110)
		}
		ids = append(ids, id)
	}
	return w, ids
}

func roundOf(plan *carev1.SupervisionPlan) *carev1.SupervisionRound {
	return &carev1.SupervisionRound{
		Code: "2026Q1", Title: "第一季度督导", OwnerId: "chen", OrganisationCode: "130403",
		Plan: plan, SeedSource: &carev1.SeedSource{Method: carev1.SeedMethod_SEED_METHOD_PUBLIC_TEXT, Named: "双色球 2026025 期", KnownOn: 20260305},
	}
}

func villageRound() *carev1.SupervisionRound {
	return roundOf(law.VillageRound(20260101, 20260331, "130403001"))
}

func (w *world) announce(r *carev1.SupervisionRound) supervision.Announced {
	w.t.Helper()
	a, problems, err := w.Announce(w.t.Context(), "chen", r, false)
	if err != nil || len(problems) > 0 {
		w.t.Fatal(problems, err)
	}
	return a
}

// drawn announces and draws.
func (w *world) drawn(r *carev1.SupervisionRound) (record.ID, supervision.Drawn) {
	w.t.Helper()
	a := w.announce(r)
	w.now = w.now.AddDate(0, 0, 4)
	d, problems, err := w.Draw(w.t.Context(), "chen", a.ID, supervision.Known{Text: "03 07 12 19 25 31 + 08", Frame: nil, Dry: false}, everything)
	if err != nil || len(problems) > 0 {
		w.t.Fatal(problems, err)
	}
	return a.ID, d
}

func codes(problems []supervision.Problem) (out []string) {
	for _, p := range problems {
		out = append(out, p.Code)
	}
	return out
}

func TestARoundIsAnnouncedBeforeItsSeedAndDrawnByIt(t *testing.T) {
	w, ids := populated(t)
	a := w.announce(villageRound())
	if a.Frame.Persons() != 18 || a.Round.GetFrame().GetLines() != int32(a.Frame.Lines()) || len(a.Strata) != 6 {
		t.Fatalf("%d people, %d lines, %v", a.Frame.Persons(), a.Frame.Lines(), a.Strata)
	}
	if _, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "03 07 12 19 25 31", Frame: nil, Dry: false}, everything); err != nil || !slices.Equal(codes(problems), []string{"too_early"}) {
		t.Fatal(problems, err)
	}
	before := w.Size()
	// People change meanwhile: the frame is the one that was announced.
	w.resident(80, village, "wang", hypertense)
	w.now = w.now.AddDate(0, 0, 3)
	text := " ０3 07 12 19 25 31 + 08 "
	dry, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: text, Frame: nil, Dry: true}, everything)
	if err != nil || len(problems) > 0 || len(dry.Sample) != 5+5+5+5+5+5 || w.Size() != before+1 {
		t.Fatal(len(dry.Sample), problems, err)
	}
	d, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: text, Frame: nil, Dry: false}, everything)
	if err != nil || len(problems) > 0 || law.SampleDigest(d.Sample) != [32]byte(d.Round.GetDraw().GetSha256()) {
		t.Fatal(problems, err)
	}
	want := law.Draw(must(law.SeedOfText(a.ID, a.Frame.Digest(), "03 07 12 19 25 31 + 08")), a.Frame, a.Round.GetPlan())
	if !slices.Equal(want, d.Sample) {
		t.Fatal("another sample than anybody draws from the frame")
	}
	for _, one := range d.Sample {
		id := law.VerificationID(a.ID, one.Stratum, one.ID)
		view, err := w.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got := view.Row.Divisions; len(got) != 1 || got[0] != "130403001000" {
			t.Fatalf("a check is sent to %v: doctors' tablets would show who will be called", got)
		}
		if subject, _ := view.State.Subject(); subject != one.ID || !slices.Contains(ids, subject) {
			t.Fatalf("a check about %s", subject)
		}
	}
	size := w.Size()
	again, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "03 07 12 19 25 31 + 08", Frame: nil, Dry: false}, everything)
	if err != nil || len(problems) > 0 || !again.Before || w.Size() != size {
		t.Fatal("drawn twice", problems, err)
	}
	if _, problems, err = w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "99 07 12 19 25 31", Frame: nil, Dry: false}, everything); err != nil || !slices.Equal(codes(problems), []string{"drawn"}) {
		t.Fatal("drawn to taste", problems, err)
	}
	if _, problems, err = w.Announce(t.Context(), "chen", villageRound(), false); err != nil || !slices.Contains(codes(problems), "drawn") {
		t.Fatal("announced again after the draw", problems, err)
	}
	rounds, next, err := w.Rounds(t.Context(), everything, nil, 10)
	if err != nil || len(rounds) != 1 || next != nil || rounds[0].Tally.Drawn != 30 || rounds[0].Round.GetDraw() == nil {
		t.Fatalf("%+v %v", rounds, err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestALedgersRootGivesASeedWhenTheLedgerHasGrown(t *testing.T) {
	w, _ := populated(t)
	r := villageRound()
	r.SeedSource = &carev1.SeedSource{Method: carev1.SeedMethod_SEED_METHOD_LEDGER}
	a := w.announce(r)
	at := a.Round.GetSeedSource().GetLedgerSize()
	if at < int64(w.Size())+60 {
		t.Fatalf("at %d, the ledger has %d", at, w.Size())
	}
	if _, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "", Frame: nil, Dry: false}, everything); err != nil || !slices.Equal(codes(problems), []string{"too_short"}) {
		t.Fatal(problems, err)
	}
	if _, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "some text", Frame: nil, Dry: false}, everything); err != nil || !slices.Equal(codes(problems), []string{"no_text"}) {
		t.Fatal(problems, err)
	}
	for n := 30; int64(w.Size()) < at+3; n++ {
		w.resident(n%90, elsewhere, "sun")
	}
	one, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "", Frame: nil, Dry: true}, everything)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	w.resident(91, elsewhere, "sun") // the ledger grows on: its root at that size stays
	two, _, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "", Frame: nil, Dry: false}, everything)
	if err != nil || !proto.Equal(one.Round, two.Round) || len(two.Round.GetDraw().GetLedgerRootSha256()) != 32 {
		t.Fatal(err, one.Round, two.Round)
	}
}

func TestAFrameThatWasLostIsGivenByWhoeverHasItAndNoOther(t *testing.T) {
	w, _ := populated(t)
	a := w.announce(villageRound())
	w.now = w.now.AddDate(0, 0, 4)
	text, problems, err := w.Frame(t.Context(), a.ID, everything)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	if err := os.RemoveAll(w.frames.Dir); err != nil {
		t.Fatal(err)
	}
	if _, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "03 07 12 19", Frame: nil, Dry: false}, everything); err != nil || !slices.Equal(codes(problems), []string{"frame_lost"}) {
		t.Fatal(problems, err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	fewer := bytes.Join(lines[:len(lines)-2], nil)
	if _, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "03 07 12 19", Frame: fewer, Dry: false}, everything); err != nil || !slices.Equal(codes(problems), []string{"frame_other"}) {
		t.Fatal(problems, err)
	}
	if d, problems, err := w.Draw(t.Context(), "chen", a.ID, supervision.Known{Text: "03 07 12 19", Frame: text, Dry: false}, everything); err != nil || len(problems) > 0 || len(d.Sample) != 30 {
		t.Fatal(problems, err)
	}
}

func TestAnAnnouncementStandsOnceItsSeedCouldBeKnown(t *testing.T) {
	w, _ := populated(t)
	w.announce(villageRound())
	later := villageRound()
	later.Plan.Strata = later.Plan.Strata[:1]
	if a := w.announce(later); len(a.Strata) != 2 {
		t.Fatalf("%v", a.Strata)
	}
	w.now = w.now.AddDate(0, 0, 3) // the day on which the text is known
	later.SeedSource.KnownOn = 20260401
	if _, problems, err := w.Announce(t.Context(), "chen", later, false); err != nil || !slices.Equal(codes(problems), []string{"fixed"}) {
		t.Fatal(problems, err)
	}
}

func TestWhatCannotBeAnnouncedIsRefusedAndNothingIsSaved(t *testing.T) {
	w, _ := populated(t)
	for name, one := range map[string]struct {
		spoil func(*carev1.SupervisionRound)
		code  string
	}{
		"no code":              {func(r *carev1.SupervisionRound) { r.Code = "" }, "code"},
		"no owner":             {func(r *carev1.SupervisionRound) { r.OwnerId = "" }, "owner"},
		"no plan":              {func(r *carev1.SupervisionRound) { r.Plan = nil }, "plan"},
		"another county":       {func(r *carev1.SupervisionRound) { r.Plan.Divisions = []string{"110101"} }, "division"},
		"a seed known today":   {func(r *carev1.SupervisionRound) { r.SeedSource.KnownOn = 20260302 }, "known_on"},
		"a seed without a day": {func(r *carev1.SupervisionRound) { r.SeedSource.KnownOn = 0 }, "known_on"},
		"a text nobody named":  {func(r *carev1.SupervisionRound) { r.SeedSource.Named = " " }, "named"},
		"no source":            {func(r *carev1.SupervisionRound) { r.SeedSource = nil }, "method"},
		"a size too near": {func(r *carev1.SupervisionRound) {
			r.SeedSource = &carev1.SeedSource{Method: 2, LedgerSize: proto.Int64(40)}
		}, "ledger_size"},
		"a village of nobody":    {func(r *carev1.SupervisionRound) { r.Plan.Divisions = []string{"130403009"} }, "nobody"},
		"a title without end":    {func(r *carev1.SupervisionRound) { r.Title = string(bytes.Repeat([]byte("x"), 101)) }, "title"},
		"a choice of the digest": {func(r *carev1.SupervisionRound) { r.Plan.Strata[0].Size = nil }, "plan"},
	} {
		t.Run(name, func(t *testing.T) {
			r, size := villageRound(), w.Size()
			one.spoil(r)
			_, problems, err := w.Announce(t.Context(), "chen", r, false)
			if err != nil || !slices.Contains(codes(problems), one.code) || w.Size() != size {
				t.Errorf("%v %v", problems, err)
			}
		})
	}
	size := w.Size()
	if a, problems, err := w.Announce(t.Context(), "chen", villageRound(), true); err != nil || len(problems) > 0 || len(a.Strata) != 6 || w.Size() != size {
		t.Error("a dry run saves", problems, err)
	}
}

func TestCallSheetsSayWhatTheRecordsSay(t *testing.T) {
	w, _ := populated(t)
	id, _ := w.drawn(roundOf(&carev1.SupervisionPlan{
		FromOn: 20260101, ToOn: 20260331, Divisions: []string{"130403"},
		Strata: []*carev1.SupervisionStratum{{Group: 1, Unit: 4, Size: proto.Int32(3)}, {Group: 10, Unit: 3, Size: proto.Int32(2)}},
	}))
	var all []supervision.Sheet
	for after := (supervision.SheetPlace{}); ; {
		page, next, err := w.Sheets(t.Context(), supervision.SheetQuery{Round: id}, everything, after, 4)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if next == nil {
			break
		}
		after = *next
	}
	if len(all) != 3*3+2*3-1 && len(all) != 15 && len(all) != 14 {
		t.Fatalf("%d sheets", len(all))
	}
	for _, s := range all {
		if s.Name == "" || !bytes.Contains([]byte(s.Phone), []byte("****")) || len(s.Questions) == 0 || s.Form.GetStatus() != carev1.FormStatus_FORM_STATUS_DRAFT {
			t.Errorf("%+v", s)
		}
		if s.Stratum.Group() == 1 && !slices.ContainsFunc(s.Questions, func(q law.Question) bool {
			return q.ID == "truth.blood_pressure_told" && q.SaysEN == "138/84 mmHg"
		}) {
			t.Errorf("%s: %+v", s.Stratum, s.Questions)
		}
	}
	whole, _, err := w.Sheets(t.Context(), supervision.SheetQuery{Round: id, Whole: true, Doctor: "sun"}, everything, supervision.SheetPlace{}, 50)
	if err != nil || len(whole) == 0 || len(whole[0].Phone) != 11 || bytes.ContainsRune([]byte(whole[0].Phone), '*') {
		t.Errorf("%+v %v", whole, err)
	}
	masked := supervision.Sight{Divisions: []record.Division{""}, Masked: true}
	if hidden, _, err := w.Sheets(t.Context(), supervision.SheetQuery{Round: id, Whole: true}, masked, supervision.SheetPlace{}, 1); err != nil || !bytes.ContainsRune([]byte(hidden[0].Phone), '*') {
		t.Errorf("who may not see numbers whole has them: %+v %v", hidden, err)
	}
	if none, _, err := w.Sheets(t.Context(), supervision.SheetQuery{Round: id}, supervision.Sight{Divisions: []record.Division{"130403001001"}}, supervision.SheetPlace{}, 50); err != nil || len(none) != 0 {
		t.Errorf("a village sees who will be called: %d %v", len(none), err)
	}
	if one, _, err := w.Sheets(t.Context(), supervision.SheetQuery{Round: id, Check: all[2].ID}, everything, supervision.SheetPlace{}, 50); err != nil || len(one) != 1 || one[0].ID != all[2].ID {
		t.Errorf("%v %v", one, err)
	}
}

func accepted(truth *carev1.VerificationTruth) *carev1.Verification {
	return &carev1.Verification{Mode: 1, CallResult: 6, Respondent: 1, Truth: truth}
}

func TestResultsAreRecordedAllOrNoneAndCounted(t *testing.T) {
	w, _ := populated(t)
	id, d := w.drawn(roundOf(&carev1.SupervisionPlan{
		FromOn: 20260101, ToOn: 20260331, Divisions: []string{"130403"}, Strata: []*carev1.SupervisionStratum{{Group: 1, Unit: 3, Size: proto.Int32(2)}},
	}))
	if len(d.Sample) != 6 {
		t.Fatal(len(d.Sample))
	}
	var ids []record.ID
	for _, one := range d.Sample {
		ids = append(ids, law.VerificationID(id, one.Stratum, one.ID))
	}
	how := supervision.Recording{Author: "chen", Accept: true}
	yes, no := carev1.VerificationAnswer(1), carev1.VerificationAnswer(2)
	results := []supervision.Result{
		{ids[0], accepted(&carev1.VerificationTruth{Diagnosed: yes, FaceToFaceThisYear: yes})},
		{ids[1], accepted(&carev1.VerificationTruth{Diagnosed: yes, FaceToFaceThisYear: no})},
		{ids[2], &carev1.Verification{Mode: 1, CallResult: 5}},
		{ids[3], &carev1.Verification{Mode: 1, CallResult: 3}},
		{ids[4], &carev1.Verification{Mode: 2, Contact: 2}},
	}
	size := w.Size()
	bad := append(slices.Clone(results), supervision.Result{ids[5], &carev1.Verification{Mode: 1}})
	if _, problems, err := w.Record(t.Context(), how, bad, everything); err != nil || !slices.Contains(codes(problems), "call_result") || w.Size() != size {
		t.Fatal("half of it was saved", problems, err)
	}
	out, problems, err := w.Record(t.Context(), how, results, everything)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	if f := out[1].Form; f.GetTruthVerdict() != 2 || f.GetUntrueReason() == "" || f.GetDoctorId() != "chen" || len(f.GetAttempts()) != 1 || f.GetServiceDate() != 20260306 {
		t.Errorf("%v", f)
	}
	if out[2].Form.GetContact() != 3 || out[3].Form.GetContact() != 4 || out[2].Form.GetTruthVerdict() != 0 {
		t.Errorf("%v %v", out[2].Form, out[3].Form)
	}
	r, err := w.Results(t.Context(), id, supervision.ByVillage, "", everything)
	if err != nil || r.Total.Drawn != 6 || r.Total.Lost != 3 || r.Total.True != 1 || r.Total.Untrue != 1 || len(r.Units) != 3 || r.Total.Reached != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	if r.Units[0].Place != 1 || r.Units[0].Unit == "" || r.Units[2].Tally.Truth().Among > r.Units[0].Tally.Truth().Among {
		t.Errorf("%+v", r.Units)
	}
	rates, err := w.TruthRates(t.Context(), 20260101, 20261231, supervision.ByTownship, everything)
	if err != nil || rates["130403001"].Drawn != 4 || rates["130403002"].Drawn != 2 {
		t.Errorf("%+v %v", rates, err)
	}
	// Recorded once more, with other answers: the proposal follows, the earlier attempt stays.
	again, problems, err := w.Record(t.Context(), how, []supervision.Result{{ids[1], accepted(&carev1.VerificationTruth{FaceToFaceThisYear: yes})}}, everything)
	if err != nil || len(problems) > 0 || again[0].Form.GetTruthVerdict() != 1 || again[0].Form.GetUntrueReason() != "" || len(again[0].Form.GetAttempts()) != 2 {
		t.Errorf("%v %v %v", again, problems, err)
	}
}

func TestAResultThatCannotBeIsRefused(t *testing.T) {
	w, ids := populated(t)
	id, d := w.drawn(villageRound())
	check := law.VerificationID(id, d.Sample[0].Stratum, d.Sample[0].ID)
	for name, one := range map[string]struct {
		id   record.ID
		form *carev1.Verification
		code string
	}{
		"answers of nobody":       {check, &carev1.Verification{Mode: 1, CallResult: 5, Truth: &carev1.VerificationTruth{Diagnosed: 1}}, "answers"},
		"accepted without a line": {check, &carev1.Verification{Mode: 1, CallResult: 5, Contact: 1, Respondent: 1}, "contact_call"},
		"no mode":                 {check, &carev1.Verification{Contact: 3}, "mode"},
		"no respondent":           {check, &carev1.Verification{Mode: 1, CallResult: 6}, "respondent"},
		"a day to come":           {check, &carev1.Verification{Mode: 1, CallResult: 5, ServiceDate: 20270101}, "service_date"},
		"a code that is none":     {check, &carev1.Verification{Mode: 7, CallResult: 5}, "mode"},
		"by who is checked":       {check, &carev1.Verification{Mode: 1, CallResult: 5, DoctorId: "wang"}, "own_doctor"},
		"untrue for no reason":    {check, &carev1.Verification{Mode: 1, CallResult: 6, Respondent: 1, TruthVerdict: 2}, "untrue_reason"},
		"of somebody not drawn":   {law.VerificationID(id, "8/*", ids[0]), &carev1.Verification{Mode: 1, CallResult: 5}, "no_check"},
		"of a record of a visit":  {record.DerivedID(18, nil), &carev1.Verification{Mode: 1, CallResult: 5}, "no_check"},
	} {
		t.Run(name, func(t *testing.T) {
			size := w.Size()
			_, problems, err := w.Record(t.Context(), supervision.Recording{Author: "chen"}, []supervision.Result{{one.id, one.form}}, everything)
			if err != nil || !slices.Contains(codes(problems), one.code) || w.Size() != size {
				t.Errorf("%v %v", problems, err)
			}
		})
	}
	twice := []supervision.Result{{check, &carev1.Verification{Mode: 1, CallResult: 5}}, {check, &carev1.Verification{Mode: 1, CallResult: 3}}}
	if _, problems, err := w.Record(t.Context(), supervision.Recording{Author: "chen"}, twice, everything); err != nil || !slices.Equal(codes(problems), []string{"twice"}) {
		t.Error(problems, err)
	}
	if _, problems, err := w.Record(t.Context(), supervision.Recording{Author: "chen"}, twice[:1], supervision.Sight{Divisions: []record.Division{elsewhere}}); err != nil || !slices.Equal(codes(problems), []string{"no_check"}) {
		t.Error("recorded by who does not see it", problems, err)
	}
}

func TestWhoIsInCareAndOfWhichGroups(t *testing.T) {
	w := newWorld(t)
	here, dead, gone, back, ill := w.resident(1, village, "wang", aged, hypertense), w.resident(2, village, "wang"), w.resident(3, village, "wang"), w.resident(4, village, ""), w.resident(5, village, "wang", mental)
	event := func(id record.ID, typ carev1.VitalEventType, on int32) {
		w.put(record.ID{}, 42, &carev1.VitalEvent{EventDate: on, Type: typ}, village, id)
	}
	event(dead, carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH, 20260301)
	event(gone, carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT, 20260101)
	event(back, carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT, 20250101)
	event(back, carev1.VitalEventType_VITAL_EVENT_TYPE_RETURNED, 20250601)
	r := roundOf(&carev1.SupervisionPlan{FromOn: 20260101, ToOn: 20260331, Divisions: []string{"130403"}, Strata: []*carev1.SupervisionStratum{
		{Group: 8, Unit: 1, Size: proto.Int32(9)}, {Group: 1, Unit: 1, Size: proto.Int32(9)}, {Group: 4, Unit: 1, Size: proto.Int32(9)}, {Group: 10, Unit: 1, Size: proto.Int32(9)},
	}})
	a := w.announce(r)
	for s, want := range map[law.Stratum][]record.ID{"8/*": {here, back, ill}, "1/*": {here}, "4/*": {here}, "10/*": {here}} {
		if !same(a.Frame.Strata[s], want) {
			t.Errorf("%s: %v, want %v", s, a.Frame.Strata[s], want)
		}
	}
	counts, err := w.Eligible(t.Context(), aged, "130403")
	if err != nil || len(counts) != 1 || counts[0].Doctor != "wang" || counts[0].Eligible != 1 || counts[0].Village != village {
		t.Errorf("%+v %v", counts, err)
	}
	if all, err := w.Eligible(t.Context(), carev1.PopulationCode_POPULATION_CODE_GENERAL, "130403"); err != nil || len(all) != 2 || all[0].Doctor != "" || all[1].Eligible != 2 {
		t.Errorf("%+v %v", all, err)
	}
	for g := carev1.SupervisionGroup(1); g <= 8; g++ {
		if a, b := g.String(), carev1.VerificationPopulation(g).String(); a[len("SUPERVISION_GROUP"):] != b[len("VERIFICATION_POPULATION"):] {
			t.Errorf("%s has the number of %s", a, b)
		}
	}
}
