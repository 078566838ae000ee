// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// setBack is a county whose data folder was set back to before the last sync of a
// tablet, with the record that only the tablet and the lost folder have.
func setBack(t *testing.T) (s *shell, id string) {
	t.Helper()
	s = newShell(t)
	data, yesterday := s.env["XUNZHEN_DATA"], filepath.Join(t.TempDir(), "yesterday")
	at, stop := s.serve("--county", "130403")
	s.ok("tablet", "enrol", at.Invitation)
	s.ok("tablet", "sync")
	stop()
	copyFolder(t, yesterday, data)
	at, stop = s.serve()
	id = s.save(`{"name": "王试春"}`, "--kind", "resident", "--scope", "130403001001")
	s.ok("tablet", "sync", "--address", at.Address)
	stop()
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	copyFolder(t, data, yesterday)
	return s, id
}

// copyFolder copies a data folder for nobody but its owner to read, as it was.
func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAServerThatWasSetBackIsRestored(t *testing.T) {
	s, id := setBack(t)
	at, stop := s.serve()
	s.fails(exitFailed, []string{"older copy", "xunzhen restore"}, "tablet", "sync", "--address", at.Address)
	s.fails(exitFailed, []string{"another process"}, "restore", "--author", "zhao", "--yes")
	stop()
	s.fails(exitFailed, nil, "tablet", "sync", "--address", "127.0.0.1:1") // nobody there says anything else
	for lang, says := range map[string][]string{"en": {"The centre runs older data", "! The centre has stopped"}, "zh": {"中心运行的数据", "! 中心已停"}} {
		out := s.ok("tablet", "status", "--lang", lang)
		if !strings.HasPrefix(out, says[0]) || !strings.Contains(out, "\n"+says[1]) || strings.Contains(out, "Everything saved here") {
			t.Errorf("status:\n%s", out)
		}
	}
	s.fails(exitFailed, []string{"newer copy", "nothing was changed"}, "restore", "--author", "zhao")
	s.in = "130402\n"
	s.fails(exitFailed, []string{"nothing was changed"}, "restore", "--author", "zhao")
	s.in = "130403\n"
	if out := s.ok("restore", "--author", "zhao"); !strings.Contains(out, "epoch 2") {
		t.Error(out)
	}
	at, _ = s.serve()
	if at.Counties[0].Stopped {
		t.Error("still stopped")
	}
	s.ok("tablet", "sync", "--address", at.Address)
	if out := s.ok("tablet", "status"); !strings.HasPrefix(out, "Everything saved here is at the centre.") || strings.Contains(out, "! The centre has stopped") {
		t.Error(out)
	}
	other := s.tablet("other")
	other.ok("tablet", "enrol", strings.TrimSpace(s.ok("enrol", "--scope", "130403001001", "--staff", "wang")))
	other.ok("tablet", "sync")
	if got := other.show(id).Values["name"]; got != "王试春" {
		t.Errorf("the centre shows %v", got)
	}
	if out := s.ok("verify", "--replay"); !strings.Contains(out, "byte for byte") {
		t.Error(out)
	}
}

func TestServeSaysThatACountyIsStoppedAndWhatHelps(t *testing.T) {
	s, _ := setBack(t)
	at, stop := s.serve()
	s.fails(exitFailed, []string{"older copy"}, "tablet", "sync", "--address", at.Address)
	stop()
	again, stop := s.serve()
	if !again.Counties[0].Stopped {
		t.Error("programs are not told")
	}
	stop()
	for lang, says := range map[string][]string{
		"en": {"TAKING NOTHING", "STOPPED: county 130403", "xunzhen restore --county 130403"},
		"zh": {"不收不发", "已停：县 130403", "xunzhen restore --county 130403"},
	} {
		out := s.announced("--lang", lang)
		for _, w := range says {
			if !strings.Contains(out, w) {
				t.Errorf("%s does not say %s:\n%s", lang, w, out)
			}
		}
		for _, w := range []string{"Ready.", "已就绪", "xunzhen enrol"} {
			if strings.Contains(out, w) {
				t.Errorf("%s says %s:\n%s", lang, w, out)
			}
		}
	}
}

// A copy that nobody has noticed yet is restored by whoever knows that it is one.
func TestRestoreOfACountyThatIsNotStopped(t *testing.T) {
	s := newShell(t)
	s.fails(exitFailed, []string{"no data folder"}, "restore", "--author", "zhao", "--yes")
	s.fails(exitUsage, []string{"--author"}, "restore", "--yes")
	for _, code := range []string{"130403", "431124"} {
		_, stop := s.serve("--county", code)
		stop()
	}
	s.fails(exitFailed, []string{"130403, 431124"}, "restore", "--author", "zhao", "--yes")
	status, out, said := s.run("restore", "--author", "zhao", "--county", "431124", "--yes")
	if status != exitOK || !strings.Contains(said, "Go on only if you know") || !strings.Contains(out, "County 431124 is restored: epoch 2") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
}
