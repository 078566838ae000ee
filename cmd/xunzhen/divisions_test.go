// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
)

const (
	newVillage = "431124102202"
)

// file writes a file that a command is given.
func (s *shell) file(text string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "given")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func TestTheYearlyChangeByHand(t *testing.T) {
	one, two := clinic(t)
	one.says(one.ok("divisions"), "No change")
	id := one.save(`{"name": "王试春"}`, "--kind", "resident")
	visit := one.save(`{}`, "--kind", "home_visit", "--subject", id)
	one.ok("tablet", "sync")

	file := one.file("\ufeff原代码,新代码,变更类型,生效日期,依据\n" + village + "," + newVillage + ",更名,2026-01-01,民政令\n")
	one.fails(exitUsage, []string{"--author"}, "divisions", "recode", file)
	one.says(one.ok("divisions", "recode", file, "--author", "zhao", "--dry-run"), "Would record: 1", "Would move: 2", "Nothing was changed")
	one.says(one.ok("divisions", "list"), "No change")
	one.says(one.ok("divisions", "recode", file, "--author", "zhao"), "Recorded: 1 changes, 0 known", "Moved: 2")
	again := decode[recodeReport](t, one.ok("divisions", "recode", file, "--author", "zhao", "--json"))
	if again.Recorded != 0 || again.Known != 1 || again.Moved != 0 || len(again.Left) != 0 || again.DryRun {
		t.Errorf("%+v", again)
	}
	one.says(one.ok("divisions"), village, newVillage, "2026-01-01", "another code")
	one.says(one.ok("divisions", "list", "--lang", "zh"), "代码变更", "生效日期")

	one.ok("tablet", "sync")
	if got := one.show(id); got.Division != newVillage || one.show(visit).Division != newVillage {
		t.Errorf("%+v", got)
	}
	late := two.save(`{"name": "李试夏"}`, "--kind", "resident") // has not heard
	two.ok("tablet", "sync")
	one.says(one.ok("divisions", "recode", "--author", "zhao"), "Moved: 1")
	two.ok("tablet", "sync")
	if got := two.show(late); got.Division != newVillage {
		t.Errorf("%+v", got)
	}
	one.says(one.ok("verify", "--replay"), "")
	if held := decode[[]heldSave](t, one.ok("held", "--json")); len(held) != 0 {
		t.Errorf("%+v", held)
	}
}

func TestWhatWasSplitIsMovedByHand(t *testing.T) {
	one, _ := clinic(t)
	id := one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	file := one.file("old_code,new_code,change,valid_from\n" + village + ",431124101211,split,2026-01-01\n" + village + ",431124101212,split,2026-01-01\n")
	one.says(one.ok("divisions", "recode", file, "--author", "zhao"), "Recorded: 2", "Moved: 0", village+": 1 records wait", "divisions move")
	listed := decode[[]recordUnder](t, one.ok("divisions", "list", "--under", village, "--json"))
	if len(listed) != 1 || listed[0].ID != id || listed[0].Name != "王试春" || listed[0].Kind != "resident" {
		t.Errorf("%+v", listed)
	}
	one.says(one.ok("divisions", "list", "--under", village), id, "王试春")
	one.fails(exitFailed, []string{"431125"}, "divisions", "move", "431125101211", id, "--author", "zhao")
	one.fails(exitFailed, nil, "divisions", "move", "1", id, "--author", "zhao")
	one.says(one.ok("divisions", "move", "431124101212", id, "--author", "zhao"), "Moved", id)
	if out := one.ok("divisions", "move", "431124101212", id, "--author", "zhao"); out != "" {
		t.Errorf("a second time: %s", out)
	}
	if left := decode[recodeReport](t, one.ok("divisions", "recode", "--author", "zhao", "--json")); len(left.Left) != 0 {
		t.Errorf("%+v", left)
	}
}

func TestACodeIsMadeForTheNewCodeOfTheCounty(t *testing.T) {
	one, _ := clinic(t)
	one.fails(exitFailed, []string{"431199"}, "enrol", "--scope", "431199101201", "--staff", "wu")
	file := one.file("old_code,new_code,change,valid_from\n431124,431199,renamed,2026-01-01\n")
	one.ok("divisions", "recode", file, "--author", "zhao")
	one.ok("enrol", "--scope", "431199101201", "--staff", "wu")
}

func TestFilesOfChangesAreReadOrRefusedWithTheLine(t *testing.T) {
	const head = "old_code,new_code,change,valid_from\n"
	known := care.NewRecoding([]care.DivisionChange{{
		Old: "431124101209", New: "431124101210", From: 20250101, Type: carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED,
	}})
	for _, c := range []struct {
		name, text string
		lines      int
		key        string // of the problem
		line       int
	}{
		{"a head alone", head, 0, "", 0},
		{"all three types", head + "431124101201,431124101301,renamed,2026-01-01\n431124101202,431124101203,MERGED,20260101\n431124101204,431124101205,split,2026-01-01\n", 3, "", 0},
		{"columns in another order, and some that nobody knows", "x,生效日期,变更类型,新代码,原代码\n1,2026-01-01,并入,431124101203,431124101202\n", 1, "", 0},
		{"codes filled with zeros", head + "431124101000,431124102000,renamed,2026-01-01\n", 1, "", 0},
		{"full-width digits", head + "４３１１２４１０１２０１,431124101301,renamed,2026-01-01\n", 1, "", 0},
		{"what is known already", head + "431124101209,431124101210,renamed,2025-01-01\n", 1, "", 0},
		{"nothing", "", 0, "problem_recode_head", 0},
		{"no head", "431124101201,431124101301,renamed,2026-01-01\n", 0, "problem_recode_head", 0},
		{"not UTF-8", "\xd4\xad\xb4\xfa\xc2\xeb,x\n", 0, "problem_recode_file", 0},
		{"too large", head + strings.Repeat(" ", maxRecodeFile), 0, "problem_recode_file", 0},
		{"a quote that does not end", head + "\"431124101201", 0, "problem_recode_head", 0},
		{"no code", head + "43112410120,431124101301,renamed,2026-01-01\n", 0, "recode_bad_code", 2},
		{"a line that is cut", head + "431124101202,431124101302,renamed,2026-01-01\n431124101201,431124101301\n", 0, "recode_bad_date", 3},
		{"a city", head + "431100,431200,renamed,2026-01-01\n", 0, "recode_bad_level", 2},
		{"two levels", head + "431124101,431124101301,renamed,2026-01-01\n", 0, "recode_bad_level", 2},
		{"the same code", head + "431124101201,431124101201,renamed,2026-01-01\n", 0, "recode_bad_same", 2},
		{"no such day", head + "431124101201,431124101301,renamed,2026-02-30\n", 0, "recode_bad_date", 2},
		{"no such type", head + "431124101201,431124101301,moved,2026-01-01\n", 0, "recode_bad_type", 2},
		{"200 characters of evidence", "old_code,new_code,change,valid_from,evidence\n431124101201,431124101301,renamed,2026-01-01," + strings.Repeat("令", 200) + "\n", 1, "", 0},
		{"201 characters of evidence", "old_code,new_code,change,valid_from,evidence\n431124101201,431124101301,renamed,2026-01-01," + strings.Repeat("令", 201) + "\n", 0, "recode_bad_evidence", 2},
		{"beside another line", head + "431124101201,431124101301,renamed,2026-01-01\n431124101201,431124101302,renamed,2026-01-01\n", 0, "problem_recode_conflict", 3},
		{"beside what is known", head + "431124101209,431124101302,renamed,2026-01-01\n", 0, "problem_recode_conflict", 2},
	} {
		got, err := readRecodeFile(strings.NewReader(c.text), known)
		var p *problem
		var bad *recodeProblem
		key, line := "", 0
		if errors.As(err, &p) {
			if key = p.key; key == "problem_recode_conflict" {
				line = p.args[0].(int)
			}
		}
		if errors.As(err, &bad) {
			key, line = bad.what, bad.line
		}
		if len(got) != c.lines || key != c.key || line != c.line {
			t.Errorf("%s: %d lines, %q at %d (%v)", c.name, len(got), key, line, err)
		}
	}
}

func TestAFileHasAtMost4000Changes(t *testing.T) {
	text := strings.Builder{}
	text.WriteString("old_code,new_code,change,valid_from\n")
	for i := range maxCodeChanges + 1 {
		code := fmt.Sprintf("%03d%03d", 100+i/900, 100+i%900)
		text.WriteString("431124" + code + ",431125" + code + ",renamed,2026-01-01\n")
	}
	_, err := readRecodeFile(strings.NewReader(text.String()), care.Recoding{})
	var bad *recodeProblem
	if !errors.As(err, &bad) || bad.what != "recode_bad_many" || bad.line != maxCodeChanges+2 {
		t.Errorf("%v", err)
	}
}

// The wire and the form say the types of changes by the same numbers.
func TestTypesOfChangesAreTheSameOnTheWire(t *testing.T) {
	for n, name := range carev1.DivisionChangeType_name {
		if want := strings.Replace(name, "DIVISION_CHANGE", "CODE_CHANGE", 1); syncv1.CodeChangeType_name[n] != want {
			t.Errorf("%d is %s and %s", n, name, syncv1.CodeChangeType_name[n])
		}
	}
	if len(carev1.DivisionChangeType_name) != len(syncv1.CodeChangeType_name) {
		t.Error("one has more")
	}
}

func FuzzFilesOfChanges(f *testing.F) {
	f.Add([]byte("old_code,new_code,change,valid_from\n431124101201,431124101301,renamed,2026-01-01\n"))
	f.Add([]byte("\ufeff原代码,新代码,变更类型,生效日期,依据\n431124,431199,并入,20260101,\"a\nb\"\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := readRecodeFile(strings.NewReader(string(raw)), care.Recoding{})
		if err != nil && all != nil {
			t.Error("an error with changes")
		}
		for _, one := range all {
			if one.Check() != "" || !slices.Contains([]int{6, 9, 12}, len(one.Old)) || one.Line < 2 {
				t.Errorf("%+v", one)
			}
		}
	})
}
