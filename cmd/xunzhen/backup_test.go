// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// backedUp is a county with a backup in a folder, one record that it has and one that
// came after it, and a data folder that is gone.
type backedUp struct {
	*shell
	folder string // of the backups
	kept   string // the keys, kept apart
	early  string // record that the backup has
	late   string // record that came after
}

func newBackedUp(t *testing.T, recipient ...string) backedUp {
	t.Helper()
	b := backedUp{shell: newShell(t), folder: t.TempDir(), kept: filepath.Join(t.TempDir(), "kept")}
	at, stop := b.serve("--county", "130403")
	b.ok("tablet", "enrol", at.Invitation)
	b.early = b.save(`{"name": "王试春"}`, "--kind", "resident", "--scope", "130403001001")
	b.ok("tablet", "sync")
	for _, r := range recipient {
		b.ok("backup", "--to", b.folder, "--recipient", r)
	}
	if len(recipient) == 0 {
		b.ok("backup", "--to", b.folder)
	}
	b.late = b.save(`{"name": "李试夏"}`, "--kind", "resident", "--scope", "130403001001")
	b.ok("tablet", "sync")
	stop()
	copyFolder(t, b.kept, b.env["XUNZHEN_DATA"])
	if err := os.Remove(filepath.Join(b.kept, at.Counties[0].Shard, "shard.db")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.env["XUNZHEN_DATA"]); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b backedUp) wantAllBack() {
	b.t.Helper()
	at, stop := b.serve()
	out := b.ok("status")
	if !strings.Contains(out, "epoch 2") || !strings.Contains(out, "not heard of: first tablet") {
		b.t.Errorf("status:\n%s", out)
	}
	b.ok("tablet", "sync", "--address", at.Address)
	if out := b.ok("tablet", "status"); !strings.HasPrefix(out, "Everything saved here is at the centre.") {
		b.t.Error(out)
	}
	out = b.ok("status")
	if !strings.Contains(out, "nothing that was offered is missing") || !strings.Contains(out, "comes back as new entries") {
		b.t.Errorf("status:\n%s", out)
	}
	all := decode[[]countyStatus](b.t, b.ok("status", "--json"))
	if r := all[0].Restored; r == nil || len(r.NotHeard)+len(r.Lacking) > 0 || !r.Broken {
		b.t.Errorf("%+v", r)
	}
	other := b.tablet("other")
	code := strings.TrimSpace(b.ok("enrol", "--scope", "130403001001", "--staff", "wang"))
	other.ok("tablet", "enrol", code)
	other.ok("tablet", "sync", "--address", at.Address)
	for id, name := range map[string]string{b.early: "王试春", b.late: "李试夏"} {
		if got := other.show(id).Values["name"]; got != name {
			b.t.Errorf("%v, not %s", got, name)
		}
	}
	stop()
	if out := b.ok("verify", "--replay"); !strings.Contains(out, "byte for byte") {
		b.t.Error(out)
	}
}

func TestACountyIsRestoredFromABackupAndTabletsBringTheRest(t *testing.T) {
	b := newBackedUp(t)
	b.fails(exitFailed, []string{"no keys", "--keys DIR"}, "restore", "--from", b.folder, "--author", "zhao", "--yes")
	b.in = "130402\n"
	b.fails(exitFailed, []string{"nothing was changed"}, "restore", "--from", b.folder, "--keys", b.kept, "--author", "zhao")
	b.in = "130403\n"
	out := b.ok("restore", "--from", b.folder, "--keys", b.kept, "--author", "zhao")
	for _, w := range []string{"* 1", "has what backup 1 has", "epoch 2"} {
		if !strings.Contains(out, w) {
			t.Errorf("does not say %q:\n%s", w, out)
		}
	}
	b.fails(exitFailed, []string{"has this county already"}, "restore", "--from", b.folder, "--keys", b.kept, "--author", "zhao", "--yes")
	b.wantAllBack()
}

func TestAnEncryptedBackupNeedsItsIdentityAndNothingElse(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b := newBackedUp(t, id.Recipient().String())
	file := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(file, []byte(id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.fails(exitFailed, []string{"--identity FILE"}, "restore", "--from", b.folder, "--author", "zhao", "--yes")
	b.ok("restore", "--from", b.folder, "--identity", file, "--author", "zhao", "--yes")
	b.wantAllBack()
}

func TestServeMakesBackupsByItselfAndSaysHowTheyStand(t *testing.T) {
	s, folder := newShell(t), t.TempDir()
	at, _ := s.serve("--county", "130403", "--backup", folder, "--backup-every", "24h")
	s.ok("tablet", "enrol", at.Invitation)
	out := s.ok("backup") // after the one that serve makes at once, or before
	if !strings.Contains(out, folder) || !strings.Contains(out, "keys are not in them") {
		t.Error(out)
	}
	all := decode[[]countyStatus](t, s.ok("status", "--json"))
	if one := all[0]; one.Backup.Number == 0 || one.Backup.Folder != folder || one.Backup.Overdue || one.Devices != 1 || one.Restored != nil {
		t.Errorf("%+v", one)
	}
	if out := s.ok("status"); !strings.Contains(out, "every 24h") || strings.Contains(out, "!") {
		t.Errorf("status:\n%s", out)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	s.fails(exitFailed, []string{"mount the share"}, "backup")
	if out := s.ok("status"); !strings.Contains(out, "! the last try failed") {
		t.Errorf("status:\n%s", out)
	}
	s.fails(exitFailed, []string{"no age recipient"}, "backup", "--to", folder, "--recipient", "bob")
	s.fails(exitFailed, []string{"hub makes no backups"}, "serve", "--backup", folder, "--upstream", "127.0.0.1:1", "--data", t.TempDir())
	s.fails(exitFailed, []string{"too many"}, "serve", "--backup", folder, "--backup-every", "1s", "--county", "130403")
}

func TestABackupOlderThanTheLastTwoIsTakenOnlyWithItsLossAccepted(t *testing.T) {
	s, folder := newShell(t), t.TempDir()
	at, stop := s.serve("--county", "130403")
	s.ok("backup", "--to", folder)
	stop()
	aside := filepath.Join(t.TempDir(), "first")
	copyFolder(t, aside, folder)
	kept := filepath.Join(t.TempDir(), "kept")
	copyFolder(t, kept, s.env["XUNZHEN_DATA"])
	_, stop = s.serve()
	for range 3 {
		s.ok("backup", "--to", folder)
	}
	stop()
	first := filepath.Join(folder, at.Counties[0].Shard) // somebody put the first one back beside them
	for _, name := range namesIn(t, filepath.Join(aside, at.Counties[0].Shard)) {
		raw, err := os.ReadFile(filepath.Join(aside, at.Counties[0].Shard, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(first, name), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.env["XUNZHEN_DATA"] = filepath.Join(t.TempDir(), "new")
	s.fails(exitFailed, []string{"older than the last two", "--accept-loss"}, "restore", "--from", folder, "--keys", kept, "--backup", "1", "--author", "zhao", "--yes")
	s.fails(exitFailed, []string{"no backup 2"}, "restore", "--from", folder, "--keys", kept, "--backup", "2", "--author", "zhao", "--yes")
	s.ok("restore", "--from", folder, "--keys", kept, "--backup", "1", "--accept-loss", "--author", "zhao", "--yes")
}

func namesIn(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
