// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestHeldSavesAreListedAndReleasedAtTheCentre(t *testing.T) {
	one, two := clinic(t)
	if out := one.ok("held"); !strings.Contains(out, "holds nothing") {
		t.Error(out)
	}
	id := one.save(`{"name": "王试春", "phone": "139"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	one.in = strings.ReplaceAll(one.ok("tablet", "show", id, "--json"), `"139"`, `"111"`)
	one.ok("tablet", "save", "--author", "ghost")
	one.ok("tablet", "sync")
	for lang, why := range map[string]string{"en": "the author is not on the certificate", "zh": "作者不在证书上"} {
		out := one.ok("held", "--lang", lang)
		for _, w := range []string{id, "ghost", why, "139 → 111"} {
			if !strings.Contains(out, w) {
				t.Errorf("%s does not say %s:\n%s", lang, w, out)
			}
		}
	}
	all := decode[[]heldSave](t, one.ok("held", "--json"))
	if len(all) != 1 || all[0].Record != id || all[0].Verdict != "held_author" || len(all[0].Values) != 1 || all[0].Changes[0].After != "111" {
		t.Fatalf("%+v", all)
	}
	mistyped := strings.Replace(all[0].Dot, "-2-", "-3-", 1)
	one.fails(exitFailed, []string{mistyped, "xunzhen held"}, "release", id, mistyped, "--author", "zhao")
	one.fails(exitUsage, []string{"--author"}, "release", id, all[0].Dot)
	one.ok("release", id, all[0].Dot, "--author", "zhao", "--reason", "a new colleague")
	if out := one.ok("held", "--json"); strings.TrimSpace(out) != "[]" {
		t.Error(out)
	}
	two.ok("tablet", "sync")
	if got := two.show(id).Values["phone"]; got != "111" {
		t.Errorf("released, and another tablet shows %v", got)
	}
}

func TestWhatOnlyWaitsIsNotReleased(t *testing.T) {
	waits := heldSave{Record: "a", Dot: "d", Verdict: "waiting"}
	_, err := releaseCommand{ID: "a", Dot: "d"}.among([]heldSave{waits})
	if err == nil || !strings.Contains(err.Error(), "problem_waits") {
		t.Errorf("%v", err)
	}
}
