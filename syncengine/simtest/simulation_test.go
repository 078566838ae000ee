// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	simSeed   = flag.Uint64("sim.seed", 0, "live through the county of this seed only, and tell all of it")
	simEra    = flag.Int("sim.era", 0, "with -sim.seed: draw from the actions of this era, as testdata/seeds.txt names it; 0: the present one")
	simKeep   = flag.String("sim.keep", "", "with -sim.seed: take only these steps, as a failing run names them")
	simMaster = flag.Uint64("sim.master", 0, "draw fresh counties from this seed; 0: from one that each state of the sources has for itself")
	simRandom = flag.Bool("sim.random", false, "draw fresh counties from a random seed")
	simFor    = flag.Duration("simtime", 15*time.Second, "how long to draw fresh counties")
)

// enough is how long a run must be for every fault to be expected in it.
const enough = time.Minute

// maxTold is how many violations are made short and told before a run gives up.
const maxTold = 3

// Every county keeps every promise: first those that once did not, by their
// seeds, then fresh ones for -simtime. A run of a minute or more fails as well
// when some fault never happened: a promise that was never tried is not kept.
func TestSimulation(t *testing.T) {
	if *simSeed != 0 {
		tellOne(t, Options{Seed: *simSeed, Era: *simEra, Keep: steps(t, *simKeep), Trace: os.Stdout})
		return
	}
	s := &simulation{t: t, faults: Faults{}, until: time.Now().Add(*simFor)}
	for _, o := range knownCounties(t) {
		s.run(o)
	}
	master := *simMaster
	if master == 0 {
		master = sourceSeed(t)
	}
	if *simRandom {
		var b [8]byte
		_, _ = rand.Read(b[:])
		master = binary.LittleEndian.Uint64(b[:])
	}
	t.Logf("master seed %d: again with -sim.master=%d", master, master)
	began := time.Now()
	s.fresh(master)
	t.Logf("%d runs in %v", s.runs, time.Since(began).Round(time.Second))
	for _, f := range declaredFaults(t) {
		t.Logf("%8d %s", s.faults[f], f)
		if s.faults[f] == 0 && *simFor >= enough && !t.Failed() {
			t.Errorf("never happened in %d runs: %s", s.runs, f)
		}
	}
}

// sourceSeed returns a seed that follows from the engine's sources: a changed engine
// draws counties that nobody has seen, and whoever has the same one draws the same.
func sourceSeed(t *testing.T) uint64 {
	h := sha256.New()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		source, err := os.ReadFile(path)
		_, _ = h.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(h.Sum(nil))
}

// simulation is many runs.
type simulation struct {
	t     *testing.T
	until time.Time

	mu     sync.Mutex // guards what follows
	runs   int
	told   int
	faults Faults
}

// fresh runs new counties on every processor, each on one, until time is up.
func (s *simulation) fresh(master uint64) {
	seeds := mathrand.New(mathrand.NewPCG(master, 0))
	var draw sync.Mutex
	var workers sync.WaitGroup
	for range min(4, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for time.Now().Before(s.until) && s.goesOn() {
				draw.Lock()
				seed := seeds.Uint64()
				draw.Unlock()
				s.run(Options{Seed: seed})
			}
		})
	}
	workers.Wait()
}

func (s *simulation) goesOn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told < maxTold
}

func (s *simulation) run(o Options) {
	r := Run(o)
	s.mu.Lock()
	s.runs++
	s.faults.Add(r.Faults)
	tell := r.Violation != nil && s.told < maxTold
	if tell {
		s.told++
	}
	s.mu.Unlock()
	if tell {
		s.t.Error(explained(o, r))
	}
}

// explained makes a failing run short and tells it.
func explained(o Options, r Result) string {
	o.Keep = Shrink(o)
	var trace strings.Builder
	o.Trace = &trace
	short := Run(o)
	keep := strings.Trim(strings.ReplaceAll(fmt.Sprint(o.Keep), " ", ","), "[]")
	return fmt.Sprintf("%v\nrun with -sim.era=%d -sim.seed=%d, or made short (%v) by adding -sim.keep=%s\n%s",
		r.Violation, o.era(), o.Seed, short.Violation, keep, trace.String())
}

func tellOne(t *testing.T, o Options) {
	if r := Run(o); r.Violation != nil {
		t.Error(r.Violation)
	}
}

func steps(t *testing.T, list string) []int {
	if list == "" {
		return nil
	}
	var out []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// knownCounties are counties that once broke a promise.
func knownCounties(t *testing.T) []Options {
	f, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []Options
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		var o Options
		if _, err := fmt.Sscan(text, &o.Era, &o.Seed); err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

// declaredFaults reads the kinds of faults from the source, so that none is
// forgotten in a list.
func declaredFaults(t *testing.T) []Fault {
	var out []Fault
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 || !strings.HasPrefix(v.Names[0].Name, "Fault") {
				return true
			}
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				text, _ := strconv.Unquote(lit.Value)
				out = append(out, Fault(text))
			}
			return true
		})
	}
	if len(out) < 50 {
		t.Fatalf("only %d kinds of faults found in the source", len(out))
	}
	return out
}

// Equal seeds give equal runs, to the byte of their traces.
func TestSameSeedSameTrace(t *testing.T) {
	for seed := range uint64(10) {
		a, b := Run(Options{Seed: seed}), Run(Options{Seed: seed})
		if a.Hash != b.Hash || a.Hash == [32]byte{} {
			t.Errorf("seed %d: %x, then %x", seed, a.Hash, b.Hash)
		}
	}
	if Run(Options{Seed: 1}).Hash == Run(Options{Seed: 2}).Hash {
		t.Error("two seeds gave one trace")
	}
}

// discarding is a county in which newer backups are thrown away and saves are lost
// with them: one in some thousand.
const discarding = 20986

// An operator who throws newer backups away when he restores an older one loses
// what two verified backups covered. A failing run is made short without becoming
// another failure.
func TestRestoreThatDiscardsBackupsIsCaught(t *testing.T) {
	o := Options{Era: 1, ForgetsBackups: true}
	runs, r := Hunt(o, discarding, 3000)
	if runs == 0 {
		t.Fatal("never caught")
	}
	t.Logf("caught in run %d: %v", runs, r.Violation)
	o.Seed = r.Seed
	o.Keep = Shrink(o)
	short := Run(o)
	if short.Violation == nil || short.Violation.Check != r.Violation.Check || len(o.Keep) > r.Steps/2 {
		t.Errorf("%d of %d steps: %v, was %v", len(o.Keep), r.Steps, short.Violation, r.Violation)
	}
	t.Logf("%d of %d steps are left", len(o.Keep), r.Steps)
}
