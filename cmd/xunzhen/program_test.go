// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
)

// childVariable makes the test binary be the program itself: the demo starts its
// server from it.
const childVariable = "XUNZHEN_TEST_CHILD"

func TestMain(m *testing.M) {
	if ofALaterRelease() {
		if err := learnNewKind(); err != nil {
			panic(err)
		}
	}
	if os.Getenv(childVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// shell runs commands in one environment.
type shell struct {
	t   *testing.T
	env map[string]string
	in  string
	ask []string // answers to secrets asked for; nil: nobody is there
	say *string  // the answer to every question; nil: nobody is there
}

func newShell(t *testing.T) *shell {
	t.Helper()
	dir := t.TempDir()
	return &shell{t: t, env: map[string]string{
		"XUNZHEN_DATA": filepath.Join(dir, "data"), "XUNZHEN_TABLET": filepath.Join(dir, "tablet"), "XUNZHEN_SECRET": "123456",
	}}
}

func (s *shell) program(out, err io.Writer) Program {
	p := Program{
		Stdin: strings.NewReader(s.in), Stdout: out, Stderr: err, Env: func(k string) string { return s.env[k] },
		Columns: defaultColumns, Executable: os.Executable, Clock: time.Now, Rand: rand.Reader, CheapSecrets: true,
	}
	if s.ask != nil {
		p.AskSecret = func(string) (string, error) {
			answer := s.ask[0]
			s.ask = s.ask[1:]
			return answer, nil
		}
	}
	if s.say != nil {
		p.AskLine = func(string) (string, error) { return *s.say, nil }
	}
	return p
}

// run runs a command and returns its exit status and what it wrote.
func (s *shell) run(args ...string) (status int, out, err string) {
	s.t.Helper()
	var o, e bytes.Buffer
	status = s.program(&o, &e).Run(s.t.Context(), args)
	return status, o.String(), e.String()
}

// ok runs a command that must succeed and returns its standard output.
func (s *shell) ok(args ...string) string {
	s.t.Helper()
	status, out, err := s.run(args...)
	if status != exitOK {
		s.t.Fatalf("xunzhen %s: status %d\n%s%s", strings.Join(args, " "), status, out, err)
	}
	return out
}

// fails runs a command that must fail with a status and say all of some words.
func (s *shell) fails(want int, words []string, args ...string) {
	s.t.Helper()
	status, out, err := s.run(args...)
	if status != want {
		s.t.Errorf("xunzhen %s: status %d, want %d\n%s%s", strings.Join(args, " "), status, want, out, err)
	}
	for _, w := range words {
		if !strings.Contains(err, w) {
			s.t.Errorf("xunzhen %s does not say %q:\n%s", strings.Join(args, " "), w, err)
		}
	}
}

// serve runs a server until the test ends or stop is called, which returns its exit
// status.
func (s *shell) serve(args ...string) (at office.Serving, stop func() int) {
	s.t.Helper()
	line, _, stop := s.started(append([]string{"--json"}, args...)...)
	if err := json.Unmarshal(line, &at); err != nil {
		s.t.Fatal(err)
	}
	return at, stop
}

// started starts a server in the background and returns its first line, what else it
// says, which must be read, and what stops it and returns its status.
func (s *shell) started(args ...string) (line []byte, rest *bufio.Reader, stop func() int) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		status := s.program(write, &errs).Run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
		_ = write.Close()
		ended <- status
	}()
	rest = bufio.NewReader(read)
	line, err := rest.ReadBytes('\n')
	if err != nil {
		cancel()
		s.t.Fatalf("serve: status %d\n%s", <-ended, errs.String())
	}
	stopped, status := false, 0
	stop = func() int {
		if !stopped {
			cancel()
			stopped, status = true, <-ended
		}
		return status
	}
	s.t.Cleanup(func() { stop() })
	return line, rest, stop
}

// tablet is the same shell at another tablet.
func (s *shell) tablet(name string) *shell {
	other := *s
	other.env = map[string]string{}
	for k, v := range s.env {
		other.env[k] = v
	}
	other.env["XUNZHEN_TABLET"] = filepath.Join(filepath.Dir(s.env["XUNZHEN_TABLET"]), name)
	return &other
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}
