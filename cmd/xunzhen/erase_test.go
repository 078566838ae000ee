// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// holding returns the files below a folder that have some text.
func holding(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAnErasureReachesFilesAndTabletsAndIsProven(t *testing.T) {
	one, two := clinic(t)
	const secret = "13987654321"
	id := one.save(`{"name": "王试春", "phone": "`+secret+`"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	if len(holding(t, one.env["XUNZHEN_DATA"], secret)) == 0 {
		t.Fatal("the search finds nothing at all")
	}
	dot := decode[stood](t, one.ok("history", id, "--json")).Saves[0].Dot
	file := filepath.Join(t.TempDir(), "before.proof")
	one.ok("prove", id, "-o", file)

	order := []string{"erase", id, "--author", "zhao", "--reason", "order 7"}
	one.in = "no\n"
	one.fails(exitFailed, []string{"not confirmed", "for good"}, order...)
	one.fails(exitFailed, []string{"no save"}, append(order, dot[:len(dot)-1]+other(dot[len(dot)-1]))...)
	one.in = id + "\n"
	says(t, one.ok(order...), "Erased: 1 save")
	says(t, one.ok(append(order, "--yes")...), "Nothing is left")

	if files := holding(t, one.env["XUNZHEN_DATA"], secret); len(files) > 0 {
		t.Errorf("the value is in %v", files)
	}
	for name, s := range map[string]*shell{"one": one, "two": two} {
		s.ok("tablet", "sync")
		if got := s.show(id).Values["phone"]; got != nil {
			t.Errorf("tablet %s still shows %v", name, got)
		}
	}
	says(t, one.ok("verify", "--replay"), "Every invariant holds")
	says(t, one.ok("history", id), "(erased by order)", "li")
	after := filepath.Join(t.TempDir(), "after.proof")
	one.ok("prove", id, "-o", after)
	key := strings.TrimSpace(one.ok("shard"))
	says(t, auditor(t).ok("check", after, "--shard", key), "Everything holds", "(erased by order), stands", "erased save 1, by zhao: order 7", "li")
	says(t, auditor(t).ok("check", file, "--shard", key), "Everything holds", secret)
}

// other returns another hexadecimal digit.
func other(digit byte) string {
	if digit == '0' {
		return "1"
	}
	return "0"
}

func TestActsOfTheOfficeAreNotErased(t *testing.T) {
	s := newShell(t)
	// A fence, which is an act of the office.
	s.fails(exitFailed, []string{"it stays"}, "erase", "018f0000-0000-7002-8000-000000000001", "--author", "zhao", "--reason", "order 7")
}
