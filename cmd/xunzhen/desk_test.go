// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// desk enrols a desk for the staff in a scope and returns a shell that asks as it.
func (s *shell) desk(staff, scope string, more ...string) *shell {
	s.t.Helper()
	code := strings.TrimSpace(s.ok(append([]string{"enrol", "--role", "office", "--scope", scope, "--staff", staff}, more...)...))
	other := s.tablet("none")
	delete(other.env, dataVariable)
	other.env[deskVariable] = filepath.Join(s.t.TempDir(), "desk")
	says(s.t, other.ok("desk", "enrol", code), "Enrolled", staff, scope)
	return other
}

func TestADeskReviewsAndIsCutOff(t *testing.T) {
	one, _ := clinic(t)
	id := visitOf(one)
	d := one.desk("zhao", village[:9])
	says(t, d.ok("desk", "status"), "zhao", village[:9], "general")
	info := decode[deskInfo](t, d.ok("desk", "status", "--json"))
	if info.County != village[:6] || len(info.Replica) == 0 || len(info.Classes) != 1 || info.Classes[0] != "general" {
		t.Errorf("%+v", info)
	}
	says(t, d.ok("review", id, "--level", "2", "--check", "--author", "zhao"), "checked (the township)")
	d.fails(exitFailed, []string{"not allowed"}, "review", id, "--level", "3", "--check", "--author", "zhao")
	d.fails(exitFailed, []string{"not allowed"}, "review", id, "--level", "2", "--check", "--author", "sun")
	d.fails(exitFailed, []string{"not allowed"}, "held")
	d.fails(exitFailed, []string{"not allowed"}, "enrol", "--scope", village, "--staff", "sun")
	says(t, one.ok("devices", "list"), "a desk")
	other := one.desk("qian", "431124999")
	other.fails(exitFailed, []string{"record"}, "review", id, "--level", "2", "--check", "--author", "qian")
	one.ok("devices", "revoke", info.Replica, "--author", "sun", "--reason", "left", "--yes")
	d.fails(exitFailed, []string{"cut this tablet or desk off"}, "review", id, "--level", "2", "--check", "--author", "zhao")
}

func TestADesksFolderAndCodeAreLookedAt(t *testing.T) {
	one, _ := clinic(t)
	d := one.tablet("none")
	dir := filepath.Join(t.TempDir(), "desk")
	d.fails(exitFailed, []string{"no desk"}, "desk", "status", "--desk", dir)
	d.fails(exitFailed, []string{"no desk"}, "held", "--desk", dir)
	d.fails(exitFailed, []string{"code"}, "desk", "enrol", "nonsense", "--desk", dir)
	tabletCode := strings.TrimSpace(one.ok("enrol", "--scope", village, "--staff", "zhao"))
	d.fails(exitFailed, []string{"the enrolment code is wrong"}, "desk", "enrol", tabletCode, "--desk", dir)
	deskCode := strings.TrimSpace(one.ok("enrol", "--role", "office", "--scope", village, "--staff", "zhao"))
	d.fails(exitFailed, []string{"the enrolment code is wrong"}, "tablet", "enrol", deskCode)
	d.ok("desk", "enrol", deskCode, "--desk", dir) // after both misuses, with the key of the first try
	d.ok("desk", "enrol", deskCode, "--desk", dir) // the answer was lost
	if runtime.GOOS != "windows" {
		key := filepath.Join(dir, "desk.key")
		if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		if err := os.Chmod(key, 0o644); err != nil {
			t.Fatal(err)
		}
		d.fails(exitFailed, []string{"cannot be used", "chmod 600"}, "desk", "status", "--desk", dir)
		if err := os.Chmod(key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "desk.json"), []byte(`{"pin": 7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d.fails(exitFailed, []string{"cannot be used"}, "desk", "status", "--desk", dir)
}
