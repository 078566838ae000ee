// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sqlitestore_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// A crash is what a child process is told to die of, by its environment.
type crash struct {
	path  string
	seed  uint64
	point string // "": it is killed from outside
	hit   int    // which time the point is reached
}

const (
	envPath, envSeed, envPoint, envHit = "CRASH_PATH", "CRASH_SEED", "CRASH_POINT", "CRASH_HIT"

	// enough updates to reach every point often; a child that is killed from
	// outside makes them until then
	childUpdates = 400
)

// TestCrashChild is no test but the child: it makes random updates, says after
// each that it was acknowledged, and dies where it is told to.
func TestCrashChild(t *testing.T) {
	path := os.Getenv(envPath)
	if path == "" {
		t.Skip("only runs as a child of the crash tests")
	}
	seed, err := strconv.ParseUint(os.Getenv(envSeed), 10, 64)
	must(t, err)
	hits, err := strconv.Atoi(os.Getenv(envHit))
	must(t, err)
	s, err := sqlitestore.Open(path, sqlitestore.Options{Create: true, Readers: 1})
	must(t, err)
	s.OnPoint(func(p string) {
		if p != os.Getenv(envPoint) {
			return
		}
		if hits--; hits == 0 {
			die()
		}
	})
	g := storetest.NewRandom(seed)
	for n := 0; n < childUpdates || os.Getenv(envPoint) == ""; n++ {
		must(t, g.Update(s))
		fmt.Fprintln(os.Stdout, "acknowledged", n+1)
	}
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// run starts the child, kills it after a while if it does not do so itself (0:
// never), and returns how many updates were acknowledged.
func (c crash) run(t *testing.T, after time.Duration) int {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	child.Env = append(
		os.Environ(),
		envPath+"="+c.path, envSeed+"="+strconv.FormatUint(c.seed, 10), envPoint+"="+c.point, envHit+"="+strconv.Itoa(c.hit),
	)
	out, err := child.StdoutPipe()
	must(t, err, child.Start())
	if after > 0 {
		time.AfterFunc(after, func() { _ = child.Process.Kill() })
	}
	acknowledged := lastAcknowledged(out)
	err = child.Wait()
	if state, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || !state.Signaled() || state.Signal() != syscall.SIGKILL {
		t.Fatalf("the child was not killed at %q: %v", c.point, err)
	}
	return acknowledged
}

func lastAcknowledged(out io.Reader) int {
	last := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var n int
		if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d", &n); err == nil {
			last = n
		}
	}
	return last
}

// B10: what was acknowledged is there; of what was not, all or nothing.
func TestKilledAtEveryPointOfACommit(t *testing.T) {
	for i, p := range sqlitestore.Points() {
		for _, hit := range []int{1, 9} {
			t.Run(fmt.Sprintf("%s, time %d", p, hit), func(t *testing.T) {
				c := crash{path: filepath.Join(t.TempDir(), "shard.db"), seed: uint64(i), point: p, hit: hit}
				want := c.run(t, 0)
				if p == sqlitestore.AfterCommit {
					want++ // on disk, and nobody was told
				}
				if have := c.survivors(t, want, want); have != want {
					t.Errorf("%d updates survived, want %d", have, want)
				}
			})
		}
	}
}

func TestKilledAtAnyTime(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "shard.db")
	for i := range 6 {
		c := crash{path: fmt.Sprint(path, i), seed: rnd.Uint64(), hit: 1}
		acknowledged := c.run(t, time.Duration(40+rnd.IntN(250))*time.Millisecond)
		have := c.survivors(t, acknowledged, acknowledged+1)
		t.Logf("%d acknowledged, %d survived", acknowledged, have)
	}
}

// survivors opens what a crash left, finds out how many updates are in it, which
// must be one of least … most, and that the store goes on from there.
func (c crash) survivors(t *testing.T, least, most int) int {
	t.Helper()
	s := open(t, c.path)
	if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
		t.Fatalf("check after the crash: %q, %v", findings, err)
	}
	oracle, g := memstore.New(), storetest.NewRandom(c.seed)
	for n := 0; ; n++ {
		if n >= least {
			d := storetest.Diff(everything(t, oracle), everything(t, s))
			if d == "" {
				goOn(t, g, oracle, s)
				return n
			}
			if n >= most {
				t.Fatalf("after the crash the store differs from its first %d updates (-want +have): %s", n, d)
			}
		}
		must(t, g.Update(oracle))
	}
}

// goOn updates the store that survived, whose next update g is about to make.
func goOn(t *testing.T, g *storetest.Random, oracle *memstore.Store, s *sqlitestore.Store) {
	t.Helper()
	for range 5 {
		if err := g.UpdateBoth(oracle, s); err != nil {
			t.Fatal(err)
		}
	}
	if d := storetest.Diff(everything(t, oracle), everything(t, s)); d != "" {
		t.Fatalf("after the crash the store goes on otherwise (-want +have): %s", d)
	}
}
