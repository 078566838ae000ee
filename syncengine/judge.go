// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"errors"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// rules are decisions of the engine that tests replace by wrong ones, to see the
// simulation notice.
type rules struct {
	// received: is prev there?
	received func(record.State, causal.Dot) bool
	// settles: is what waits or is held looked at again when something arrives?
	settles bool
	// authority: which division is a revision judged on?
	authority func(b *batch, w *work, r record.Revision, salt [16]byte) (record.Division, ledger.Verdict, error)
	// fenceByHash: does a fence go by the history's hash, not by counter alone?
	fenceByHash bool
	// gapsInLedger: are stated gaps kept?
	gapsInLedger bool
	// forks: are two segments of one replica of two histories?
	forks func(b *batch, o, head SegmentHead, seg *segment.Segment) bool
	// late: is an original that turns up after its gap was stated taken?
	late bool
	// actsGoDown: are the centre's own segments sent to those who could give them back?
	actsGoDown bool
	// headAfterCommit: does a batch's head become the engine's only once it is on disk?
	headAfterCommit bool
	// marks: does an update go on from what other engines committed, and a view obey it?
	marksInUpdates, marksInViews bool
	// answerAfterCommit: is a push acknowledged only once it is on disk?
	answerAfterCommit bool
}

var lawful = rules{
	received:     record.State.Received,
	settles:      true,
	authority:    (*batch).seen,
	fenceByHash:  true,
	gapsInLedger: true,
	forks:        (*batch).forks,
	late:         true,
	actsGoDown:   true,

	headAfterCommit:   true,
	marksInUpdates:    true,
	marksInViews:      true,
	answerAfterCommit: true,
}

// judge judges a stored revision anew and returns it with its verdict.
func (b *batch) judge(w *work, p place) (record.Revision, ledger.Verdict, error) {
	rev, j, err := b.weigh(w, p, nil)
	return rev, j.verdict, err
}

// withoutRulings judges a revision before what the office said of it. A fork can
// have sealed the same save twice, under certificates of different rights: then
// it is admitted if one of them admits it, else held for the least reason.
func (b *batch) withoutRulings(w *work, p place, buf []record.Change) (record.Revision, ledger.Verdict, error) {
	seg, head, err := b.segmentAt(p.leaf)
	if err != nil {
		return record.Revision{}, 0, err
	}
	rev, err := seg.RevisionIn(p.at, buf)
	rev.Dot = p.dot
	switch {
	case errors.Is(err, record.ErrTooLarge):
		return rev, ledger.HeldTooLarge, nil
	case err != nil, seg.Erased(p.at) && b.erasure(p.dot).GetUnreadable():
		return rev, ledger.HeldMalformed, nil
	}
	v, err := b.ruleFrom(w, rev, seg.Salt(p.at), head)
	if err != nil || v.Admitted() {
		return rev, v, err
	}
	twins, err := b.twins(head, p.dot)
	for _, twin := range twins {
		other, terr := b.ruleFrom(w, rev, seg.Salt(p.at), twin)
		v, err = lighter(v, other), errors.Join(err, terr)
	}
	return rev, v, err
}

// lighter returns that of two verdicts on one save by which it is known. What one
// history brought before its end is not held for a fence that cut another off,
// whatever else it is held for.
func lighter(a, b ledger.Verdict) ledger.Verdict {
	switch {
	case a == ledger.HeldFence:
		return b
	case b == ledger.HeldFence:
		return a
	}
	return min(a, b)
}

// ruleFrom judges a readable revision as one of the segment at head.
func (b *batch) ruleFrom(w *work, r record.Revision, salt [16]byte, head SegmentHead) (ledger.Verdict, error) {
	cert, ok, err := b.certificate(head.Certificate)
	if err != nil || !ok {
		return 0, errors.Join(err, missing(ok, head.Certificate))
	}
	return b.rule(w, r, salt, source{head, cert})
}

// twins returns the other segments that hold the save named d. Only a replica
// that forked has any.
func (b *batch) twins(head SegmentHead, d causal.Dot) ([]SegmentHead, error) {
	if !b.forked(head.Replica) {
		return nil, nil
	}
	heads, err := b.segmentsOf(head.Replica, d.Counter)
	if err != nil {
		return nil, err
	}
	var out []SegmentHead
	for _, h := range heads {
		if h.Index == head.Index {
			continue
		}
		if same, err := b.bears(h, d); err != nil {
			return nil, err
		} else if same {
			out = append(out, h)
		}
	}
	return out, nil
}

// forked reports whether two histories of a replica are known.
func (b *batch) forked(r causal.ReplicaID) bool {
	forks, err := b.lookup(ActFork, r[:])
	return err == nil && len(forks) > 0
}

func missing(ok bool, h segment.Hash) error {
	if ok {
		return nil
	}
	return errors.New("no certificate " + h.String())
}

// rule judges a readable revision by its certificate and what its author saw
// (I10), before anything the office ruled about it.
func (b *batch) rule(w *work, r record.Revision, salt [16]byte, src source) (ledger.Verdict, error) {
	if v := b.ruleKind(r, src.cert); !v.Admitted() {
		return v, nil
	}
	if good, err := b.withinFence(src.head); err != nil || !good {
		return ledger.HeldFence, err
	}
	if src.cert.Role == segment.RoleCentre {
		return ledger.Admitted, nil
	}
	if !src.cert.Role.Saves() || !slices.Contains(src.cert.Staff, r.Author) {
		return ledger.HeldAuthor, nil // nobody is an author by a desk's key
	}
	if !slices.Contains(src.cert.Classes, b.e.class(r.Record.Kind())) {
		return ledger.HeldClass, nil
	}
	division, v, err := b.e.rules.authority(b, w, r, salt)
	if err != nil || !v.Admitted() {
		return v, err
	}
	if !division.WithinAny(src.cert.Divisions) {
		return ledger.HeldScope, nil
	}
	return ledger.Admitted, nil
}

// ruleKind judges what can be seen from the revision and the schema alone.
func (b *batch) ruleKind(r record.Revision, cert segment.Certificate) ledger.Verdict {
	kind := r.Record.Kind()
	if kind <= maxActKind {
		if cert.Role != segment.RoleCentre {
			return ledger.HeldNotCentre
		}
		if _, err := parseAct(r); err != nil {
			return ledger.HeldMalformed
		}
		return ledger.Admitted
	}
	info, ok := b.e.cfg.Schema.Lookup(kind)
	if !ok {
		return ledger.HeldUnknownKind
	}
	if info.OfficeOnly && cert.Role != segment.RoleCentre {
		return ledger.HeldNotCentre
	}
	if !b.cutRight(kind, info, r.Changes) {
		return ledger.HeldBoundary
	}
	return ledger.Admitted
}

// cutRight reports whether no change is cut elsewhere than at a register of its
// kind. Forms of a kind have most paths in common, so those of the last one that
// was cut right are compared before the schema is asked.
func (b *batch) cutRight(kind record.Kind, info record.KindInfo, changes []record.Change) bool {
	known, asked := b.known[kind], 0
	for i := range changes {
		p := changes[i].Path
		for len(known) > 0 && known[0] < p {
			known = known[1:]
		}
		if headerPath(p) || len(known) > 0 && known[0] == p {
			continue
		}
		if asked++; info.Boundary(p) == record.BoundaryWrong {
			return false
		}
	}
	if asked > len(changes)/4 {
		b.known[kind] = pathsOf(changes)
	}
	return true
}

func pathsOf(changes []record.Change) []record.Path {
	out := make([]record.Path, len(changes))
	for i := range changes {
		out[i] = changes[i].Path
	}
	return out
}

// headerPath reports whether p is a register that every kind has.
func headerPath(p record.Path) bool { return p != "" && p[0] == record.PathScope[0] }

// seen returns the division that a revision is judged on: the one its author's
// screen showed, if that value really stood there, or the one that a creation
// sets. Today's scope does not enter.
func (b *batch) seen(w *work, r record.Revision, salt [16]byte) (record.Division, ledger.Verdict, error) {
	d := r.ScopeSeen
	if d.Dot.IsZero() {
		return b.created(r, salt)
	}
	for _, e := range w.state.Live {
		if !w.doubted && e.Dot == d.Dot && e.Path == record.PathScope {
			return d.Division, matches(b.scopeIn(e.Dot, e.Value), d), nil // the usual case, without unpacking a segment
		}
	}
	i, ok := w.places.find(d.Dot)
	if !ok {
		b.memo(w).missing[d.Dot] = true
		return "", ledger.HeldScopeUnknown, nil
	}
	bearer, err := b.outcome(w, w.places[i])
	if v := bearer.lends(); err != nil || !v.Admitted() {
		return "", v, err
	}
	if !bearer.sets {
		return "", ledger.HeldScopeMismatch, nil
	}
	return d.Division, matches(bearer.division, d), nil
}

// matches holds a scope seen against what the revision that bore it set.
func matches(set record.Division, s record.ScopeSeen) ledger.Verdict {
	if set == s.Division {
		return ledger.Admitted
	}
	return ledger.HeldScopeMismatch
}

// scopeIn returns the division that a value of the scope register says, or, when
// its body was erased, said; empty for none.
func (b *batch) scopeIn(d causal.Dot, v record.Value) record.Division {
	switch v.Form {
	case record.Present:
		return record.Division(v.Bytes)
	case record.Erased:
		return record.Division(b.erasure(d).GetScope())
	}
	return ""
}

// created judges a revision that saw no scope: it must be the one that makes the
// record, by the replica whose id is inside the record's id, and replace nothing.
func (b *batch) created(r record.Revision, salt [16]byte) (record.Division, ledger.Verdict, error) {
	c, ok := r.Change(record.PathScope)
	made := r.Record.MadeBy(r.Dot.Replica, salt) || c.Value.Form == record.Erased && b.erasure(r.Dot).GetMade()
	division := b.scopeIn(r.Dot, c.Value)
	if !ok || !division.Valid() || !made {
		return "", ledger.HeldScope, nil
	}
	for _, c := range r.Changes {
		if len(c.Parents) > 0 {
			return "", ledger.HeldScope, nil
		}
	}
	return division, ledger.Admitted, nil
}

// ruled lets the office's rulings on a revision override the rules: any
// withdrawal that no later ruling has seen holds it, else any such release admits
// it. What cannot be read is never asked about: it cannot be released.
func (b *batch) ruled(d causal.Dot, v ledger.Verdict) (ledger.Verdict, error) {
	var key [causal.DotSize]byte
	rulings, err := b.lookup(ActRuling, d.Append(key[:0]))
	if err != nil || len(rulings) == 0 {
		return v, err
	}
	released, withdrawn := rulingHeads(rulings)
	switch {
	case withdrawn:
		return ledger.HeldWithdrawn, nil
	case released:
		return ledger.Admitted, nil
	}
	return v, nil
}
