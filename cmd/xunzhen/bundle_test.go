// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stick is a folder that is carried between a tablet and the centre.
type stick struct {
	t   *testing.T
	dir string
}

func newStick(t *testing.T) stick { return stick{t, t.TempDir()} }

// files returns the files that go up or down, the oldest first.
func (k stick) files(direction string) []string {
	k.t.Helper()
	found, err := filepath.Glob(filepath.Join(k.dir, "xunzhen-"+direction+"-*.xzb"))
	if err != nil {
		k.t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func (k stick) one(direction string) string {
	k.t.Helper()
	found := k.files(direction)
	if len(found) != 1 {
		k.t.Fatalf("%d files go %s: %v", len(found), direction, found)
	}
	return found[0]
}

// empty makes room for the next round.
func (k stick) empty() {
	k.t.Helper()
	for _, f := range append(k.files("up"), k.files("down")...) {
		if err := os.Remove(f); err != nil {
			k.t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(k.dir); err != nil || len(left) > 0 {
		k.t.Fatalf("left on the stick: %v, %v", left, err)
	}
}

// round carries a tablet's file to the centre and the answer back.
func (k stick) round(s *shell) (said string) {
	k.t.Helper()
	k.empty()
	s.ok("tablet", "bundle", "export", k.dir)
	s.ok("bundle", "import", k.one("up"))
	return s.ok("tablet", "bundle", "import", k.one("down"))
}

func TestATabletWithoutANetworkWorksByStickOnly(t *testing.T) {
	one, two := clinic(t)
	k := newStick(t)
	id := one.save(`{"name": "王试春", "phone": "139"}`, "--kind", "resident")
	if out := one.ok("tablet", "bundle", "export", k.dir); !strings.Contains(out, "1 saves") {
		t.Error(out)
	}
	if out := one.ok("tablet", "status"); !strings.HasPrefix(out, "1 save is not yet") {
		t.Errorf("written is not at the centre:\n%s", out)
	}
	if out := one.ok("bundle", "import", k.one("up")); !strings.Contains(out, k.one("down")) {
		t.Error(out)
	}
	if out := one.ok("tablet", "bundle", "import", k.one("down")); !strings.Contains(out, "Complete") {
		t.Error(out)
	}
	if out := one.ok("tablet", "status"); !strings.HasPrefix(out, "Everything saved here is at the centre") {
		t.Error(out)
	}
	two.ok("tablet", "sync")
	two.edit(id, "phone", "138")
	two.ok("tablet", "sync")
	k.round(one)
	if got := one.show(id).Values["phone"]; got != "138" {
		t.Errorf("what another one saved comes by stick, and %v is shown", got)
	}
	for lang, says := range map[string]string{"en": "taken before", "zh": "已收过"} {
		if out := one.ok("tablet", "bundle", "import", k.one("down"), "--lang", lang); !strings.Contains(out, says) {
			t.Errorf("once more:\n%s", out)
		}
	}
}

func TestSticksOfTwoTabletsInAnyOrder(t *testing.T) {
	one, two := clinic(t)
	k := newStick(t)
	first := one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "bundle", "export", k.dir)
	old := k.one("up")
	one.edit(first, "phone", "139")
	one.ok("tablet", "bundle", "export", filepath.Join(k.dir, "new.xzb"))
	second := two.save(`{"name": "李试夏"}`, "--kind", "resident")
	two.ok("tablet", "bundle", "export", filepath.Join(k.dir, "two.xzb"))
	all := []string{filepath.Join(k.dir, "new.xzb"), filepath.Join(k.dir, "two.xzb"), old, filepath.Join(k.dir, "new.xzb")}
	done := decode[[]importedBundle](t, one.ok(append([]string{"bundle", "import", "--json"}, all...)...))
	if len(done) != 4 || done[0].Stored != 1 && done[0].Stored != 2 || done[1].Stored != 1 || done[2].Stored != 0 || done[3].Stored != 0 {
		t.Fatalf("%+v", done)
	}
	one.ok("tablet", "bundle", "import", done[3].Answer, done[0].Answer, done[2].Answer)
	one.fails(exitFailed, []string{"not for this tablet"}, "tablet", "bundle", "import", done[1].Answer)
	two.ok("tablet", "bundle", "import", done[1].Answer)
	for _, s := range []*shell{one, two} {
		if err := os.RemoveAll(filepath.Join(k.dir, "new.xzb")); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(k.dir, "two.xzb"))
		k.round(s)
		if s.show(first).Values["phone"] != "139" || s.show(second).Values["name"] != "李试夏" {
			t.Error("something is missing")
		}
	}
	if out := one.ok("verify", "--replay"); !strings.Contains(out, "byte for byte") {
		t.Error(out)
	}
}

func TestALockedTabletHandsOverByStick(t *testing.T) {
	one, two := clinic(t)
	k := newStick(t)
	id := one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "lock")
	delete(one.env, secretVariable)
	one.fails(exitFailed, []string{secretVariable}, "tablet", "bundle", "export", k.dir)
	if out := one.ok("tablet", "bundle", "export", "--locked", k.dir); !strings.Contains(out, "1 saves") {
		t.Error(out)
	}
	two.ok("bundle", "import", k.one("up"))
	two.ok("tablet", "sync")
	if got := two.show(id).Values["name"]; got != "王试春" {
		t.Errorf("the centre has %v", got)
	}
}

func TestARestoredCentreGetsBackByStickWhatItLost(t *testing.T) {
	s, id := setBack(t)
	k := newStick(t)
	at, stop := s.serve()
	s.ok("tablet", "bundle", "export", k.dir)
	s.fails(exitFailed, []string{"xunzhen restore"}, "bundle", "import", k.one("up"))
	if left := k.files("down"); len(left) > 0 {
		t.Errorf("half an answer is called one: %v", left)
	}
	stop()
	s.ok("restore", "--author", "zhao", "--yes")
	at, _ = s.serve()
	if out := k.round(s); !strings.Contains(out, "restored") {
		t.Error(out)
	}
	k.round(s)
	if out := s.ok("tablet", "status"); !strings.HasPrefix(out, "Everything saved here is at the centre.") {
		t.Error(out)
	}
	other := s.tablet("other")
	other.ok("tablet", "enrol", strings.TrimSpace(s.ok("enrol", "--scope", "130403001001", "--staff", "wang")))
	other.ok("tablet", "sync", "--address", at.Address)
	if got := other.show(id).Values["name"]; got != "王试春" {
		t.Errorf("the centre shows %v", got)
	}
}

func TestAFileThatBreaksOffIsTakenAsFarAsItIsWhole(t *testing.T) {
	one, _ := clinic(t)
	k := newStick(t)
	for range 3 {
		one.save(`{"name": "王试春"}`, "--kind", "resident")
	}
	one.ok("tablet", "bundle", "export", k.dir)
	up := k.one("up")
	whole, err := os.ReadFile(up)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"half.xzb": whole[:len(whole)-10], "flipped.xzb": append(whole[:len(whole)-20:len(whole)-20], make([]byte, 20)...)} {
		if err := os.WriteFile(filepath.Join(k.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		one.fails(exitFailed, []string{"Copy"}, "bundle", "import", filepath.Join(k.dir, name), "--answers", t.TempDir())
	}
	one.ok("bundle", "import", up)
	down := k.one("down")
	answer, err := os.ReadFile(down)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(k.dir, "cut.xzb")
	if err := os.WriteFile(cut, answer[:len(answer)-40], 0o600); err != nil {
		t.Fatal(err)
	}
	one.fails(exitFailed, []string{"Copy"}, "tablet", "bundle", "import", cut)
	one.ok("tablet", "bundle", "import", down)
	if out := one.ok("tablet", "status"); !strings.HasPrefix(out, "Everything saved here is at the centre") {
		t.Error(out)
	}
}

func TestTheCentreWritesToATabletThatHasNotWritten(t *testing.T) {
	one, two := clinic(t)
	k := newStick(t)
	id := two.save(`{"name": "李试夏"}`, "--kind", "resident")
	two.ok("tablet", "sync")
	who := decode[[]importedBundle](t, func() string {
		one.ok("tablet", "bundle", "export", k.dir)
		return one.ok("bundle", "import", "--json", k.one("up"))
	}())[0].Replica
	k.empty()
	one.ok("bundle", "export", "--for", who, k.dir)
	one.ok("tablet", "bundle", "import", k.one("down"))
	if got := one.show(id).Values["name"]; got != "李试夏" {
		t.Errorf("%v", got)
	}
	one.fails(exitFailed, []string{"no id of a tablet"}, "bundle", "export", "--for", "nobody", k.dir)
}

func TestFilesOfOtherSortsAreNotTaken(t *testing.T) {
	one, _ := clinic(t)
	k := newStick(t)
	letter := filepath.Join(k.dir, "letter.txt")
	if err := os.WriteFile(letter, []byte("no bundle"), 0o600); err != nil {
		t.Fatal(err)
	}
	one.fails(exitFailed, []string{"no bundle of this program"}, "bundle", "import", letter)
	one.fails(exitFailed, []string{"no bundle of this program"}, "tablet", "bundle", "import", letter)
	one.fails(exitFailed, []string{"cannot be read"}, "bundle", "import", letter+"s")
	one.fails(exitFailed, []string{"cannot be read"}, "tablet", "bundle", "import", letter+"s")
	one.fails(exitFailed, []string{"another name"}, "tablet", "bundle", "export", letter)
	one.fails(exitFailed, []string{"write-protected"}, "tablet", "bundle", "export", filepath.Join(k.dir, "nowhere", "x.xzb"))
	one.ok("tablet", "bundle", "export", k.dir)
	one.ok("bundle", "import", k.one("up"))
	one.fails(exitFailed, []string{"not for this tablet"}, "tablet", "bundle", "import", k.one("up"))
	one.fails(exitFailed, []string{"answer for a tablet"}, "bundle", "import", k.one("down"))
	other := newShell(t)
	other.serve("--county", "130403")
	other.fails(exitFailed, []string{"another county"}, "bundle", "import", k.one("up"))
}

// A file that was on its way while the county's key was replaced is opened all the same.
func TestAFileForAKeyThatWasReplacedIsTaken(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124")
	s.ok("tablet", "enrol", at.Invitation)
	s.save(`{"name": "王试春"}`, "--kind", "resident", "--scope", village)
	k := newStick(t)
	s.ok("tablet", "bundle", "export", k.dir)
	stop()
	s.ok("rotate", "recipient", "--yes")
	s.serve()
	s.ok("bundle", "import", k.one("up"))
	s.ok("tablet", "bundle", "import", k.one("down"))
	if out := s.ok("tablet", "status"); !strings.HasPrefix(out, "Everything saved here is at the centre") {
		t.Error(out)
	}
}
