// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The shipped binary is killed at any time while tablets sync with it, over and over
// on one folder: each time its own verify, replay included, finds nothing broken,
// whatever a tablet was told is stored is stored, and in the end nothing is lost.
func TestB10TheProgramIsKilledAtAnyTime(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	rounds(1, func() {
		w, c := newWorld(t, nil)
		w.work()
		w.quiet(c)
		w.openForms()
		c.close()
		s := newShell(t, w.data)
		for range 5 {
			server := s.serve()
			after := time.Duration(rnd.IntN(600)) * time.Millisecond
			go server.killAfter(after)
			w.workUntilDead(server)
			s.ok("verify", "--replay")
			w.wantRecoveredAfterDeath()
			kills++
		}
	})
	t.Logf("killed %d times", kills)
}
