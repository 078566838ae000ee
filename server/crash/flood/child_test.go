// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
)

// envData tells a child process of the test binary that it is a server over this folder.
const envData = "XUNZHEN_FLOOD_DATA"

const listening = "listening on"

func TestMain(m *testing.M) {
	var err error
	switch data := os.Getenv(envData); {
	case data != "":
		err = serve(data)
	case os.Getenv(envTablet) != "":
		err = beTablet()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve is the child: what the command does, until standard input ends.
func serve(data string) error {
	s, err := server.New(context.Background(), config(data))
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return err
	}
	server.LimitMemory(server.UsualMemory)
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	for _, one := range s.Counties() {
		go one.People.Run(ctx)
	}
	fmt.Println(listening, s.Address())
	if err := s.Serve(ctx); err != nil {
		return err
	}
	return s.Close()
}

func config(data string) server.Config {
	return server.Config{
		Data: data, Listen: "127.0.0.1:0", Schema: care.Kinds(), Clock: time.Now, Rand: rand.Reader,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
}

// child is a server in a process of its own.
type child struct {
	t       *testing.T
	process *exec.Cmd
	stdin   io.Closer
	address string
	said    strings.Builder // on stderr
}

func startChild(t *testing.T, data string) *child {
	t.Helper()
	c := &child{t: t, process: exec.Command(os.Args[0])}
	c.process.Env = append(os.Environ(), envData+"="+data)
	c.process.Stderr = &c.said
	in, err := c.process.StdinPipe()
	c.stdin = must(t, in, err)
	out, err := c.process.StdoutPipe()
	lines := bufio.NewScanner(must(t, out, err))
	do(t, c.process.Start())
	t.Cleanup(c.stop)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), listening+" "); ok {
			c.address = address
			return c
		}
	}
	_ = c.process.Wait()
	t.Fatalf("the server did not start: %s", c.said.String())
	return nil
}

// stop ends the child and wants it to have gone in order. A second time it does nothing.
func (c *child) stop() {
	if c.stdin == nil {
		return
	}
	_ = c.stdin.Close()
	c.stdin = nil
	if err := c.process.Wait(); err != nil {
		c.t.Errorf("the server ended with %v: %s", err, c.said.String())
	}
	if said := c.said.String(); said != "" {
		c.t.Errorf("the server logged errors: %s", said)
	}
}

// peakMiB returns the most memory that the child ever had, in MiB.
func (c *child) peakMiB() int {
	c.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.process.Process.Pid))
	for line := range strings.Lines(string(must(c.t, status, err))) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			return must(c.t, kib, err) >> 10
		}
	}
	c.t.Fatal("the kernel does not say how much memory the server had")
	return 0
}

// judge is what of a test is needed to fail it.
type judge interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func must[T any](t judge, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func do(t judge, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
