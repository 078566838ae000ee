// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// long lets the tests that draw their faults go on for so long, each.
var long = flag.Duration("crash.long", 0, "how long each test goes on that draws its faults; 0: a few rounds")

// program is the shipped binary, built from this tree when a test first asks for it.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder(), "xunzhen")
	if err := os.MkdirAll(programFolder(), 0o755); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/xunzhen").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// programFolder is where this process keeps binaries until it ends.
func programFolder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("xunzhen-crash-%d", os.Getpid()))
}

// shell runs commands of a binary on one data folder, in English.
type shell struct {
	t       *testing.T
	program string
	data    string
	env     []string        // beside the data folder
	in      string          // what commands read
	wrap    func(*exec.Cmd) // may change how a command is started
}

func newShell(t *testing.T, data string) *shell {
	t.Helper()
	path, err := program()
	return &shell{t: t, program: must(t, path, err), data: data}
}

func (s *shell) command(args ...string) *exec.Cmd {
	c := exec.Command(s.program, append([]string{"--lang", "en"}, args...)...)
	c.Env = append(append(os.Environ(), "XUNZHEN_DATA="+s.data), s.env...)
	if s.wrap != nil {
		s.wrap(c)
	}
	return c
}

// run runs a command to its end and returns its exit status and what it wrote.
func (s *shell) run(args ...string) (status int, out, said string) {
	s.t.Helper()
	c := s.command(args...)
	var o, e bytes.Buffer
	c.Stdin = strings.NewReader(s.in)
	c.Stdout, c.Stderr = &o, &e
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), o.String(), e.String()
}

// ok runs a command that must succeed and returns its standard output.
func (s *shell) ok(args ...string) string {
	s.t.Helper()
	status, out, said := s.run(args...)
	if status != 0 {
		s.t.Fatalf("xunzhen %s: status %d\n%s%s", strings.Join(args, " "), status, out, said)
	}
	return out
}

// fails runs a command that must fail in an orderly way and say all of some words.
func (s *shell) fails(words []string, args ...string) {
	s.t.Helper()
	status, out, said := s.run(args...)
	if status != 1 {
		s.t.Errorf("xunzhen %s: status %d\n%s%s", strings.Join(args, " "), status, out, said)
	}
	for _, w := range words {
		if !strings.Contains(said, w) {
			s.t.Errorf("xunzhen %s does not say %q:\n%s", strings.Join(args, " "), w, said)
		}
	}
}

// serve starts the server of the folder.
func (s *shell) serve(args ...string) *child {
	s.t.Helper()
	return start(s.t, func() *exec.Cmd {
		return s.command(append([]string{"serve", "--json", "--with-input", "--listen", "127.0.0.1:0", "--log", "error"}, args...)...)
	}, announced)
}

// announced reads the address from what serve --json prints.
func announced(line string) (string, bool) {
	var at struct {
		Address string `json:"address"`
	}
	err := json.Unmarshal([]byte(line), &at)
	return at.Address, err == nil && at.Address != ""
}

// rounds calls round some times, or for as long as the flag says.
func rounds(few int, round func()) {
	for began, n := time.Now(), 0; n < few || time.Since(began) < *long; n++ {
		round()
	}
}
