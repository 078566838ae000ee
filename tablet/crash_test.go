// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

// crashDir tells a child process of the test binary to save in a folder until it
// is killed.
const crashDir = "XUNZHEN_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, saveForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// saveForEver says on stdout what was saved, once it was.
func saveForEver(dir string) error {
	tb, err := tablet.OpenWith(&tablet.Options{Dir: dir}, secret)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		s, err := tb.Add("resident", "", village, fmt.Sprintf(`{"name": "居民%d"}`, i), "zhang")
		if err != nil {
			return err
		}
		fmt.Println(s.ID)
		if s, err = tb.Save(s.Form, fmt.Sprintf(`{"name": "居民%d", "phone": "%d"}`, i, i), "zhang"); err != nil {
			return err
		}
		fmt.Println(s.ID, "phone", i)
	}
}

func TestKilledAtAnyMomentNothingSavedIsLost(t *testing.T) {
	tb, o := create(t)
	do(t, tb.Close())
	total := 0
	for _, lines := range []int{1, 2, 7, 20} {
		said := killedAfter(t, o.Dir, lines)
		tb, err := tablet.OpenWith(o, secret)
		must(t, tb, err)
		for _, line := range said {
			f := strings.Fields(line)
			r := get(t, tb, f[0])
			if len(f) == 3 && fields(t, r.JSON)["phone"] != f[2] || r.Conflicts.Len() != 0 {
				t.Errorf("%q was said, and there is %s", line, r.JSON)
			}
		}
		total += len(said)
		status, err := tb.Status()
		if must(t, status, err).Unsent < total {
			t.Errorf("%d saves of %d", status.Unsent, total)
		}
		total = status.Unsent // what was saved last may not have been said
		do(t, tb.Close())
	}
}

// killedAfter kills a child once it has said so many things, and returns all it
// said until it was dead.
func killedAfter(t *testing.T, dir string, lines int) (said []string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	must(t, out, err)
	do(t, child.Start())
	for s := bufio.NewScanner(out); s.Scan(); {
		if said = append(said, s.Text()); len(said) == lines {
			do(t, child.Process.Kill())
		}
	}
	if child.Wait() == nil || len(said) < lines {
		t.Fatalf("the child ended by itself, after %d lines", len(said))
	}
	return said
}

// What a creation that was cut off may leave behind.
func TestACreationCutOffIsBegunAnew(t *testing.T) {
	whole, o := create(t)
	do(t, whole.Close())
	for name, left := range map[string][]string{
		"nothing":                   {},
		"the file":                  {"tablet.db"},
		"the device key":            {"tablet.db", "device.key"},
		"half a vault":              {"tablet.db", "device.key", "vault.json.new"},
		"half a device key, unused": {"device.key.new"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			again := &tablet.Options{Dir: dir, CheapSecrets: true}
			for _, file := range left {
				switch {
				case file == "tablet.db": // without what the vault writes there
					_, err := tablet.Create(again, "short")
					wantReason(t, err, "weak_secret")
				case strings.HasSuffix(file, ".new"):
					do(t, os.WriteFile(filepath.Join(dir, file), []byte("{"), 0o600))
				default:
					raw, err := os.ReadFile(filepath.Join(o.Dir, file))
					do(t, os.WriteFile(filepath.Join(dir, file), must(t, raw, err), 0o600))
				}
			}
			_, err := tablet.OpenWith(again, secret)
			wantReason(t, err, "none")
			tb, err := tablet.Create(again, secret)
			must(t, tb, err)
			defer tb.Close()
			get(t, tb, addResident(t, tb, `{"name": "王建国"}`).ID)
		})
	}
}
