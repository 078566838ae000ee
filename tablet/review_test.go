// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

// addVisit saves a submitted home visit.
func addVisit(t *testing.T, tb *tablet.Tablet) string {
	t.Helper()
	who := addResident(t, tb, `{"name": "王建国"}`)
	s, err := tb.Add("home_visit", who.ID, village, `{"service_date": 20260301, "status": "FORM_STATUS_SUBMITTED"}`, "zhang")
	return must(t, s, err).ID
}

// review saves what a level says of a record as it is now.
func review(t *testing.T, tb *tablet.Tablet, id string, level int, verdict, reason string) {
	t.Helper()
	s, err := tb.Review(get(t, tb, id).Form, level, verdict, reason, "zhao")
	must(t, s, err)
}

func wantStage(t *testing.T, tb *tablet.Tablet, id, stage string, level int, reason string) {
	t.Helper()
	if r := get(t, tb, id); r.Stage != stage || r.Level != level || r.ReturnReason != reason {
		t.Fatalf("it is %s at %d for %q, want %s at %d for %q", r.Stage, r.Level, r.ReturnReason, stage, level, reason)
	}
}

func status(t *testing.T, tb *tablet.Tablet) *tablet.Status {
	t.Helper()
	s, err := tb.Status()
	return must(t, s, err)
}

func wantReturned(t *testing.T, tb *tablet.Tablet, ids ...string) {
	t.Helper()
	if s := status(t, tb); s.Returned != len(ids) || s.ReturnedBehind {
		t.Fatalf("%d returned (behind %t), want %d", s.Returned, s.ReturnedBehind, len(ids))
	}
	l, err := tb.List(&tablet.Query{ReturnedOnly: true})
	if must(t, l, err).Len() != len(ids) {
		t.Fatalf("%d listed, want %d", l.Len(), len(ids))
	}
	for i, id := range ids {
		if l.At(i).ID != id {
			t.Fatalf("%s is listed, want %s", l.At(i).ID, id)
		}
	}
}

func TestAReturnedFormIsCountedListedAndCorrected(t *testing.T) {
	tb, o := create(t)
	id, other := addVisit(t, tb), addVisit(t, tb)
	wantStage(t, tb, id, "submitted", 0, "")
	wantReturned(t, tb)
	review(t, tb, id, 1, tablet.ReviewCheck, "")
	wantStage(t, tb, id, "checked", 1, "")
	review(t, tb, id, 2, tablet.ReviewReturn, "the pulse is missing")
	wantStage(t, tb, id, "returned", 2, "the pulse is missing")
	review(t, tb, other, 3, tablet.ReviewReturn, "the date is wrong")
	wantReturned(t, tb, id, other)
	if s := status(t, tb); s.ReturnedBy(2) != 1 || s.ReturnedBy(3) != 1 || s.ReturnedBy(1) != 0 || !strings.Contains(all(s.Warnings()), tablet.WarnReturned) {
		t.Errorf("by level %d %d %d, warnings %s", s.ReturnedBy(1), s.ReturnedBy(2), s.ReturnedBy(3), all(s.Warnings()))
	}
	r := get(t, tb, id)
	s, err := tb.Correct(r.Form, strings.Replace(r.JSON, `"service_date"`, `"pulse_per_min": 72, "service_date"`, 1), 2, "measured again", "zhang")
	must(t, s, err)
	wantStage(t, tb, id, "corrected", 2, "the pulse is missing")
	wantReturned(t, tb, other)
	entry := fields(t, get(t, tb, id).JSON)["reviews"].(map[string]any)["2"].(map[string]any)
	if entry["reviewer_id"] != "zhao" || entry["corrected_by_id"] != "zhang" || entry["answer"] != "measured again" {
		t.Errorf("the entry says %v", entry)
	}
	review(t, tb, id, 2, tablet.ReviewCheck, "")
	wantStage(t, tb, id, "checked", 2, "")
	review(t, tb, other, 3, tablet.ReviewCancel, "")
	wantReturned(t, tb)
	again := reopen(t, tb, o)
	wantReturned(t, again)
}

// all returns a list as one text.
func all(l *tablet.Strings) string {
	var out []string
	for i := range l.Len() {
		out = append(out, l.At(i))
	}
	return strings.Join(out, " ")
}

// reopen closes a tablet and opens it again.
func reopen(t *testing.T, tb *tablet.Tablet, o *tablet.Options) *tablet.Tablet {
	t.Helper()
	do(t, tb.Close())
	again, err := tablet.OpenWith(o, secret)
	must(t, again, err)
	t.Cleanup(func() { again.Close() })
	return again
}

func TestALockedTabletSaysWhatWasReturned(t *testing.T) {
	tb, _ := create(t)
	id := addVisit(t, tb)
	if s := status(t, tb); s.Returned != 0 || s.ReturnedBehind {
		t.Fatalf("%+v", s)
	}
	review(t, tb, id, 1, tablet.ReviewReturn, "the pulse is missing")
	do(t, tb.Lock())
	if s := status(t, tb); s.Returned != 1 || s.ReturnedBy(1) != 1 || s.ReturnedBehind {
		t.Errorf("%d returned, by the team %d, behind %t", s.Returned, s.ReturnedBy(1), s.ReturnedBehind)
	}
}

func TestALockedTabletThatNeverLookedSaysSo(t *testing.T) {
	tb, _ := create(t)
	addVisit(t, tb)
	do(t, tb.Lock())
	if s := status(t, tb); s.Returned != 0 || !s.ReturnedBehind {
		t.Errorf("%d returned, behind %t", s.Returned, s.ReturnedBehind)
	}
}

func TestAVoidFormWaitsForNoCorrection(t *testing.T) {
	tb, _ := create(t)
	id := addVisit(t, tb)
	review(t, tb, id, 1, tablet.ReviewReturn, "the pulse is missing")
	wantReturned(t, tb, id)
	s, err := tb.Void(get(t, tb, id).Form, "saved by mistake", "zhang")
	must(t, s, err)
	wantReturned(t, tb)
	s, err = tb.Restore(get(t, tb, id).Form, "zhang")
	must(t, s, err)
	wantReturned(t, tb, id)
}

func TestTheListOfWhatWasReturnedKeepsItsLimit(t *testing.T) {
	tb, _ := create(t)
	for range 3 {
		review(t, tb, addVisit(t, tb), 1, tablet.ReviewReturn, "again")
	}
	for limit, want := range map[int]int{0: 3, 1: 1, 2: 2, 3: 3, 4: 3} {
		l, err := tb.List(&tablet.Query{ReturnedOnly: true, Kind: "home_visit", Limit: limit})
		if must(t, l, err).Len() != want {
			t.Errorf("limit %d: %d", limit, l.Len())
		}
	}
	if l, err := tb.List(&tablet.Query{ReturnedOnly: true, Kind: "resident"}); must(t, l, err).Len() != 0 {
		t.Errorf("%d residents", l.Len())
	}
}

func TestAReviewThatCannotBeIsRefused(t *testing.T) {
	tb, _ := create(t)
	id := addVisit(t, tb)
	r := get(t, tb, id)
	for name, c := range map[string]struct {
		level           int
		verdict, reason string
		want            string
	}{
		"level 0":           {0, tablet.ReviewCheck, "", "review_level"},
		"level 4":           {4, tablet.ReviewCheck, "", "review_level"},
		"no reason":         {1, tablet.ReviewReturn, "", "review_reason"},
		"too long a reason": {1, tablet.ReviewReturn, strings.Repeat("错", 501), "review_reason"},
		"no such verdict":   {1, "praise", "", "path"},
	} {
		_, err := tb.Review(r.Form, c.level, c.verdict, c.reason, "zhao")
		if tablet.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	_, err := tb.Correct(r.Form, r.JSON, 1, "", "zhang")
	wantReason(t, err, "not_returned")
	_, err = tb.Correct(r.Form, "{", 1, "", "zhang")
	wantReason(t, err, "json")
	_, err = tb.Review("x", 1, tablet.ReviewCheck, "", "zhao")
	wantReason(t, err, "form")
	wantStage(t, tb, id, "submitted", 0, "")
}

// A level is what its key says: it is not drawn like the keys of other entries, and no
// other is taken.
func TestTheKeyOfAReviewIsItsLevel(t *testing.T) {
	tb, _ := create(t)
	r := get(t, tb, addVisit(t, tb))
	with := func(key string) string {
		return strings.Replace(r.JSON, `"service_date"`, `"reviews": {"`+key+`": {"state": "REVIEW_STATE_CHECKED"}}, "service_date"`, 1)
	}
	s, err := tb.Save(r.Form, with("1"), "zhao")
	must(t, s, err)
	wantStage(t, tb, r.ID, "checked", 1, "")
	_, err = tb.Save(r.Form, with("4"), "zhao")
	wantReason(t, err, "json")
}

// Who edits a form and leaves out what others said of it takes none of that back.
func TestAReviewIsNotTakenBackByLeavingItOut(t *testing.T) {
	tb, _ := create(t)
	id := addVisit(t, tb)
	review(t, tb, id, 2, tablet.ReviewReturn, "the pulse is missing")
	form := get(t, tb, id).Form
	s, err := tb.Save(form, `{"service_date": 20260302, "status": "FORM_STATUS_SUBMITTED"}`, "zhang")
	must(t, s, err)
	wantStage(t, tb, id, "returned", 2, "the pulse is missing")
	_, err = tb.Save(get(t, tb, id).Form, `{"service_date": 20260302, "status": "FORM_STATUS_SUBMITTED"}`, "zhang")
	wantReason(t, err, "unchanged")
	_, err = tb.Correct(get(t, tb, id).Form, `{"service_date": 20260303, "status": "FORM_STATUS_SUBMITTED"}`, 2, "", "zhang")
	do(t, err)
	wantStage(t, tb, id, "corrected", 2, "the pulse is missing")
}

func TestAKindAboutNobodyIsSavedWithoutAResident(t *testing.T) {
	tb, _ := create(t)
	who := addResident(t, tb, `{"name": "王建国"}`)
	s, err := tb.Add("household", "", village, `{"registered_on": 20260301, "members": {"head": {"since": 20260301}}}`, "zhang")
	if r := get(t, tb, must(t, s, err).ID); r.Kind != "household" || r.SubjectID != "" || r.Stage != "draft" {
		t.Errorf("%+v", r)
	}
	_, err = tb.Add("household", who.ID, village, `{}`, "zhang")
	wantReason(t, err, "subject")
	_, err = tb.Add("contract", "", village, `{}`, "zhang")
	wantReason(t, err, "subject")
}
