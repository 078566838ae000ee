// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"flag"
	"os"
	"testing"
)

var (
	seedFlag = flag.Uint64("sim.seed", 0, "live through the county of this seed only, and trace it")
	nFlag    = flag.Int("sim.n", 0, "runs")
)

func TestOne(t *testing.T) {
	r := Run(Options{Seed: *seedFlag, Trace: os.Stdout})
	if r.Violation != nil {
		t.Fatal(r.Violation)
	}
}

func TestMany(t *testing.T) {
	bad := map[string]int{}
	first := map[string]uint64{}
	f := Faults{}
	for i := range *nFlag {
		seed := *seedFlag + uint64(i)
		r := Run(Options{Seed: seed})
		f.Add(r.Faults)
		if v := r.Violation; v != nil {
			bad[v.Check]++
			if first[v.Check] == 0 || bad[v.Check] < 6 {
				first[v.Check] = seed
				t.Logf("seed %d: %v", seed, v)
			}
		}
	}
	t.Log(bad)
	t.Log(f)
}
