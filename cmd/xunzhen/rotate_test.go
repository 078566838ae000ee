// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"
)

func TestKeysAreReplacedAndTabletsGoOn(t *testing.T) {
	s := newShell(t)
	s.fails(exitFailed, []string{"no data folder"}, "rotate", "tls", "--yes")
	at, stop := s.serve("--county", "431124")
	s.ok("tablet", "enrol", at.Invitation)
	s.ok("tablet", "sync")
	unused := strings.TrimSpace(s.ok("enrol", "--scope", village, "--staff", "wang"))
	s.fails(exitFailed, []string{"another process"}, "rotate", "tls", "--yes")
	stop()
	s.in = "no\n"
	s.fails(exitFailed, []string{"Type tls", "nothing was changed"}, "rotate", "tls")
	s.in = "tls\n"
	s.says(s.ok("rotate", "tls"), "xunzhen serve")
	operator, err := os.ReadFile(at.Counties[0].OperatorKey)
	if err != nil {
		t.Fatal(err)
	}
	s.fails(exitFailed, []string{"431124"}, "rotate", "operator", "--county", "130403", "--yes")
	s.says(s.ok("rotate", "operator", "--yes", "--lang", "zh"), "431124")
	s.ok("rotate", "recipient", "--yes")
	next, _ := s.serve()
	if next.Pin == at.Pin {
		t.Error("the pin is the same")
	}
	if now, err := os.ReadFile(at.Counties[0].OperatorKey); err != nil || string(now) == string(operator) {
		t.Errorf("the office's key is the same: %v", err)
	}
	id := s.save(`{"name": "王试春"}`, "--kind", "resident", "--scope", village)
	s.ok("tablet", "sync", "--address", next.Address)
	other := s.tablet("other")
	other.ok("tablet", "enrol", unused, "--address", next.Address)
	other.ok("tablet", "sync", "--address", next.Address)
	if got := other.show(id).Values["name"]; got != "王试春" {
		t.Errorf("another tablet shows %v", got)
	}
	s.ok("devices")
}
