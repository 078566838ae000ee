// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// judged is what a stored revision comes to, and the scope it bears for others.
type judged struct {
	unruled, verdict ledger.Verdict // before and after what the office said of it
	sets             bool           // it says something of the scope
	division         record.Division
}

// lends returns whether the revision that bore a scope may lend its authority.
// One that is held for reasons of its own (a fence, a kind unknown here) still
// counts as existing; one whose author had no right to set that scope does not,
// or else two unauthorised saves would make one authorised save.
func (j judged) lends() ledger.Verdict {
	v := j.verdict
	if v == ledger.HeldWithdrawn {
		v = j.unruled
	}
	switch v {
	case ledger.HeldScope, ledger.HeldScopeMismatch, ledger.HeldAuthor, ledger.HeldClass, ledger.HeldMalformed, ledger.HeldTooLarge:
		return ledger.HeldScope
	case ledger.HeldScopeUnknown:
		return ledger.HeldScopeUnknown
	}
	return ledger.Admitted
}

// memo holds what the revisions of one record were judged in a batch, so that none
// is judged twice though many lean on it.
type memo struct {
	acts    int // as many acts were known
	done    map[causal.Dot]judged
	missing map[causal.Dot]bool // what was looked for and is not here
}

// memo returns what is known of a record's revisions under the acts known now.
func (b *batch) memo(w *work) *memo {
	if w.memo == nil || w.memo.acts != b.obeyed {
		w.memo = &memo{acts: b.obeyed, done: map[causal.Dot]judged{}, missing: map[causal.Dot]bool{}}
	}
	return w.memo
}

// arrived forgets what was judged without the revision that is here now.
func (w *work) arrived(d causal.Dot) {
	if w.memo != nil && w.memo.missing[d] {
		w.memo = nil
	}
}

// outcome returns what a stored revision comes to: a function of the stored segments
// and acts, never of the order in which they came. It does not decide whether the
// revision's prev is there. Those that it leans on are judged before it, the one that
// leans on nothing first: a chain of any length needs no depth.
func (b *batch) outcome(w *work, p place) (judged, error) {
	line, err := b.leansOn(w, p)
	for _, q := range slices.Backward(line) {
		if err != nil {
			break
		}
		if j, ok := b.believed(w, q); ok {
			b.memo(w).done[q.dot] = j
			continue
		}
		_, _, err = b.weigh(w, q, nil)
	}
	return b.memo(w).done[p.dot], err
}

// leansOn returns the revision at p, the one whose scope its author saw, and so on
// up to one that is judged already; none when p is.
func (b *batch) leansOn(w *work, p place) ([]place, error) {
	var out []place
	var buf []record.Change
	for len(out) <= len(w.places) {
		if _, ok := b.memo(w).done[p.dot]; ok {
			break
		}
		out = append(out, p)
		if w.stands(p) {
			break
		}
		seg, _, err := b.segmentAt(p.leaf)
		if err != nil {
			return nil, err
		}
		rev, err := seg.RevisionIn(p.at, buf)
		if err != nil && !unreadable(err) {
			return nil, err
		}
		i, ok := w.places.find(rev.ScopeSeen.Dot)
		if err != nil || !ok {
			break
		}
		p, buf = w.places[i], rev.Changes
	}
	return out, nil
}

// stands reports whether the verdict at p, which was given before, can be believed
// and says all: nothing is being judged anew, and it is of the revision itself. A kind
// that was not known then may be known now, and nobody has looked again.
func (w *work) stands(p place) bool {
	switch p.verdict {
	case ledger.Waiting, ledger.HeldWithdrawn, ledger.HeldScopeUnknown, ledger.HeldUnknownKind:
		return false
	}
	return !w.doubted
}

// believed returns what the verdict at p says, if it stands.
func (b *batch) believed(w *work, p place) (judged, bool) {
	if !w.stands(p) {
		return judged{}, false
	}
	rev, err := b.revision(p)
	if err != nil {
		return judged{}, false
	}
	j := judged{unruled: p.verdict, verdict: p.verdict}
	j.sets, j.division = b.scopeOf(rev)
	return j, true
}

// weigh judges the revision at p by itself and keeps what it comes to. Its changes
// lie in the memory of buf.
func (b *batch) weigh(w *work, p place, buf []record.Change) (record.Revision, judged, error) {
	rev, v, err := b.withoutRulings(w, p, buf)
	if err != nil {
		return rev, judged{}, err
	}
	j := judged{unruled: v, verdict: v}
	if v != ledger.HeldTooLarge && v != ledger.HeldMalformed {
		j.verdict, err = b.ruled(p.dot, v)
		j.sets, j.division = b.scopeOf(rev)
	}
	b.memo(w).done[p.dot] = j
	return rev, j, err
}

// scopeOf returns the scope that a revision sets, or, erased, set.
func (b *batch) scopeOf(r record.Revision) (sets bool, to record.Division) {
	c, ok := r.Change(record.PathScope)
	return ok, b.scopeIn(r.Dot, c.Value)
}
