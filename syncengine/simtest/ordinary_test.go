// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"bufio"
	crand "crypto/rand"
	"encoding/binary"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	timeFlag   = flag.Duration("simtime", 15*time.Second, "how long to live through fresh counties")
	masterFlag = flag.Uint64("sim.master", 0, "begin the fresh counties at this seed; 0: draw one and print it")
)

// enough is how long a run must be for every fault to be expected in it.
const enough = time.Minute

// Every county keeps every promise: first those that once did not, by their
// seeds, then fresh ones for -simtime. A run of a minute or more fails as well
// when some fault never happened: a promise that was never tried is not kept.
func TestSimulation(t *testing.T) {
	faults := Faults{}
	for _, seed := range regressionSeeds(t) {
		r := Run(Options{Seed: seed})
		if r.Violation != nil {
			t.Errorf("seed %d: %v", seed, r.Violation)
		}
		faults.Add(r.Faults)
	}
	master := *masterFlag
	if master == 0 {
		master = drawSeed(t)
	}
	t.Logf("master seed %d: repeat with -sim.master %d, one county with -run TestOne -sim.seed SEED", master, master)
	runs := liveThrough(t, master, faults)
	happened := 0
	for _, n := range faults {
		happened += n
	}
	t.Logf("%d counties, %d faults of %d kinds", runs, happened, len(faults))
	if *timeFlag < enough {
		return
	}
	for _, f := range declaredFaults(t) {
		if faults[f] == 0 {
			t.Errorf("never happened: %s", f)
		}
	}
}

// liveThrough runs counties side by side, each in one goroutine of its own, until
// the time is up or three have failed. It returns how many there were.
func liveThrough(t *testing.T, master uint64, faults Faults) int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	runs, failed := 0, 0
	end := time.Now().Add(*timeFlag)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for time.Now().Before(end) {
				mu.Lock()
				seed := master + uint64(runs)
				runs++
				stop := failed >= 3
				mu.Unlock()
				if stop {
					return
				}
				r := Run(Options{Seed: seed})
				mu.Lock()
				faults.Add(r.Faults)
				if r.Violation != nil {
					failed++
					t.Errorf("seed %d: %v", seed, r.Violation)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return runs
}

func drawSeed(t *testing.T) uint64 {
	var b [8]byte
	if _, err := crand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.Uint64(b[:]) >> 16
}

// regressionSeeds reads the seeds that once showed something wrong.
func regressionSeeds(t *testing.T) []uint64 {
	f, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []uint64
	for s := bufio.NewScanner(f); s.Scan(); {
		word, _, _ := strings.Cut(strings.TrimSpace(s.Text()), " ")
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		seed, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			t.Fatalf("seeds.txt: %v", err)
		}
		out = append(out, seed)
	}
	return out
}

// declaredFaults reads the kinds of faults from the source, so that none is
// forgotten in a list.
func declaredFaults(t *testing.T) []Fault {
	packages, err := parser.ParseDir(token.NewFileSet(), ".", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []Fault
	for _, p := range packages {
		ast.Inspect(p, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if ok && len(v.Values) == 1 && strings.HasPrefix(v.Names[0].Name, "Fault") {
				if lit, ok := v.Values[0].(*ast.BasicLit); ok {
					text, _ := strconv.Unquote(lit.Value)
					out = append(out, Fault(text))
				}
			}
			return true
		})
	}
	if len(out) < 40 {
		t.Fatalf("only %d kinds of faults found in the source", len(out))
	}
	return out
}

// The same seed gives the same county, to the byte of its trace.
func TestTheSameSeedIsTheSameCounty(t *testing.T) {
	for seed := range uint64(20) {
		a, b := Run(Options{Seed: seed + 1}), Run(Options{Seed: seed + 1})
		if a.Hash != b.Hash || a.Steps != b.Steps {
			t.Errorf("seed %d lived through two counties", seed+1)
		}
	}
}
