// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/simtest"
)

// simulated is how many counties a mutant may survive.
const simulated = 400

// Every wrong rule breaks a promise in some simulated county, and which one is told.
func TestMutantsFallInTheSimulation(t *testing.T) {
	for _, m := range replica.Mutants {
		t.Run(m.Name, func(t *testing.T) {
			for seed := range uint64(simulated) {
				r := simtest.Run(simtest.Options{Seed: seed + 1, Replica: func(r *replica.Replica) { replica.Mutate(r, m) }})
				if r.Violation != nil {
					t.Logf("caught in run %d: %v", seed+1, r.Violation)
					return
				}
			}
			t.Errorf("survived %d counties", simulated)
		})
	}
}
