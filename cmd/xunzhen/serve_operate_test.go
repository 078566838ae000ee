// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// fetch gets a page, as a scraper does.
func fetch(t *testing.T, url string) (status int, text string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(body)
}

func TestWhoeverRunsTheServerMayLookAtIt(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124", "--operate", "127.0.0.1:0")
	s.ok("tablet", "enrol", at.Invitation)
	s.in = `{"name": "王试春"}`
	s.ok("tablet", "save", "--kind", "resident", "--scope", "431124101201")
	s.ok("tablet", "sync")
	for path, says := range map[string]string{"/healthz": "alive", "/readyz": "ready", "/metrics": `xunzhen_saves_total{county="431124",verdict="admitted"} 1`} {
		if status, text := fetch(t, "http://"+at.Operate+path); status != http.StatusOK || !strings.Contains(text, says) {
			t.Errorf("%s: %d, without %q:\n%s", path, status, says, text)
		}
	}
	stop()
	if conn, err := net.Dial("tcp", at.Operate); err == nil {
		_ = conn.Close()
		t.Error("a stopped server still answers")
	}
	if at, _ := s.serve(); at.Operate != "" {
		t.Errorf("not asked for, and answered at %s", at.Operate)
	}
}

func TestAWrongAddressToLookAtSaysWhatIsRight(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, says := range map[string]string{":9130": "127.0.0.1:9130", "9130": "127.0.0.1:9130", taken.Addr().String(): "another port"} {
		newShell(t).fails(exitFailed, []string{says, "--operate"}, "serve", "--county", "431124", "--listen", "127.0.0.1:0", "--operate", address)
	}
}

func TestSystemdHearsHowFarTheServerIs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no systemd")
	}
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	hear := func() string {
		if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 100)
		n, err := socket.Read(message)
		if err != nil {
			t.Fatal(err)
		}
		return string(message[:n])
	}
	s := newShell(t)
	s.env["NOTIFY_SOCKET"] = name
	at, stop := s.serve("--county", "431124")
	if got := hear(); got != "READY=1" {
		t.Errorf("heard %q", got)
	}
	s.ok("enrol", "--scope", "431124", "--staff", "li") // who is told so may call at once
	stop()
	if got := hear(); got != "STOPPING=1" {
		t.Errorf("heard %q of %s", got, at.Address)
	}
}
