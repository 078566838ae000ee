// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"math/rand/v2"
	"testing"
	"time"
)

// round lets people work, has them sync with a server that dies, and looks at what is
// left and at what becomes of it.
func (w *world) round(at point, times int, die func(*child)) {
	w.t.Helper()
	server := startChild(w.t, w.data, at, times)
	if die != nil {
		go die(server)
	}
	w.workUntilDead(server)
	w.wantRecoveredAfterDeath()
}

// workUntilDead has people work and sync with a server until it is killed.
func (w *world) workUntilDead(server *child) {
	w.t.Helper()
	for bursts := 0; server.alive(); bursts++ {
		if bursts == 200 {
			w.t.Fatal("the server does not die")
		}
		w.work()
		w.sync(server.address)
		w.openForms()
	}
	server.wantKilled()
}

// wantRecoveredAfterDeath looks at what a server that died has left, lets everybody
// sync with the next one, and looks at what became of it.
func (w *world) wantRecoveredAfterDeath() {
	w.t.Helper()
	c := openCentre(w.t, w.data, nil)
	defer c.close()
	c.wantSound()
	claimed, saved := 0, 0
	for _, x := range w.tablets {
		claimed, saved = claimed+x.claims(c), saved+len(x.saves)
	}
	w.device.wantAcked(c)
	if end := c.county.Engine.Position(); w.device.position > end {
		w.t.Fatalf("position %d was shown to a reader, and the feed ends at %d", w.device.position, end)
	}
	w.t.Logf("killed with %d of %d saves known to be at the centre, which has %d records", claimed, saved, len(c.records()))

	w.quiet(c)
	c.wantSound()
	w.wantNothingLost(c)
	w.wantAgreement(c)
	w.openForms()
}

// B8: no cursor and no position is ahead of what is on disk. B9: who reads meanwhile
// never meets part of a commit. B10: what was acknowledged is stored. Killed at any
// point, the server has all of a commit or nothing (I1), tablets claim no more than is
// so (I7), and in the end nothing is lost.
func TestB08B09B10KilledAtEveryPoint(t *testing.T) {
	for at, moments := range map[point][]int{
		beforeBegin:  {1, 2, 7},
		afterWrite:   {1, 4, 18},
		afterSegment: {1, 2, 6},
		afterLeaf:    {1, 2, 7},
		afterRecord:  {1, 3, 20},
		afterSum:     {1, 2, 6},
		afterDepart:  {1, 2},
		beforeCommit: {1, 2, 7},
		afterCommit:  {1, 2, 7},
		beforePage:   {1, 3, 10},
		afterPage:    {1, 2, 9},
	} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			w, c := newWorld(t, nil)
			w.work()
			w.quiet(c)
			w.openForms()
			c.close()
			for _, times := range moments {
				w.round(at, times, nil)
			}
		})
	}
}

// B10 once more, at moments that nobody chose.
func TestB10KilledAtAnyTime(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	w, c := newWorld(t, nil)
	w.work()
	w.quiet(c)
	w.openForms()
	c.close()
	for range 4 {
		after := time.Duration(20+rnd.IntN(400)) * time.Millisecond
		w.round("", 0, func(s *child) { s.killAfter(after) })
	}
}
