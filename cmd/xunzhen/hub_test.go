// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/server/hub"
)

// clinic is a shell beside s with a data folder of its own.
func (s *shell) clinic() *shell {
	other := s.tablet("tablet")
	other.env["XUNZHEN_DATA"] = filepath.Join(s.t.TempDir(), "clinic")
	return other
}

// hub starts a hub in the background.
func (s *shell) hub(args ...string) (at hubServing, stop func() int) {
	s.t.Helper()
	line, _, stop := s.started(append([]string{"--json"}, args...)...)
	if err := json.Unmarshal(line, &at); err != nil {
		s.t.Fatalf("%v: %s", err, line)
	}
	return at, stop
}

// until reads lines until one has all words.
func until(t *testing.T, r *bufio.Reader, words ...string) string {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%v is never said: %v", words, err)
		}
		missing := false
		for _, w := range words {
			missing = missing || !strings.Contains(line, w)
		}
		if !missing {
			return line
		}
	}
}

func TestAClinicHubInAShell(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124")
	s.ok("tablet", "enrol", at.Invitation)
	code := strings.TrimSpace(s.ok("enrol", "--role", "hub", "--scope", "431124101", "--staff", "clinic", "--label", "卫生院"))
	c := s.clinic()
	c.fails(exitFailed, []string{"no clinic hub has run"}, "hub")
	first, stopHub := c.hub("--upstream", code)
	if first.Label != "卫生院" || first.Shard != at.Counties[0].Shard || first.Pin == at.Pin {
		t.Fatalf("hub %+v", first)
	}
	if out := s.ok("tablet", "hub", "list"); !strings.Contains(out, "hub add") {
		t.Errorf("no hub: %s", out)
	}
	s.ok("tablet", "hub", "add", first.Add, "--name", "clinic")
	s.ok("tablet", "sync", "--with", "clinic") // they know of each other
	key := strings.TrimSpace(s.ok("shard"))
	stopHub()
	stop() // the centre is out of reach
	seen := filepath.Join(t.TempDir(), "seen.txt")
	c.ok("hub", "--evidence", seen)
	says(t, auditor(t).ok("check", seen, "--shard", key), "signed each of these", "Nothing in it contradicts itself")

	again, stopHub := c.hub("--listen", first.Address)
	if again.Add != first.Add || again.Replica != first.Replica {
		t.Errorf("a second start is another hub: %+v", again)
	}
	id := s.save(`{"name": "王建国"}`, "--kind", "resident", "--scope", "431124101201")
	if out := s.ok("tablet", "sync"); !strings.Contains(out, "Synced with the clinic hub clinic") {
		t.Errorf("sync: %s", out)
	}
	if out := s.ok("tablet", "list"); !strings.Contains(out, "at the clinic") {
		t.Errorf("list: %s", out)
	}
	if out := s.ok("tablet", "status"); !strings.Contains(out, "at a clinic hub") || !strings.Contains(out, "last sync with a hub") {
		t.Errorf("status: %s", out)
	}
	hubs := decode[[]hubJSON](t, s.ok("tablet", "hub", "list", "--json"))
	if len(hubs) != 1 || hubs[0].Name != "clinic" || hubs[0].Label != "卫生院" || hubs[0].LastMs == 0 {
		t.Errorf("hubs %+v", hubs)
	}
	for decode[hub.Status](t, c.ok("hub", "--json")).Reason == "" {
		continue // its first try with the centre has not ended yet
	}
	stopHub()
	if st := decode[hub.Status](t, c.ok("hub", "--json")); st.Waiting != 1 || st.SinceMs == 0 || st.Reason != "unreachable" {
		t.Errorf("status of the hub %+v", st)
	}
	if c.ok("status") != c.ok("hub") {
		t.Error("the status of a hub's folder is not the hub's")
	}
	if out := c.ok("hub"); !strings.Contains(out, "1 saves wait for the centre") || !strings.Contains(out, "failed") {
		t.Errorf("hub: %s", out)
	}

	_, stop = s.serve("--listen", at.Address)
	_, said, stopHub := c.started("--listen", first.Address)
	until(t, said, "tablet hub add", first.Add)
	until(t, said, "Nothing waits for the centre.")
	go io.Copy(io.Discard, said) //nolint:errcheck // until it ends
	s.ok("tablet", "sync", "--with", "clinic")
	if out := s.ok("tablet", "show", id); !strings.Contains(out, "at the centre") {
		t.Errorf("show: %s", out)
	}
	s.ok("tablet", "hub", "remove", "clinic")
	s.fails(exitFailed, []string{"hub list"}, "tablet", "sync", "--with", "clinic")
	stopHub()
	stop()
	if st := decode[hub.Status](t, c.ok("hub", "--json")); st.Waiting != 0 || !st.Reached() {
		t.Errorf("status of the hub %+v", st)
	}
}

func TestAFolderIsAHubsOrACountys(t *testing.T) {
	s := newShell(t)
	at, _ := s.serve("--county", "431124")
	tablet := strings.TrimSpace(s.ok("enrol", "--scope", "431124101", "--staff", "li"))
	s.fails(exitFailed, []string{"folder of its own"}, "serve", "--upstream", tablet)
	c := s.clinic()
	for _, row := range []struct{ upstream, says string }{
		{at.Address, "--role hub"},
		{"nonsense", "--role hub"},
		{tablet, "for a tablet"},
	} {
		c.fails(exitFailed, []string{row.says}, "serve", "--listen", "127.0.0.1:0", "--upstream", row.upstream)
	}
	c.fails(exitFailed, []string{"no county of its own"}, "serve", "--county", "431124")
	code := strings.TrimSpace(s.ok("enrol", "--role", "hub", "--scope", "431124101", "--staff", "clinic"))
	_, stop := c.hub("--upstream", code)
	stop()
	_, stop = c.hub("--upstream", at.Address) // where the centre is from now on
	stop()
	c.fails(exitFailed, []string{"HOST:PORT"}, "serve", "--listen", "127.0.0.1:0", "--upstream", "nonsense")
	s.ok("tablet", "enrol", at.Invitation)
	s.fails(exitFailed, []string{"XZH1:"}, "tablet", "hub", "add", tablet)
}
