// SPDX-License-Identifier: Apache-2.0

package crash_test

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
	"sync"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

// What a child process of the test binary is told.
const (
	envData  = "XUNZHEN_CRASH_DATA"  // it is a server over this folder
	envPoint = "XUNZHEN_CRASH_POINT" // where it dies; "": nowhere by itself
	envTimes = "XUNZHEN_CRASH_TIMES" // when the point is passed for so many times
)

func TestMain(m *testing.M) {
	if data := os.Getenv(envData); data != "" {
		fmt.Fprintln(os.Stderr, serve(data))
		os.Exit(1) // being killed is the only good end
	}
	status := m.Run()
	_ = os.RemoveAll(programFolder())
	os.Exit(status)
}

// serve is the child: a server that says on stdout where it listens, until it is
// killed or its parent is gone.
func serve(data string) error {
	times, err := strconv.ParseInt(os.Getenv(envTimes), 10, 64)
	if err != nil {
		return err
	}
	f := &fuse{point: point(os.Getenv(envPoint))}
	f.left.Store(times)
	ctx := context.Background()
	s, err := server.New(ctx, config(data, func(s syncengine.Store) syncengine.Store { return fused{s, f} }))
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	f.armed.Store(true)
	fmt.Println(listening, s.Address())
	return s.Serve(ctx)
}

const listening = "listening on"

// config is that of a server as shipped, over wrapped stores on disk. Only its door is
// wider: all tablets of these tests stand behind one address and never rest.
func config(data string, wrap func(syncengine.Store) syncengine.Store) server.Config {
	limits := rpc.DefaultLimits()
	limits.Door = admission.Budget{PerSecond: 10_000, Burst: 10_000}
	return server.Config{
		Limits: limits,
		Data:   data, Listen: "127.0.0.1:0", Schema: care.Kinds(), Clock: time.Now, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler),
		OpenStore: func(path string, create bool) (syncengine.Store, error) {
			s, err := sqlitestore.Open(path, sqlitestore.Options{Create: create})
			if err != nil {
				return nil, err
			}
			return wrap(s), nil
		},
	}
}

// child is a server in a process of its own.
type child struct {
	t       *testing.T
	process *exec.Cmd
	address string
	dead    chan struct{}
	silence sync.Once
	stdin   io.Closer
	said    strings.Builder // on stderr
}

// startChild starts a server over data that dies at a point.
func startChild(t *testing.T, data string, at point, times int) *child {
	t.Helper()
	return start(t, func() *exec.Cmd {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), envData+"="+data, envPoint+"="+string(at), fmt.Sprintf("%s=%d", envTimes, times))
		return c
	}, func(line string) (string, bool) { return strings.CutPrefix(line, listening+" ") })
}

// start starts a server that says on stdout where it listens.
func start(t *testing.T, process func() *exec.Cmd, address func(line string) (string, bool)) *child {
	t.Helper()
	var c *child
	for range 5 {
		c = tryChild(t, process(), address)
		if c.address != "" {
			return c
		}
		<-c.dead
		// A process that was just begun for another test has copies of all files of
		// this one until it runs its own program, and with them their locks.
		if said := c.said.String(); !strings.Contains(said, sqlitestore.ErrLocked.Error()) {
			break
		}
	}
	t.Fatalf("the server did not start: %s", c.said.String())
	return nil
}

// tryChild starts a server; its address is empty when it ended at once.
func tryChild(t *testing.T, process *exec.Cmd, address func(line string) (string, bool)) *child {
	t.Helper()
	c := &child{t: t, process: process, dead: make(chan struct{})}
	c.process.Stderr = &c.said
	in, err := c.process.StdinPipe()
	c.stdin = must(t, in, err)
	out, err := c.process.StdoutPipe()
	lines := bufio.NewScanner(must(t, out, err))
	do(t, c.process.Start())
	t.Cleanup(c.kill)
	for lines.Scan() {
		if at, ok := address(lines.Text()); ok {
			c.address = at
			break
		}
	}
	go func() {
		_ = c.process.Wait()
		close(c.dead)
	}()
	return c
}

// killAfter kills the child when some time has passed, if it is still alive then.
func (c *child) killAfter(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.dead:
	}
	_ = c.process.Process.Kill()
}

func (c *child) alive() bool {
	select {
	case <-c.dead:
		return false
	default:
		return true
	}
}

// kill kills the child if it is alive and waits for its end.
func (c *child) kill() {
	_ = c.process.Process.Kill()
	<-c.dead
	c.silence.Do(func() { _ = c.stdin.Close() })
}

// wantKilled waits for the child's end, which must be a violent one.
func (c *child) wantKilled() {
	c.t.Helper()
	<-c.dead
	if s := c.process.ProcessState; s.Success() || s.ExitCode() == 1 || s.ExitCode() == 2 {
		c.t.Fatalf("the server was not killed: %v: %s", s, c.said.String())
	}
}
