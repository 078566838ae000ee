// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/demo"
)

func TestTheDemoLosesNothing(t *testing.T) {
	t.Setenv(childVariable, "1")
	s := newShell(t)
	status, out, story := s.run("demo", "--residents", "30", "--json")
	if status != exitOK {
		t.Fatalf("status %d\n%s%s", status, out, story)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	r := decode[demo.Result](t, lines[len(lines)-1])
	if r.Tablets != 3 || r.Clones != 1 || r.Persons != 30 || r.Residents != 31 || r.Lost != 0 || r.Stored != r.Saves || r.Saves < 60 {
		t.Errorf("%+v", r)
	}
	if r.ConflictsFound != 2 || r.ConflictsOpen != 1 || r.NewKeys == 0 || r.ConnectionCuts == 0 || !r.OK() {
		t.Errorf("%+v", r)
	}
	for _, w := range []string{"道县", "LOST", "Nothing was lost"} {
		if !strings.Contains(story, w) {
			t.Errorf("the story does not say %s:\n%s", w, story)
		}
	}
}

func TestTheDemosResultHasItsKeys(t *testing.T) {
	raw, err := json.Marshal(demo.Result{})
	if err != nil {
		t.Fatal(err)
	}
	keys := decode[map[string]any](t, string(raw))
	for _, key := range []string{
		"tablets", "clones", "saves", "stored", "held", "conflicts_found", "conflicts_open", "lost", "fingerprints_equal",
		"log_verified", "replay_equal", "connection_cuts",
	} {
		if _, ok := keys[key]; !ok {
			t.Errorf("no key %s", key)
		}
	}
}

func TestTheDemoKnowsItsLimits(t *testing.T) {
	s := newShell(t)
	for _, n := range []string{"9", "443"} {
		s.fails(exitFailed, []string{"10", "442"}, "demo", "--residents", n)
	}
}

func TestCommandForIsWhatAPersonTypes(t *testing.T) {
	for executable, want := range map[string]string{
		"/tmp/go-build123/b001/exe/xunzhen": "go run ./cmd/xunzhen", "/usr/local/bin/xunzhen": "xunzhen",
	} {
		if got := commandFor(executable); got != want {
			t.Errorf("%s: %s", executable, got)
		}
	}
}
