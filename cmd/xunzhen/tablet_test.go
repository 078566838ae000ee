// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/syncengine/devicestore"
)

const village = "431124101201"

func newWords(lang words.Language) *words.Words { return words.In(lang) }

// document is what show --json prints, as far as tests look at it.
type document struct {
	ID       string         `json:"id"`
	State    string         `json:"state"`
	Voided   bool           `json:"voided"`
	Division string         `json:"division"`
	Form     string         `json:"form"`
	Values   map[string]any `json:"values"`
}

// clinic is a server with two tablets of one village.
func clinic(t *testing.T) (one, two *shell) {
	t.Helper()
	one = newShell(t)
	one.serve("--county", "431124")
	two = one.tablet("two")
	for who, s := range map[string]*shell{"li": one, "wang": two} {
		code := strings.TrimSpace(one.ok("enrol", "--scope", village, "--staff", who))
		s.ok("tablet", "enrol", code)
	}
	return one, two
}

// save saves a new record and returns its id.
func (s *shell) save(form string, args ...string) string {
	s.t.Helper()
	s.in = form
	return decode[savedJSON](s.t, s.ok(append([]string{"tablet", "save", "--json", "--confirm"}, args...)...)).ID
}

func (s *shell) show(id string) document {
	s.t.Helper()
	return decode[document](s.t, s.ok("tablet", "show", id, "--json"))
}

// edit changes one value in what show printed, and saves it.
func (s *shell) edit(id, key string, value any) {
	s.t.Helper()
	d := decode[map[string]any](s.t, s.ok("tablet", "show", id, "--json"))
	d["values"].(map[string]any)[key] = value
	text, err := json.Marshal(d)
	if err != nil {
		s.t.Fatal(err)
	}
	s.in = string(text)
	s.ok("tablet", "save", "--confirm")
}

func TestTheWholeJobByHand(t *testing.T) {
	one, two := clinic(t)
	resident := one.save(`{"name": "王试春", "sex": "SEX_MALE", "birth_date": 19580306}`, "--kind", "resident")
	checkup := one.save(`{"service_date": 20260301, "general": {"pulse_per_min": 72}}`, "--kind", "checkup", "--subject", resident)
	if out := one.ok("tablet", "status"); !strings.HasPrefix(out, "2 saves are not yet at the centre") {
		t.Error(out)
	}
	one.ok("tablet", "sync")
	if out := one.ok("tablet", "status"); !strings.HasPrefix(out, "Everything saved here is at the centre.") {
		t.Error(out)
	}
	two.ok("tablet", "sync")
	if out := two.ok("tablet", "search", "试春"); !strings.Contains(out, resident) || !strings.Contains(out, "1958-03-06") {
		t.Error(out)
	}
	if out := two.ok("tablet", "list", "--resident", resident, "--kind", "checkup"); !strings.Contains(out, checkup) {
		t.Error(out)
	}
	for lang, says := range map[string][]string{"en": {"checkup", "pulse", "72 /min", "2026-03-01"}, "zh": {"体检", "脉率", "72 /min"}} {
		out := two.ok("tablet", "show", checkup, "--lang", lang)
		for _, w := range says {
			if !strings.Contains(out, w) {
				t.Errorf("%s does not say %s:\n%s", lang, w, out)
			}
		}
	}
}

func TestAConflictIsSettledByHand(t *testing.T) {
	one, two := clinic(t)
	id := one.save(`{"name": "王试春", "phone": "10000000000"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	one.edit(id, "phone", "10000000001")
	two.edit(id, "phone", "10000000002")
	two.edit(id, "workplace", "学校")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	one.ok("tablet", "sync")
	out := one.ok("tablet", "show", id)
	for _, w := range []string{"To be decided", "10000000001", "10000000002", "学校", "resolve " + id + " 'phone'", "this tablet"} {
		if !strings.Contains(out, w) {
			t.Errorf("show does not say %s:\n%s", w, out)
		}
	}
	for _, w := range []string{`  1  {"phone":"1000000000`, `  2  {"phone":"1000000000`} {
		if !strings.Contains(out, w) {
			t.Errorf("a value is not on one line, %s:\n%s", w, out)
		}
	}
	one.fails(exitFailed, []string{"--pick"}, "tablet", "resolve", id, "phone")
	one.fails(exitFailed, []string{"1 to 2"}, "tablet", "resolve", id, "phone", "--pick", "3")
	one.fails(exitFailed, []string{"phone"}, "tablet", "resolve", id, "name", "--pick", "1")
	one.ok("tablet", "resolve", id, "phone", "--pick", "2")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	if out := two.ok("tablet", "list", "--conflicts"); !strings.Contains(out, "No records") {
		t.Error(out)
	}
	if got, want := two.show(id).Values["phone"], one.show(id).Values["phone"]; got != want {
		t.Errorf("%v and %v", got, want)
	}
}

// A choice given with the token of a screen is made on that screen: what came since is
// not replaced.
func TestResolveKeepsToTheScreenOfItsToken(t *testing.T) {
	for name, choice := range map[string][]string{"pick": {"--pick", "1"}, "value": {"--value", `"177"`}} {
		t.Run(name, func(t *testing.T) {
			one, two := clinic(t)
			id := one.save(`{"name": "王试春", "phone": "139"}`, "--kind", "resident")
			one.ok("tablet", "sync")
			two.ok("tablet", "sync")
			old := one.ok("tablet", "show", id, "--json")
			one.edit(id, "phone", "138")
			two.edit(id, "phone", "137")
			for _, s := range []*shell{one, two, one, two} {
				s.ok("tablet", "sync")
			}
			seen := two.show(id) // 137 first, then 138
			one.in = strings.ReplaceAll(old, `"139"`, `"155"`)
			one.ok("tablet", "save", "--confirm")
			one.ok("tablet", "sync")
			two.ok("tablet", "sync")
			two.ok(append([]string{"tablet", "resolve", id, "phone", "--form", seen.Form}, choice...)...)
			if out := two.ok("tablet", "list", "--conflicts"); strings.Contains(out, "No records") {
				t.Errorf("155, which that screen did not show, is gone: the phone is %v", two.show(id).Values["phone"])
			}
			out := two.ok("tablet", "show", id)
			if strings.Contains(out, "138") || !strings.Contains(out, "155") {
				t.Errorf("the choice replaces what that screen showed, and only that:\n%s", out)
			}
			if want := map[string]string{"pick": seen.Values["phone"].(string), "value": "177"}[name]; !strings.Contains(out, want) {
				t.Errorf("not the value that was number 1 on that screen, %s:\n%s", want, out)
			}
		})
	}
}

// A token of another record is refused: the id says which record is meant.
func TestATokenOfAnotherRecordIsRefused(t *testing.T) {
	one, _ := clinic(t)
	id := one.save(`{"name": "王试春"}`, "--kind", "resident")
	other := one.show(one.save(`{"name": "王例夏"}`, "--kind", "resident"))
	for _, command := range [][]string{
		{"void", id, "--reason", "twice"},
		{"restore", id},
		{"move", id, "--scope", "431124101202"},
		{"resolve", id, "name", "--dot", "x"},
		{"resolve", id, "name", "--pick", "1"},
		{"resolve", id, "name", "--value", `"x"`},
	} {
		one.fails(exitFailed, []string{id, other.ID}, append([]string{"tablet"}, append(command, "--form", other.Form)...)...)
	}
	if now := one.show(other.ID); now.Voided || now.Form != other.Form {
		t.Errorf("the other record was changed: %+v", now)
	}
}

func TestAConflictIsSettledByAThirdValue(t *testing.T) {
	one, two := clinic(t)
	id := one.save(`{"general": {"body_size": {"height_cm_x10": 1600}}}`, "--kind", "checkup", "--subject",
		one.save(`{"name": "王试春"}`, "--kind", "resident"))
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	one.edit(id, "general", map[string]any{"body_size": map[string]any{"height_cm_x10": 1610}})
	two.edit(id, "general", map[string]any{"body_size": map[string]any{"height_cm_x10": 1620}})
	two.ok("tablet", "sync")
	one.ok("tablet", "sync")
	one.fails(exitFailed, []string{"no value"}, "tablet", "resolve", id, "general.body_size", "--value", "{")
	one.ok("tablet", "resolve", id, "general.body_size", "--value", `{"height_cm_x10": 1615, "weight_kg_x10": 600}`)
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	if out := two.ok("tablet", "show", id); strings.Contains(out, "To be decided") || !strings.Contains(out, "161.5 cm") || !strings.Contains(out, "60.0 kg") {
		t.Error(out)
	}
}

func TestAFormKeepsWhatWasShownWhileOthersSave(t *testing.T) {
	one, two := clinic(t)
	id := one.save(`{"name": "王试春", "phone": "10000000000"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	form := one.ok("tablet", "show", id, "--json")
	two.edit(id, "phone", "10000000002")
	two.ok("tablet", "sync")
	one.ok("tablet", "sync") // while the form is open
	one.in = strings.Replace(form, "10000000000", "10000000001", 1)
	one.ok("tablet", "save", "--confirm")
	if out := one.ok("tablet", "show", id); !strings.Contains(out, "10000000001") || !strings.Contains(out, "10000000002") || !strings.Contains(out, "To be decided") {
		t.Errorf("one of two values was overwritten:\n%s", out)
	}
}

func TestVoidRestoreAndMove(t *testing.T) {
	one, _ := clinic(t)
	id := one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "void", id, "--reason", "twice")
	if out := one.ok("tablet", "show", id); !strings.Contains(out, "[void]") || !strings.Contains(out, "twice") {
		t.Error(out)
	}
	one.ok("tablet", "restore", id)
	if one.show(id).Voided {
		t.Error("still void")
	}
	one.ok("tablet", "move", id, "--scope", "431124101202")
	if got := one.show(id).Division; got != "431124101202" {
		t.Errorf("in %s", got)
	}
	for lang, says := range map[string][]string{"en": {"330106001001", village, "--outside"}, "zh": {"330106001001", "本县", "--outside"}} {
		one.fails(exitFailed, says, "tablet", "move", id, "--scope", "330106001001", "--lang", lang)
	}
	if got := one.show(id).Division; got != "431124101202" {
		t.Errorf("in %s", got)
	}
	one.fails(exitFailed, []string{"no division code"}, "tablet", "move", id, "--scope", "43112410120")
	one.ok("tablet", "move", id, "--scope", "330106001001", "--outside")
	if got := one.show(id).Division; got != "330106001001" {
		t.Errorf("in %s", got)
	}
}

func TestSavesThatAreWrongAreRefusedWithAdvice(t *testing.T) {
	one, _ := clinic(t)
	id := one.save(`{"name": "王试春"}`, "--kind", "resident")
	for _, test := range []struct {
		name string
		in   string
		args []string
		says string
	}{
		{"no such kind", `{}`, []string{"tablet", "save", "--kind", "patient"}, "no such kind"},
		{"no such field", `{"nmae": "x"}`, []string{"tablet", "save", "--kind", "resident"}, "no form"},
		{"a checkup of nobody", `{}`, []string{"tablet", "save", "--kind", "checkup"}, "--subject"},
		{"a form that was cut", `{"id": "` + id + `", "form": "AAAA", "values": {}}`, []string{"tablet", "save"}, "show ID --json"},
		{"a file that is not there", "", []string{"tablet", "save", "/nowhere"}, "/nowhere"},
		{"no such record", "", []string{"tablet", "show", "01a201b4-f1e0-7010-b0f4-11398c9d9f58"}, "no such record"},
		{"no id", "", []string{"tablet", "show", "x"}, "no record id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			one.in = test.in
			one.t = t
			one.fails(exitFailed, []string{test.says}, test.args...)
		})
	}
	d := one.ok("tablet", "show", id, "--json")
	one.t, one.in = t, d
	one.fails(exitFailed, []string{"nothing was changed"}, "tablet", "save")
}

func TestASaveOutsideItsRightsIsKeptHeldAndListed(t *testing.T) {
	one, _ := clinic(t)
	one.in = `{"name": "王试春"}`
	_, _, warning := one.run("tablet", "save", "--kind", "resident", "--scope", "130403001001")
	if !strings.Contains(warning, "hold") {
		t.Errorf("no warning: %q", warning)
	}
	one.ok("tablet", "sync")
	if out := one.ok("tablet", "list", "--held"); !strings.Contains(out, "outside the tablet's divisions") {
		t.Error(out)
	}
	if out := one.ok("tablet", "status", "--lang", "zh"); !strings.Contains(out, "搁置") {
		t.Error(out)
	}
}

// Whoever asks how the tablet is hears that the centre holds saves, locked or not.
func TestStatusTellsOfHeldEdits(t *testing.T) {
	one, _ := clinic(t)
	id := one.save(`{"name": "王试春", "phone": "139"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	one.in = strings.ReplaceAll(one.ok("tablet", "show", id, "--json"), `"139"`, `"111"`)
	one.ok("tablet", "save", "--author", "ghost")
	one.ok("tablet", "sync")
	if out := one.ok("tablet", "list", "--held"); !strings.Contains(out, id) {
		t.Fatal(out)
	}
	for lang, says := range map[string][]string{
		"en": {"held by the centre", "at most 1", "! The centre may hold saves"}, "zh": {"被中心搁置", "最多 1", "! 中心可能搁置了"},
	} {
		out := one.ok("tablet", "status", "--lang", lang)
		for _, w := range says {
			if !strings.Contains(out, w) {
				t.Errorf("status does not say %s:\n%s", w, out)
			}
		}
	}
	if s := decode[statusJSON](t, one.ok("tablet", "status", "--json")); s.Held != 1 || !s.HeldAtMost {
		t.Errorf("%+v", s)
	}
}

// What a disk damaged is said, by whatever command meets it, and what of it never came
// to the centre is not counted as arrived.
func TestDamageOnATabletIsTold(t *testing.T) {
	one, _ := clinic(t)
	arrived := one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	unsent := one.save(`{"name": "李例夏"}`, "--kind", "resident")
	conn, err := sqlite.OpenConn(filepath.Join(one.env["XUNZHEN_TABLET"], devicestore.FileName), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteTransient(conn, `UPDATE bodies SET sealed = CAST(substr(sealed, 2) || X'00' AS BLOB)`, nil)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		says string
		args []string
	}{
		{"[damaged]", []string{"list"}},
		{"[已损坏]", []string{"list", "--lang", "zh"}},
		{"cannot be read", []string{"show", unsent}},
		{"cannot be read", []string{"show", arrived}},
		{`"damaged": true`, []string{"list", "--json"}},
	} {
		if out := one.ok(append([]string{"tablet"}, row.args...)...); !strings.Contains(out, row.says) {
			t.Errorf("%v does not say %s:\n%s", row.args, row.says, out)
		}
	}
	if _, _, said := one.run("tablet", "search", "王"); !strings.Contains(said, "damaged on this tablet") {
		t.Error(said)
	}
	one.ok("tablet", "sync")
	if out := one.ok("tablet", "status"); !strings.HasPrefix(out, "1 save is not yet at the centre") {
		t.Errorf("the damaged save counts as arrived:\n%s", out)
	}
	one.save(`{"name": "张样秋"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	one.ok("tablet", "sync")
	out := one.ok("tablet", "status")
	if strings.Contains(out, "Everything saved here") || !strings.Contains(out, "Saves that were damaged on this tablet before they came to the centre: 1.") {
		t.Error(out)
	}
	if got := one.show(arrived).Values["name"]; got != "王试春" {
		t.Errorf("the sync brought %v", got)
	}
}

func TestALockedTabletSendsWhatWasSealed(t *testing.T) {
	one, two := clinic(t)
	one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "lock")
	delete(one.env, "XUNZHEN_SECRET")
	one.fails(exitFailed, []string{"secret is needed"}, "tablet", "list")
	one.ok("tablet", "status")
	one.ok("tablet", "sync", "--locked")
	two.ok("tablet", "sync")
	if out := two.ok("tablet", "search", "王"); !strings.Contains(out, "王试春") {
		t.Error(out)
	}
}

func TestSecretsComeFromAFileTheEnvironmentOrAPerson(t *testing.T) {
	one, _ := clinic(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("123456\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	delete(one.env, "XUNZHEN_SECRET")
	one.ok("tablet", "list", "--secret-file", file)
	one.ask = []string{"123456"}
	one.ok("tablet", "list")
	one.ask = []string{"654321"}
	one.fails(exitFailed, []string{"not right"}, "tablet", "list")
	one.ask = []string{"123456", "abcdef", "abcdeg"}
	one.fails(exitFailed, []string{"differ"}, "tablet", "secret", "li")
	one.ask = []string{"123456", "abcdef", "abcdef"}
	one.ok("tablet", "secret", "li")
	one.ask = []string{"abcdef"}
	one.ok("tablet", "list")
}

func TestWithoutATabletOneIsToldHowToBegin(t *testing.T) {
	s := newShell(t)
	for _, command := range [][]string{{"status"}, {"list"}, {"sync"}, {"sync", "--locked"}} {
		s.fails(exitFailed, []string{"tablet enrol"}, append([]string{"tablet"}, command...)...)
	}
	s.fails(exitFailed, []string{"XZ1:"}, "tablet", "enrol", "nonsense")
	if _, err := os.Stat(s.env["XUNZHEN_TABLET"]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a tablet was made before the code was looked at: %v", err)
	}
}

// A tablet that is in no county has nothing at any centre.
func TestStatusOfATabletInNoCounty(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124")
	stop()
	s.fails(exitFailed, []string{"does not answer"}, "tablet", "enrol", at.Invitation)
	for lang, says := range map[string][]string{"en": {"Nothing is saved here yet", "! This tablet is in no county"}, "zh": {"这里还没有保存过什么", "! 这台平板还不属于任何县"}} {
		if out := s.ok("tablet", "status", "--lang", lang); !strings.HasPrefix(out, says[0]) || !strings.Contains(out, says[1]) {
			t.Error(out)
		}
	}
	s.save(`{"name": "王试春"}`, "--kind", "resident", "--scope", village, "--author", "li")
	if out := s.ok("tablet", "status"); !strings.HasPrefix(out, "1 save is not yet at the centre") {
		t.Error(out)
	}
}

func TestResidentsWithOneNumberAreShownTogetherAndLinkedByTheCentre(t *testing.T) {
	one, two := clinic(t)
	form := `{"name": "王试春", "sex": 1, "birth_date": 19580306, "identity_document": {"type": 1, "number": "99000019580306001X"}}`
	a, b := one.save(form, "--kind", "resident"), two.save(form, "--kind", "resident")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	if out := two.ok("tablet", "show", b); !strings.Contains(out, a) {
		t.Errorf("the other one is not shown:\n%s", out)
	}
	for range 500 { // the centre links after the push, by itself
		two.ok("tablet", "sync")
		if links := decode[[]listed](t, two.ok("tablet", "list", "--kind", "resident_link", "--json")); len(links) == 1 {
			return
		}
	}
	t.Error("not linked")
}

// Whoever forgot the secret is told, in their language, what is still possible, and
// what is told is true.
func TestAForgottenSecretIsNoDeadEnd(t *testing.T) {
	one, two := clinic(t)
	code := strings.TrimSpace(one.ok("enrol", "--scope", village, "--staff", "li", "--staff", "zhao"))
	one.ok("tablet", "enrol", code)
	resident := one.save(`{"name": "王试春"}`, "--kind", "resident")
	file := func(secret string) string {
		path := filepath.Join(t.TempDir(), secret)
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one.ok("tablet", "secret", "zhao", "--new-file", file("colleague"))
	one.ok("tablet", "lock")
	one.env["XUNZHEN_SECRET"] = "forgotten"
	for lang, says := range map[string][]string{
		"en": {"not right", "Nothing that was saved is lost", "xunzhen tablet secret", "xunzhen tablet sync --locked", "county office"},
		"zh": {"口令不对", "没有丢失", "xunzhen tablet secret", "xunzhen tablet sync --locked", "县中心"},
	} {
		one.fails(exitFailed, says, "tablet", "list", "--lang", lang)
	}
	one.ok("tablet", "sync", "--locked")
	two.ok("tablet", "sync")
	if got := two.show(resident).Values["name"]; got != "王试春" {
		t.Errorf("name %v came to the centre", got)
	}
	one.env["XUNZHEN_SECRET"] = "colleague"
	one.ok("tablet", "secret", "li", "--new-file", file("remembered"))
	one.env["XUNZHEN_SECRET"] = "remembered"
	one.ok("tablet", "list")
	one.env["XUNZHEN_SECRET"] = "forgotten"
	for range 5 {
		one.fails(exitFailed, []string{"not right"}, "tablet", "list")
	}
	one.fails(exitFailed, []string{"too many", "county office"}, "tablet", "list")
	one.fails(exitFailed, []string{"次数太多", "县中心"}, "tablet", "list", "--lang", "zh")
}
