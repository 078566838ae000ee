// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/simtest"
)

// simulated is how many counties a mutant may survive, and era the one they are of:
// authority by today's scope changes the scope that it goes by, and in some counties of
// another era never comes to an end.
const (
	simulated = 400
	era       = 4
	servers   = 7 // the era that has several
)

// Every wrong rule breaks a promise in some simulated county, and which one is told.
func TestMutantsFallInTheSimulation(t *testing.T) {
	for _, m := range syncengine.Mutants {
		t.Run(m.Name, func(t *testing.T) {
			era := era
			if m.Servers {
				era = servers
			}
			for seed := range uint64(simulated) {
				r := simtest.Run(simtest.Options{Seed: seed + 1, Era: era, Engine: func(e *syncengine.Engine) { syncengine.Mutate(e, m) }})
				if r.Violation != nil {
					t.Logf("caught in run %d: %v", seed+1, r.Violation)
					return
				}
			}
			t.Errorf("survived %d counties", simulated)
		})
	}
}
