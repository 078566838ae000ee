// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

const (
	secret  = "618203"
	village = "130403001001"
)

// clock is a clock that tests set.
type clock struct{ ms int64 }

func (c *clock) NowMs() int64 { return c.ms }

func options(t *testing.T) *tablet.Options {
	t.Helper()
	return &tablet.Options{
		Dir: filepath.Join(t.TempDir(), "tablet"), CheapSecrets: true, Clock: &clock{1_772_000_000_000},
	}
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	if tablet.ReasonOf(err) != reason {
		t.Fatalf("%v: reason %q, want %q", err, tablet.ReasonOf(err), reason)
	}
}

func create(t *testing.T) (*tablet.Tablet, *tablet.Options) {
	t.Helper()
	o := options(t)
	tb, err := tablet.Create(o, secret)
	must(t, tb, err)
	t.Cleanup(func() { tb.Close() })
	return tb, o
}

func addResident(t *testing.T, tb *tablet.Tablet, values string) *tablet.Saved {
	t.Helper()
	s, err := tb.Add("resident", "", village, values, "zhang")
	return must(t, s, err)
}

func get(t *testing.T, tb *tablet.Tablet, id string) *tablet.Record {
	t.Helper()
	r, err := tb.Get(id)
	return must(t, r, err)
}

// fields reads a form's JSON.
func fields(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	do(t, json.Unmarshal([]byte(text), &m))
	return m
}

func TestAFormIsSavedFromWhatWasShown(t *testing.T) {
	tb, _ := create(t)
	s := addResident(t, tb, `{"name": "王建国", "phone": "13987654321"}`)
	r := get(t, tb, s.ID)
	if r.Kind != "resident" || r.Division != village || r.State != tablet.StateTablet || r.Voided || r.Conflicts.Len() != 0 {
		t.Fatalf("record %+v", r)
	}
	again, err := tb.Save(r.Form, strings.Replace(r.JSON, "13987654321", "13900000000", 1), "zhang")
	var written []string
	for i := range must(t, again, err).Changes.Len() {
		written = append(written, again.Changes.At(i).Path)
	}
	if got := strings.Join(written, " "); got != "life phone" {
		t.Fatalf("it wrote %s", got)
	}
	_, err = tb.Save(r.Form, r.JSON, "zhang")
	wantReason(t, err, "unchanged")
	r = get(t, tb, s.ID)
	if got := fields(t, r.JSON); got["phone"] != "13900000000" || got["name"] != "王建国" || r.Conflicts.Len() != 0 {
		t.Fatalf("values %v, %d conflicts", got, r.Conflicts.Len())
	}
	state, err := tb.State(s.ID, again.Dot)
	if must(t, state, err) != tablet.StateTablet {
		t.Fatalf("state %q", state)
	}
}

func TestAFormGoesOnFromItsOwnSave(t *testing.T) {
	tb, _ := create(t)
	s := addResident(t, tb, `{"name": "王建国", "phone": "1"}`)
	for _, phone := range []string{"2", "3"} {
		next, err := tb.Save(s.Form, `{"name": "王建国", "phone": "`+phone+`"}`, "zhang")
		s = must(t, next, err)
	}
	r := get(t, tb, s.ID)
	if fields(t, r.JSON)["phone"] != "3" || r.Conflicts.Len() != 0 {
		t.Fatalf("%s with %d conflicts", r.JSON, r.Conflicts.Len())
	}
	cleared, err := tb.Save(s.Form, `{"name": "王建国"}`, "zhang")
	must(t, cleared, err)
	if _, has := fields(t, get(t, tb, s.ID).JSON)["phone"]; has {
		t.Fatal("a cleared field is still there")
	}
}

func TestTwoFormsThatDidNotSeeEachOtherConflict(t *testing.T) {
	tb, _ := create(t)
	s := addResident(t, tb, `{"name": "王建国", "phone": "1"}`)
	stale := get(t, tb, s.ID).Form
	for _, phone := range []string{"2", "3"} {
		one, err := tb.Save(stale, `{"name": "王建国", "phone": "`+phone+`"}`, "zhang")
		must(t, one, err)
	}
	r := get(t, tb, s.ID)
	if r.Conflicts.Len() != 1 || r.Conflicts.At(0).Path != "phone" || r.Conflicts.At(0).Values.Len() != 2 {
		t.Fatalf("conflicts %+v", r.Conflicts)
	}
	l, err := tb.Conflicts()
	if must(t, l, err).Len() != 1 || l.At(0).ID != s.ID {
		t.Fatal("the conflict is not listed")
	}
	c := r.Conflicts.At(0)
	if c.LabelZH == "" || c.LabelEN == "" || !c.Values.At(0).Mine {
		t.Fatalf("conflict %+v", c)
	}
	other := c.Values.At(1)
	_, err = tb.Resolve(r.Form, "name", other.Dot, "zhang")
	wantReason(t, err, "path")
	one, err := tb.Resolve(r.Form, c.Path, other.Dot, "zhang")
	must(t, one, err)
	r = get(t, tb, s.ID)
	if r.Conflicts.Len() != 0 || fields(t, r.JSON)["phone"] != fields(t, other.JSON)["phone"] {
		t.Fatalf("%s with %d conflicts after resolving for %s", r.JSON, r.Conflicts.Len(), other.JSON)
	}
}

// A token gives back the screen it was made of, however much was saved since.
func TestATokenShowsWhatItsScreenShowed(t *testing.T) {
	tb, _ := create(t)
	s := addResident(t, tb, `{"name": "王建国", "phone": "1"}`)
	stale := get(t, tb, s.ID).Form
	for _, phone := range []string{"2", "3"} {
		_, err := tb.Save(stale, `{"name": "王建国", "phone": "`+phone+`"}`, "zhang")
		do(t, err)
	}
	before := get(t, tb, s.ID)
	_, err := tb.Save(stale, `{"name": "王建国", "phone": "4"}`, "zhang")
	do(t, err)
	shown, err := tb.Shown(before.Form)
	do(t, err)
	if shown.ID != s.ID || shown.JSON != before.JSON || shown.Form != before.Form || shown.Division != before.Division || shown.Voided {
		t.Errorf("%+v, want %+v", shown, before)
	}
	had, has := before.Conflicts.At(0).Values, shown.Conflicts.At(0).Values
	if has.Len() != had.Len() || has.At(0).Dot != had.At(0).Dot || has.At(1).JSON != had.At(1).JSON {
		t.Errorf("%d values, want %d as they were numbered", has.Len(), had.Len())
	}
	void, err := tb.Void(s.Form, "重复建档", "zhang")
	do(t, err)
	if r, err := tb.Shown(void.Form); err != nil || !r.Voided || r.VoidReason != "重复建档" {
		t.Errorf("a void form: %+v, %v", r, err)
	}
	_, err = tb.Shown(void.Form[1:])
	wantReason(t, err, "form")
}

func TestAVoidBesideAnEditIsAConflict(t *testing.T) {
	tb, _ := create(t)
	s := addResident(t, tb, `{"name": "王建国", "phone": "1"}`)
	stale := get(t, tb, s.ID)
	one, err := tb.Void(stale.Form, "重复建档", "zhang")
	must(t, one, err)
	r := get(t, tb, s.ID)
	if !r.Voided || r.VoidReason != "重复建档" {
		t.Fatalf("record %+v", r)
	}
	one, err = tb.Save(stale.Form, `{"name": "王建国", "phone": "2"}`, "zhang")
	must(t, one, err)
	r = get(t, tb, s.ID)
	if r.Voided || r.Conflicts.Len() != 1 || r.Conflicts.At(0).Path != "life" {
		t.Fatalf("record %+v, %d conflicts", r, r.Conflicts.Len())
	}
	one, err = tb.Restore(r.Form, "zhang")
	must(t, one, err)
	if r = get(t, tb, s.ID); r.Voided || r.Conflicts.Len() != 0 || fields(t, r.JSON)["phone"] != "2" {
		t.Fatalf("record %+v", r)
	}
}

func TestRecordsMoveBetweenDivisions(t *testing.T) {
	tb, _ := create(t)
	s := addResident(t, tb, `{"name": "王建国"}`)
	one, err := tb.Move(s.Form, "130403001002", "zhang")
	must(t, one, err)
	if got := get(t, tb, s.ID).Division; got != "130403001002" {
		t.Fatalf("division %s", got)
	}
	_, err = tb.Move(s.Form, "13040", "zhang")
	wantReason(t, err, "division")
}

func TestRecordsAreFoundByResidentKindAndName(t *testing.T) {
	tb, _ := create(t)
	wang := addResident(t, tb, `{"name": "王建国", "birth_date": 19560304}`)
	addResident(t, tb, `{"name": "王　建"}`)
	dolma := addResident(t, tb, `{"name": "阿依古丽·买买提"}`)
	visit, err := tb.Add("home_visit", wang.ID, village, `{}`, "zhang")
	must(t, visit, err)
	count := func(q tablet.Query) int {
		t.Helper()
		l, err := tb.List(&q)
		return must(t, l, err).Len()
	}
	for want, q := range map[int]tablet.Query{
		4: {}, 3: {Kind: "resident"}, 1: {SubjectID: wang.ID}, 0: {SubjectID: dolma.ID}, 2: {Kind: "resident", Limit: 2},
	} {
		if got := count(q); got != want {
			t.Errorf("%+v finds %d, want %d", q, got, want)
		}
	}
	if r := get(t, tb, visit.ID); r.SubjectID != wang.ID || r.Kind != "home_visit" {
		t.Errorf("visit %+v", r)
	}
	for text, want := range map[string]string{
		"王": "王　建 王建国", "王建": "王　建 王建国", "建国": "王建国", "买买提": "阿依古丽·买买提", "古丽买": "阿依古丽·买买提", "李": "",
	} {
		l, err := tb.Search(text, 0)
		var got []string
		for i := range must(t, l, err).Len() {
			got = append(got, l.At(i).Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	l, err := tb.Search("", 1)
	if must(t, l, err).Len() != 1 {
		t.Error("a limit is kept")
	}
	if l, err = tb.Search("王建国", 1); must(t, l, err).At(0).BirthDate != "1956-03-04" {
		t.Errorf("born %s", l.At(0).BirthDate)
	}
	renamed, err := tb.Save(wang.Form, `{"name": "王建军", "birth_date": 19560304}`, "zhang")
	must(t, renamed, err)
	if l, err = tb.Search("王建军", 0); must(t, l, err).Len() != 1 {
		t.Error("a new name is found")
	}
	if l, err = tb.Search("王建国", 0); must(t, l, err).Len() != 0 {
		t.Error("an old name is found")
	}
}

func TestTheSameDocumentIsNoticed(t *testing.T) {
	tb, _ := create(t)
	document := func(n string) string { return `{"name": "王建国", "identity_document": {"number": "` + n + `"}}` }
	a := addResident(t, tb, document("11010519491231002X"))
	b := addResident(t, tb, document("110105 19491231 002x"))
	addResident(t, tb, document("130403195603040017"))
	l, err := tb.SameNumber(a.ID)
	if must(t, l, err).Len() != 1 || l.At(0).ID != b.ID {
		t.Fatalf("found %d", l.Len())
	}
}

func TestKeysOfMapEntriesAreDrawn(t *testing.T) {
	tb, _ := create(t)
	s := addResident(t, tb, `{"past_diseases": {"糖尿病": {"name": "糖尿病"}, "2": {"name": "高血压"}}}`)
	r := get(t, tb, s.ID)
	diseases, _ := fields(t, r.JSON)["past_diseases"].(map[string]any)
	if len(diseases) != 2 {
		t.Fatalf("values %s", r.JSON)
	}
	kept := ""
	for key := range diseases {
		if len(key) != 8 {
			t.Errorf("key %q was not drawn", key)
		}
		kept = key
	}
	edited := `{"past_diseases": {"` + kept + `": {"name": "高血压病"}}}`
	one, err := tb.Save(r.Form, edited, "zhang")
	must(t, one, err)
	diseases, _ = fields(t, get(t, tb, s.ID).JSON)["past_diseases"].(map[string]any)
	if _, has := diseases[kept]; !has || len(diseases) != 1 {
		t.Fatalf("diseases %v, want %s only", diseases, kept)
	}
}

func TestADocumentIsShownEditedAndSaved(t *testing.T) {
	tb, _ := create(t)
	s, err := tb.SaveDocument(`{"kind": "resident", "division": "`+village+`", "values": {"name": "王建国", "phone": "1"}}`, "zhang")
	must(t, s, err)
	text, err := get(t, tb, s.ID).Document()
	must(t, text, err)
	for _, phone := range []string{"2", "3"} {
		one, err := tb.SaveDocument(strings.Replace(text, `"phone": "1"`, `"phone": "`+phone+`"`, 1), "zhang")
		must(t, one, err)
	}
	r := get(t, tb, s.ID)
	if r.Conflicts.Len() != 1 {
		t.Fatalf("two saves of one document: %d conflicts", r.Conflicts.Len())
	}
	text, err = r.Document()
	if must(t, text, err); !strings.Contains(text, `"path": "phone"`) {
		t.Errorf("the conflict is missing in %s", text)
	}
	for doc, reason := range map[string]string{
		`{`: "json", `{"id": "` + s.ID + `"}`: "form", `{"kind": "visit"}`: "unknown_kind",
		`{"kind": "home_visit"}`:                                            "subject",
		`{"kind": "resident", "values": {}}`:                                "no_scope",
		`{"kind": "resident", "division": "1304", "values": {"nome": "x"}}`: "json",
		`{"form": "AAAA", "values": {}}`:                                    "form",
	} {
		_, err := tb.SaveDocument(doc, "zhang")
		wantReason(t, err, reason)
	}
}

func TestWithoutAnAuthorNothingIsSaved(t *testing.T) {
	tb, _ := create(t)
	_, err := tb.Add("resident", "", village, `{}`, "")
	wantReason(t, err, "author")
}

func TestARecordTooLargeIsRefusedBeforeItIsSaved(t *testing.T) {
	tb, _ := create(t)
	_, err := tb.Add("resident", "", village, `{"workplace": "`+strings.Repeat("村", 20_000)+`"}`, "zhang")
	wantReason(t, err, "too_large")
	if s, err := tb.Status(); must(t, s, err).Unsent != 0 {
		t.Fatalf("%d saves", s.Unsent)
	}
}

func TestATabletKeepsEverythingOverACloseAndAnOpen(t *testing.T) {
	tb, o := create(t)
	s := addResident(t, tb, `{"name": "王建国"}`)
	form := get(t, tb, s.ID).Form
	_, err := tablet.OpenWith(o, secret)
	wantReason(t, err, "in_use")
	_, err = tablet.Create(o, secret)
	wantReason(t, err, "exists")
	do(t, tb.Close())
	do(t, tb.Close())
	_, err = tb.Get(s.ID)
	wantReason(t, err, "closed")
	_, err = tablet.OpenWith(o, "000000")
	wantReason(t, err, "secret")
	tb, err = tablet.OpenWith(o, secret)
	must(t, tb, err)
	defer tb.Close()
	one, err := tb.Save(form, `{"name": "王建军"}`, "zhang") // a form outlives the program
	must(t, one, err)
	if got := fields(t, get(t, tb, s.ID).JSON)["name"]; got != "王建军" {
		t.Fatalf("name %v", got)
	}
	status, err := tb.Status()
	if must(t, status, err); status.Unsent != 2 || status.SinceMs != o.Clock.NowMs() || status.Enrolled || status.FreeBytes <= 0 {
		t.Fatalf("status %+v", status)
	}
}

func TestALockedTabletShowsNothing(t *testing.T) {
	tb, o := create(t)
	s := addResident(t, tb, `{"name": "王建国"}`)
	l, err := tb.Search("王", 0)
	must(t, l, err)
	do(t, tb.Lock())
	if !tb.Locked() {
		t.Fatal("not locked")
	}
	_, err = tb.Get(s.ID)
	wantReason(t, err, "locked")
	_, err = tb.Search("王", 0)
	wantReason(t, err, "locked")
	_, err = tb.Add("resident", "", village, `{}`, "zhang")
	wantReason(t, err, "locked")
	_, err = tb.Sync(t.Context(), nil)
	wantReason(t, err, "locked")
	status, err := tb.Status()
	if must(t, status, err); !status.Locked || status.Unsent != 1 {
		t.Fatalf("status %+v", status)
	}
	for range 5 {
		_, err = tb.Unlock("000000")
		wantReason(t, err, "secret")
	}
	_, err = tb.Unlock(secret)
	wantReason(t, err, "wait")
	if tablet.WaitMs(err) != 2000 {
		t.Fatalf("wait of %d ms", tablet.WaitMs(err))
	}
	o.Clock.(*clock).ms += 2000
	who, err := tb.Unlock(secret)
	must(t, who, err)
	get(t, tb, s.ID)
	do(t, tb.Close())
	tb, err = tablet.OpenWith(o, "")
	must(t, tb, err)
	defer tb.Close()
	if !tb.Locked() {
		t.Fatal("opened without a secret and not locked")
	}
}

func TestOpenAndCreateSayWhatIsThere(t *testing.T) {
	o := options(t)
	_, err := tablet.OpenWith(o, secret)
	wantReason(t, err, "none")
	_, err = tablet.Create(o, "1234")
	wantReason(t, err, "weak_secret")
	tb, err := tablet.Create(o, secret)
	must(t, tb, err)
	addResident(t, tb, `{"name": "王建国"}`)
	do(t, tb.Close())
	if !tablet.Exists(o.Dir) {
		t.Fatal("it does not exist")
	}
	do(t, os.Rename(filepath.Join(o.Dir, "vault.json"), filepath.Join(o.Dir, "lost")))
	_, err = tablet.Create(o, secret) // would make what is sealed unreadable for ever
	wantReason(t, err, "damaged")
}

func TestNothingPersonalIsOnDiskInClear(t *testing.T) {
	tb, o := create(t)
	values := []string{"王建国", "13987654321", "11010519491231002X", "丛台区某村"}
	s := addResident(t, tb, `{"name": "王建国", "phone": "13987654321", "identity_document": {"number": "11010519491231002X"},
		"address": {"text": "丛台区某村"}}`)
	one, err := tb.Void(s.Form, "重复建档", "zhang")
	must(t, one, err)
	l, err := tb.Search("王建国", 0)
	must(t, l, err)
	for _, after := range []func() error{tb.Lock, tb.Close} {
		wantNowhere(t, o.Dir, append(values, "重复建档")...)
		do(t, after())
	}
	wantNowhere(t, o.Dir, append(values, "重复建档")...)
}

// wantNowhere reads every file under dir.
func wantNowhere(t *testing.T, dir string, texts ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(raw, []byte(text)) {
				t.Errorf("%s has %q in clear", filepath.Base(path), text)
			}
		}
		return err
	})
	if do(t, err); files < 4 {
		t.Fatalf("only %d files in %s", files, dir)
	}
}

func texts(l *tablet.Strings) (all []string) {
	for i := range l.Len() {
		all = append(all, l.At(i))
	}
	return all
}

func TestEveryErrorHasAReason(t *testing.T) {
	tb, _ := create(t)
	calls := map[string]func() error{
		"id":             func() error { _, err := tb.Get("x"); return err },
		"unknown_record": func() error { _, err := tb.Get("0199f8a0-0000-7010-8000-000000000000"); return err },
		"unknown_kind":   func() error { _, err := tb.List(&tablet.Query{Kind: "visit"}); return err },
		"invitation":     func() error { return tb.Enrol(t.Context(), "XZ1:", "zhang", nil) },
		"not_enrolled":   func() error { _, err := tb.Sync(t.Context(), nil); return err },
		"form":           func() error { _, err := tb.Void("x", "y", "z"); return err },
		"damaged":        func() error { return tb.Recover("x", "zhang", secret) },
	}
	for reason, call := range calls {
		err := call()
		wantReason(t, err, reason)
		if known := tablet.Reasons(); !slices.Contains(texts(known), reason) {
			t.Errorf("%s is not among the reasons", reason)
		}
		var own *tablet.Error
		if !errors.As(err, &own) || own.Doing == "" || errors.Unwrap(own) == nil {
			t.Errorf("%s: %v", reason, err)
		}
	}
}
