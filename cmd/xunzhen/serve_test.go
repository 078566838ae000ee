// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

func TestServeMakesACountyAndInvitesTheFirstTablet(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124", "--staff", "li")
	i, err := session.ParseInvitation(at.Invitation)
	if err != nil || len(i.Addresses) != 1 || i.Addresses[0] != at.Address {
		t.Fatalf("invitation %q: %v", at.Invitation, err)
	}
	info, err := os.Stat(at.Counties[0].OperatorKey)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("operator key: %v, %v", info, err)
	}
	s.ok("tablet", "enrol", at.Invitation)
	if status := stop(); status != exitOK {
		t.Errorf("status %d", status)
	}
	if _, err := os.Stat(filepath.Join(at.Data, "serving.json")); !os.IsNotExist(err) {
		t.Errorf("a stopped server leaves its description: %v", err)
	}
	again, _ := s.serve()
	if again.Pin != at.Pin || again.Counties[0] != at.Counties[0] {
		t.Error("a second start is another server")
	}
	if again.Invitation != "" {
		t.Error("there is a tablet already, and still a first code")
	}
}

func TestServeSaysWhatAPersonMustKnow(t *testing.T) {
	s := newShell(t)
	for lang, says := range map[string][]string{
		"en": {"Ready.", "431124", "operator.key", "XZ1:", `tablet enrol "CODE"`, "NO BACKUP", "--backup DIR", "Stopped."},
		"zh": {"已就绪", "431124", "operator.key", "XZ1:", `tablet enrol "注册码"`, "备份", "已停止"},
	} {
		out := s.announced("--lang", lang, "--county", "431124")
		for _, w := range says {
			if !strings.Contains(out, w) {
				t.Errorf("%s does not say %s:\n%s", lang, w, out)
			}
		}
	}
}

// announced starts a server, stops it when it has said what a person must know, and
// returns what it said.
func (s *shell) announced(args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	seen := &watcher{Buffer: &out, word: s.env["XUNZHEN_DATA"], done: cancel}
	status := s.program(seen, &errs).Run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
	if status != exitOK {
		s.t.Fatalf("status %d: %s", status, errs.String())
	}
	return out.String()
}

// watcher calls done when something was written that begins the warning at the end.
type watcher struct {
	*bytes.Buffer
	word string
	done func()
}

func (w *watcher) Write(b []byte) (int, error) {
	n, err := w.Buffer.Write(b)
	if strings.Contains(string(b), "*****") && strings.Contains(string(b), w.word) {
		w.done()
	}
	return n, err
}

func TestServeStaysNearTheMemoryItIsGiven(t *testing.T) {
	before := debug.SetMemoryLimit(-1) // only asks
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for _, row := range []struct {
		args []string
		want int64
	}{
		{nil, server.UsualMemory},
		{[]string{"--memory", "123"}, 123 << 20},
		{[]string{"--memory", "0"}, 123 << 20}, // left as it was
	} {
		_, stop := newShell(t).serve(append([]string{"--county", "431124"}, row.args...)...)
		if got := debug.SetMemoryLimit(-1); got != row.want {
			t.Errorf("%v: %d bytes, want %d", row.args, got, row.want)
		}
		stop()
	}
}

func TestAFolderHasOneServerAtATime(t *testing.T) {
	s := newShell(t)
	s.serve("--county", "431124")
	s.fails(exitFailed, []string{"another process", s.env["XUNZHEN_DATA"]}, "serve", "--listen", "127.0.0.1:0")
}

func TestServeRefusesWhatMakesNoSense(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"no county the first time", nil, "--county"},
		{"a code of 4 digits", []string{"--county", "4311"}, "6 digits"},
		{"a code of letters", []string{"--county", "daoxia"}, "6 digits"},
		{"a port that is taken", []string{"--county", "431124", "--listen", taken.Addr().String()}, "--listen"},
	} {
		t.Run(test.name, func(t *testing.T) {
			newShell(t).fails(exitFailed, []string{test.says}, append([]string{"serve"}, test.args...)...)
		})
	}
}

func TestEnrolMakesCodesForWhoMaySaveWhat(t *testing.T) {
	s := newShell(t)
	s.serve("--county", "431124")
	code := strings.TrimSpace(s.ok("enrol", "--scope", "431124101,431124102", "--staff", "li", "--staff", "wang", "--classes", "general,sensitive", "--label", "clinic"))
	s.ok("tablet", "enrol", code, "--staff", "wang")
	status := decode[statusJSON](t, s.ok("tablet", "status", "--json"))
	if strings.Join(status.Staff, " ") != "li wang" || strings.Join(status.Divisions, " ") != "431124101 431124102" {
		t.Errorf("%+v", status)
	}
	other := s.tablet("other")
	other.fails(exitFailed, []string{"used"}, "tablet", "enrol", code, "--staff", "li")
	s.fails(exitFailed, []string{"no division code"}, "enrol", "--scope", "43x", "--staff", "li")
	for _, elsewhere := range []string{"330106001001", "4311", "431124101,330106"} {
		s.fails(exitFailed, []string{"not in county 431124"}, "enrol", "--scope", elsewhere, "--staff", "li")
	}
	s.fails(exitFailed, []string{"which county"}, "enrol", "--scope", "43", "--staff", "li", "--county", "130403")
}

func TestWithoutAServerTheOfficeIsToldSo(t *testing.T) {
	s := newShell(t)
	s.fails(exitFailed, []string{"no server is running", "xunzhen serve"}, "enrol", "--scope", "43", "--staff", "li")
	at, stop := s.serve("--county", "431124")
	stop()
	if err := at.Write(); err != nil { // as a server that was killed leaves it
		t.Fatal(err)
	}
	s.fails(exitFailed, []string{"does not answer"}, "enrol", "--scope", "431124", "--staff", "li")
}

func TestVerifyLooksWithAServerAndWithout(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124")
	s.ok("tablet", "enrol", at.Invitation)
	s.in = `{"name": "王试春"}`
	s.ok("tablet", "save", "--kind", "resident", "--scope", "431124101201")
	s.ok("tablet", "sync")
	running := decode[[]verified](t, s.ok("verify", "--json"))
	if out := s.ok("verify", "--replay"); !strings.Contains(out, "byte for byte") {
		t.Error(out)
	}
	stop()
	alone := decode[[]verified](t, s.ok("verify", "--json", "--replay"))
	if len(running) != 1 || len(alone) != 1 || running[0].Records != alone[0].Records || running[0].Records < 2 {
		t.Errorf("%+v, %+v", running, alone)
	}
	if running[0].Replayed || !alone[0].Replayed {
		t.Error("it replays when asked to, and only then")
	}
	s.env["XUNZHEN_DATA"] = t.TempDir()
	s.fails(exitFailed, []string{"no data folder"}, "verify")
}

func TestVerifyFailsWhenSomethingIsBroken(t *testing.T) {
	var out bytes.Buffer
	c := &call{Program: newShell(t).program(&out, &out), ctx: t.Context(), words: newWords("en")}
	found := []verified{{County: "431124", Violations: []verifiedBreakage{{"I5", "position 7 is missing"}}}}
	if err := (verifyCommand{}).tell(c, found); err != errSilent { //nolint:errorlint // it is itself
		t.Errorf("%v", err)
	}
	for _, w := range []string{"I5", "position 7 is missing", "gaps", "BROKEN"} {
		if !strings.Contains(out.String(), w) {
			t.Errorf("does not say %s:\n%s", w, out.String())
		}
	}
}

func TestADamagedStoreIsNamed(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124")
	stop()
	err := filepath.WalkDir(at.Counties[0].Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".db") {
			return os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.fails(exitFailed, []string{"support"}, "verify")
	s.fails(exitFailed, []string{"support"}, "serve", "--listen", "127.0.0.1:0")
}
