// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// poison is a name that tries to command a terminal, to begin a line of its own, to run
// backwards, and to be a formula and a statement.
const poison = "王\x1b]0;owned\x07\x1b[2J\u009b31m\r\nxunzhen: forged\u2028forged\u202e'); DROP TABLE records;--\x00\x7f\ufeff=cmd|'/C calc'!A0"

// wantTame wants what a command wrote to command no terminal, and to have no line that
// somebody's text began.
func wantTame(t *testing.T, what, out string) {
	t.Helper()
	for _, r := range out {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029') {
			t.Errorf("%s writes %U:\n%q", what, r, out)
			return
		}
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(strings.TrimSpace(line), "xunzhen: forged") || strings.HasPrefix(strings.TrimSpace(line), "forged") {
			t.Errorf("%s writes a line that a name began:\n%s", what, out)
		}
	}
}

// Whatever people, or a hostile tablet, put into names: no command of the office or of a
// tablet lets it command the terminal or forge a line, and --json gives it as it was.
func TestNamesCommandNoTerminal(t *testing.T) {
	one, two := clinic(t)
	text, err := json.Marshal(map[string]any{"name": poison, "phone": poison, "workplace": poison})
	if err != nil {
		t.Fatal(err)
	}
	id := one.save(string(text), "--kind", "resident")
	outside := one.save(string(text), "--kind", "resident", "--scope", "431124101299")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	for _, s := range []*shell{one, two} {
		s.edit(id, "phone", poison+s.env["XUNZHEN_TABLET"])
		s.ok("tablet", "sync")
	}
	one.ok("tablet", "sync")
	one.tablet("three").ok("tablet", "enrol", strings.TrimSpace(one.ok("enrol", "--scope", village, "--staff", "zhao", "--label", poison)))
	proof := filepath.Join(t.TempDir(), "proof")
	one.ok("prove", id, "--out", proof)
	key := strings.TrimSpace(one.ok("shard"))
	for _, args := range [][]string{
		{"devices"},
		{"devices", "--json"},
		{"history", id},
		{"history", id, "--json"},
		{"check", "--shard", key, proof},
		{"tablet", "show", id},
		{"tablet", "show", outside},
		{"tablet", "list"},
		{"tablet", "list", "--conflicts"},
		{"tablet", "search", "王"},
		{"tablet", "status"},
		{"held"},
		{"verify", "--replay"},
		{"tablet", "show", id, "--json"},
		{"tablet", "list", "--json"},
		{"held", "--json"},
	} {
		status, out, said := one.run(args...)
		if status != exitOK || out == "" {
			t.Errorf("%q: status %d, %s", args, status, said)
		}
		wantTame(t, strings.Join(args, " "), out+said)
	}
	if got := one.show(id).Values["name"]; got != poison {
		t.Errorf("--json gives %q", got)
	}
	for _, args := range [][]string{
		{"tablet", "show", poison},
		{"tablet", "search", poison},
		{"tablet", "resolve", id, poison, "--pick", "1"},
		{"tablet", "enrol", poison},
		{"enrol", "--scope", poison, "--staff", "li"},
		{poison},
		{"serve", "--county", poison},
	} {
		_, out, said := one.run(args...)
		wantTame(t, strings.Join(args[:1], " "), out+said)
	}
}
