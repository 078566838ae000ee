// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Report is what a proof shows.
type Report struct {
	Record     record.ID
	Only       causal.Dot // zero: all of the record
	MadeAt     time.Time  // by the centre's clock
	Checkpoint ledger.Checkpoint
	Saves      []Save // in order of the ledger
	Acts       []Act  // in order of the ledger
}

// Save is one revision as it was proven.
type Save struct {
	Dot      causal.Dot
	Revision record.Revision // Changes nil when Unreadable
	// Certificate is the one by which the save was judged: it says which installation
	// saved, and who might be its author.
	Certificate segment.Certificate
	Leaf        ledger.Index
	ReceivedAt  time.Time // by the centre's clock
	// Verdicts are the first one and those that followed it, at least one.
	Verdicts   []Ruled
	Unreadable bool // authentic, but its bytes do not follow the format
	Hidden     bool // its values are not in the file
	Erased     bool // by order: see Acts
	// Missing are revisions of the record that this one names (its author's previous
	// one, those it replaced, the one that bore the scope seen) and that are not in the
	// file, sorted: the centre never received them, or keeps them back. None where the
	// file is about one revision.
	Missing []causal.Dot
	Changes []Change
}

// Verdict returns the last verdict.
func (s Save) Verdict() ledger.Verdict { return s.Verdicts[len(s.Verdicts)-1].Verdict }

// Ruled is a verdict with the leaf that gave it.
type Ruled struct {
	Verdict ledger.Verdict
	Leaf    ledger.Index
	At      time.Time // by the centre's clock
}

// Change is one register's value and what became of it.
type Change struct {
	Path  record.Path
	Value record.Value // of form Erased when Save.Hidden
	// Parents are the values that it replaced; those of revisions that are not in the
	// file are named too.
	Parents []causal.Dot
	// ReplacedBy are the admitted revisions of the file that name this value as a parent,
	// in order of the ledger. None, and the save admitted: the value is live.
	ReplacedBy []causal.Dot
}

// Act is something the office did about a save, or about an installation that saved.
type Act struct {
	Kind       ActKind
	Dot        causal.Dot       // of the act
	Target     causal.Dot       // zero of a fence
	Replica    causal.ReplicaID // of a fence: whom it cuts off, with those who succeed it
	Lifted     bool             // of a fence: it makes all of it good again
	Author     string
	Reason     string
	At         time.Time // by the clock of the centre's replica
	ReceivedAt time.Time
	Leaf       ledger.Index
}

// ActKind says what the office did. Numbers are those of the acts' records.
type ActKind uint8

// The acts that a proof has.
const (
	ActFence      ActKind = 2
	ActRelease    ActKind = 3
	ActWithdrawal ActKind = 4
	ActErasure    ActKind = 6
)

// String returns fence, release, withdrawal or erasure.
func (k ActKind) String() string {
	switch k {
	case ActFence:
		return "fence"
	case ActRelease:
		return "release"
	case ActWithdrawal:
		return "withdrawal"
	case ActErasure:
		return "erasure"
	}
	return "act"
}

// fates fills in what became of each value.
func (r *Report) fates() {
	at := map[causal.Dot]int{}
	for i, s := range r.Saves {
		at[s.Dot] = i
	}
	for i := range r.Saves {
		if r.Only.IsZero() {
			r.Saves[i].Missing = missing(r.Saves[i].Revision, at)
		}
	}
	for _, by := range r.Saves {
		if !by.Verdict().Admitted() {
			continue
		}
		for _, c := range by.Revision.Changes {
			for _, parent := range c.Parents {
				if i, ok := at[parent]; ok {
					r.Saves[i].replaced(c.Path, by.Dot)
				}
			}
		}
	}
}

// missing returns what a revision names that is not among those at.
func missing(rev record.Revision, at map[causal.Dot]int) []causal.Dot {
	named := []causal.Dot{rev.PrevDot(), rev.ScopeSeen.Dot}
	for _, c := range rev.Changes {
		named = append(named, c.Parents...)
	}
	named = slices.DeleteFunc(named, func(d causal.Dot) bool {
		_, ok := at[d]
		return ok || d.IsZero()
	})
	if len(named) == 0 {
		return nil
	}
	return causal.NewVector(named...)
}

func (s *Save) replaced(p record.Path, by causal.Dot) {
	i := slices.IndexFunc(s.Changes, func(c Change) bool { return c.Path == p })
	if i >= 0 {
		s.Changes[i].ReplacedBy = append(s.Changes[i].ReplacedBy, by)
	}
}
