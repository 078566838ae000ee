// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"slices"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// law is the design's own word on what a set of stored segments, gap statements
// and certificates comes to: which revisions are received, with which verdict, and
// what each record then is. It is a function of sets and knows no order.
type law struct {
	schema  record.Schema
	certs   map[segment.Hash]segment.Certificate
	of      map[causal.ReplicaID][]sealed
	gaps    map[causal.ReplicaID]causal.Ranges
	fences  map[causal.ReplicaID][]fence
	rulings map[causal.Dot][]ruling
	erased  map[causal.Dot]*syncv1.ErasureAct
	records map[record.ID]*lawRecord
}

// sealed is one stored segment with the certificate it names.
type sealed struct {
	*segment.Segment
	cert segment.Certificate
}

type fence struct {
	by causal.Dot
	*syncv1.Fence
}

type ruling struct {
	by       causal.Dot
	withdraw bool
	*syncv1.Ruling
}

// lawRecord is one record under the law.
type lawRecord struct {
	id   record.ID
	revs map[causal.Dot]*lawRevision
}

// lawRevision is one stored revision; a fork can have it in two segments.
type lawRevision struct {
	dot     causal.Dot
	prev    causal.Dot // zero: none
	rev     record.Revision
	bad     ledger.Verdict // why it cannot be read; 0: it can
	salt    [16]byte
	sources []sealed
	verdict ledger.Verdict // waiting until received
}

// holdings are what a law is about.
type holdings struct {
	segments []*segment.Segment
	gaps     []causal.Range // of replicas' own statements
	certs    []segment.Certificate
}

// newLaw judges everything.
func newLaw(s record.Schema, h holdings) *law {
	l := &law{
		schema: s, certs: map[segment.Hash]segment.Certificate{}, of: map[causal.ReplicaID][]sealed{},
		gaps: map[causal.ReplicaID]causal.Ranges{}, fences: map[causal.ReplicaID][]fence{},
		rulings: map[causal.Dot][]ruling{}, erased: map[causal.Dot]*syncv1.ErasureAct{}, records: map[record.ID]*lawRecord{},
	}
	for _, c := range h.certs {
		l.certs[c.Hash] = c
	}
	for _, g := range h.gaps {
		l.gaps[g.Replica] = l.gaps[g.Replica].With(g)
	}
	for _, s := range h.segments {
		l.store(s)
	}
	for _, r := range l.records {
		for _, v := range r.revs {
			l.obey(r, v)
		}
	}
	for _, r := range l.records {
		l.receive(r)
	}
	return l
}

func (l *law) store(s *segment.Segment) {
	h := s.Header()
	src := sealed{s, l.certs[h.Certificate]}
	l.of[h.Replica] = append(l.of[h.Replica], src)
	for i := range s.Len() {
		id, dot := s.RecordID(i), s.Dot(i)
		r := l.records[id]
		if r == nil {
			r = &lawRecord{id: id, revs: map[causal.Dot]*lawRevision{}}
			l.records[id] = r
		}
		if old := r.revs[dot]; old != nil {
			old.sources = append(old.sources, src)
			continue
		}
		r.revs[dot] = newLawRevision(s, i, src)
	}
}

func newLawRevision(s *segment.Segment, i int, src sealed) *lawRevision {
	v := &lawRevision{dot: s.Dot(i), salt: s.Salt(i), sources: []sealed{src}, verdict: ledger.Waiting}
	if p := s.Prev(i); p.Counter > 0 {
		v.prev = causal.Dot{Replica: v.dot.Replica, Counter: p.Counter, Hash: p.Hash}
	}
	rev, err := s.Revision(i)
	v.rev = rev
	if err != nil {
		v.bad = ledger.HeldMalformed
		if s.Size(i) > record.MaxRevision {
			v.bad = ledger.HeldTooLarge
		}
	}
	return v
}

// obey notes what an act of the centre says. Acts name what they saw, so their
// order does not matter.
func (l *law) obey(r *lawRecord, v *lawRevision) {
	if r.id.Kind() > 15 || v.bad != 0 || v.sources[0].cert.Role != segment.RoleCentre {
		return
	}
	c, ok := v.rev.Change(record.Field(1))
	if !ok || c.Value.Form != record.Present {
		return
	}
	var certificate syncv1.CertificateAct
	var cut syncv1.FenceAct
	var release syncv1.ReleaseAct
	var withdrawal syncv1.WithdrawalAct
	var gap syncv1.GapRulingAct
	var erasure syncv1.ErasureAct
	m := map[record.Kind]proto.Message{
		syncengine.KindCertificate: &certificate, syncengine.KindFence: &cut, syncengine.KindRelease: &release,
		syncengine.KindWithdrawal: &withdrawal, syncengine.KindGapRuling: &gap, syncengine.KindErasure: &erasure,
	}[r.id.Kind()]
	if m == nil || proto.Unmarshal(c.Value.Bytes, m) != nil {
		return
	}
	switch r.id.Kind() {
	case syncengine.KindFence:
		id := causal.ReplicaID(cut.GetFence().GetReplica())
		l.fences[id] = append(l.fences[id], fence{v.dot, cut.GetFence()})
	case syncengine.KindRelease:
		l.rule(ruling{v.dot, false, release.GetRelease()})
	case syncengine.KindWithdrawal:
		l.rule(ruling{v.dot, true, withdrawal.GetWithdrawal()})
	case syncengine.KindErasure:
		if d, _, err := causal.DecodeDot(erasure.GetErasure().GetDot()); err == nil {
			l.erased[d] = &erasure
		}
	case syncengine.KindGapRuling:
		g := gap.GetRuling()
		id := causal.ReplicaID(g.GetReplica())
		for i, from := range g.GetFromCounters() {
			l.gaps[id] = l.gaps[id].With(causal.Range{Replica: id, From: from, To: g.GetToCounters()[i]})
		}
	}
}

func (l *law) rule(r ruling) {
	if d, rest, err := causal.DecodeDot(r.GetDot()); err == nil && len(rest) == 0 {
		l.rulings[d] = append(l.rulings[d], r)
	}
}

// receive finds what a record has received: what names no previous save, one that
// is received, or one in a gap.
func (l *law) receive(r *lawRecord) {
	received := map[causal.Dot]bool{}
	for more := true; more; {
		more = false
		for d, v := range r.revs {
			met := v.prev.IsZero() || received[v.prev] || l.gaps[d.Replica].Has(d.Replica, v.prev.Counter)
			if !received[d] && met {
				received[d], more = true, true
			}
		}
	}
	memo := map[causal.Dot]ledger.Verdict{}
	for d, v := range r.revs {
		if received[d] {
			v.verdict = l.judge(r, v, memo)
		}
	}
}

// judge returns the verdict of a revision, whether it waits or not.
func (l *law) judge(r *lawRecord, v *lawRevision, memo map[causal.Dot]ledger.Verdict) ledger.Verdict {
	if done, ok := memo[v.dot]; ok {
		return done
	}
	out := l.unruled(r, v, memo)
	if v.bad == 0 && !l.erased[v.dot].GetUnreadable() {
		out = l.ruled(v.dot, out)
	}
	memo[v.dot] = out
	return out
}

func (l *law) ruled(d causal.Dot, otherwise ledger.Verdict) ledger.Verdict {
	seen := map[string]bool{}
	for _, x := range l.rulings[d] {
		for _, s := range x.GetSeen() {
			seen[string(s)] = true
		}
	}
	out := otherwise
	for _, x := range l.rulings[d] {
		switch {
		case seen[string(x.by.Append(nil))]:
		case x.withdraw:
			return ledger.HeldWithdrawn
		default:
			out = ledger.Admitted
		}
	}
	return out
}

// unruled judges a revision before what the office said of it: admitted when any
// segment that bears it makes it so, else held for the least of the reasons, and
// for a fence only when every such segment lies behind one.
func (l *law) unruled(r *lawRecord, v *lawRevision, memo map[causal.Dot]ledger.Verdict) ledger.Verdict {
	if l.erased[v.dot].GetUnreadable() {
		return ledger.HeldMalformed
	}
	if v.bad != 0 {
		return v.bad
	}
	best := ledger.HeldFence
	for _, src := range v.sources {
		if got := l.source(r, v, src, memo); got != ledger.HeldFence && (best == ledger.HeldFence || got < best) {
			best = got
		}
	}
	return best
}

func (l *law) source(r *lawRecord, v *lawRevision, src sealed, memo map[causal.Dot]ledger.Verdict) ledger.Verdict {
	kind := r.id.Kind()
	centre := src.cert.Role == segment.RoleCentre
	info, known := l.schema.Lookup(kind)
	switch {
	case kind <= 15 && !centre:
		return ledger.HeldNotCentre
	case kind <= 15:
		return ledger.Admitted
	case !known:
		return ledger.HeldUnknownKind
	case slices.ContainsFunc(v.rev.Changes, func(c record.Change) bool {
		return c.Path[0] != record.PathScope[0] && info.Boundary(c.Path) == record.BoundaryWrong
	}):
		return ledger.HeldBoundary
	case !l.insideFences(src):
		return ledger.HeldFence
	case centre:
		return ledger.Admitted
	case !slices.Contains(src.cert.Staff, v.rev.Author):
		return ledger.HeldAuthor
	case !slices.Contains(src.cert.Classes, info.Class):
		return ledger.HeldClass
	}
	division, verdict := l.authority(r, v, memo)
	if verdict == ledger.Admitted && !division.WithinAny(src.cert.Divisions) {
		return ledger.HeldScope
	}
	return verdict
}

// authority says in which division a revision was made: the one its author saw,
// if it really stood there, or the one that a creation sets.
func (l *law) authority(r *lawRecord, v *lawRevision, memo map[causal.Dot]ledger.Verdict) (record.Division, ledger.Verdict) {
	seen := v.rev.ScopeSeen
	if seen.Dot.IsZero() {
		c, ok := v.rev.Change(record.PathScope)
		parents := slices.ContainsFunc(v.rev.Changes, func(c record.Change) bool { return len(c.Parents) > 0 })
		made := r.id.MadeBy(v.dot.Replica, v.salt) || l.erased[v.dot].GetMade()
		if division := l.scopeSet(v.dot, c.Value); ok && division != "" && !parents && made {
			return division, ledger.Admitted
		}
		return "", ledger.HeldScope
	}
	bearer := r.revs[seen.Dot]
	if bearer == nil {
		return "", ledger.HeldScopeUnknown
	}
	switch got := l.lends(r, bearer, memo); got {
	case ledger.Admitted:
	default:
		return "", got
	}
	c, ok := bearer.rev.Change(record.PathScope)
	if !ok || l.scopeSet(bearer.dot, c.Value) != seen.Division {
		return "", ledger.HeldScopeMismatch
	}
	return seen.Division, ledger.Admitted
}

// scopeSet returns the division a revision set, also when its body is gone.
func (l *law) scopeSet(d causal.Dot, v record.Value) record.Division {
	if v.Form == record.Erased {
		return record.Division(l.erased[d].GetScope())
	}
	return record.Division(v.Bytes)
}

// lends says whether the bearer of a scope lends its authority: a held one does,
// unless its own author had no right to set that scope.
func (l *law) lends(r *lawRecord, bearer *lawRevision, memo map[causal.Dot]ledger.Verdict) ledger.Verdict {
	v := l.judge(r, bearer, memo)
	if v == ledger.HeldWithdrawn {
		v = l.unruled(r, bearer, memo)
	}
	switch v {
	case ledger.HeldScope, ledger.HeldScopeMismatch, ledger.HeldAuthor, ledger.HeldClass, ledger.HeldMalformed, ledger.HeldTooLarge:
		return ledger.HeldScope
	case ledger.HeldScopeUnknown:
		return v
	}
	return ledger.Admitted
}

// insideFences reports whether no fence in force on the sealer, or on one whose
// rights it continues, leaves the revision outside.
func (l *law) insideFences(src sealed) bool {
	for _, id := range l.lineage(src.Header().Replica) {
		for _, f := range l.inForce(id) {
			if !slices.ContainsFunc(f.GetHeads(), func(raw []byte) bool {
				return len(raw) == 32 && l.history(src.Header().Replica, segment.Hash(raw))[src.Hash()]
			}) {
				return false
			}
		}
	}
	return true
}

// lineage returns a replica, and every one that any certificate says it continues,
// directly or by others between.
func (l *law) lineage(id causal.ReplicaID) []causal.ReplicaID {
	out := []causal.ReplicaID{id}
	for more := true; more; {
		more = false
		for _, c := range l.certs {
			if slices.Contains(out, c.Replica()) && !c.Predecessor.IsZero() && !slices.Contains(out, c.Predecessor) {
				out, more = append(out, c.Predecessor), true
			}
		}
	}
	return out
}

func (l *law) inForce(id causal.ReplicaID) []fence {
	seen := map[string]bool{}
	for _, f := range l.fences[id] {
		for _, s := range f.GetSeen() {
			seen[string(s)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(l.fences[id]), func(f fence) bool {
		return f.GetLifted() || seen[string(f.by.Append(nil))]
	})
}

// history returns the segments of the history that ends in a segment: back by the
// hashes of previous ones, each of which ends where the next begins. What lay before
// a gap is nobody's to say.
func (l *law) history(of causal.ReplicaID, end segment.Hash) map[segment.Hash]bool {
	all := l.of[of]
	in := map[segment.Hash]bool{}
	for _, s := range all {
		in[s.Hash()] = s.Hash() == end
	}
	for more := true; more; {
		more = false
		for _, later := range all {
			for _, s := range all {
				leads := s.Hash() == later.Header().Previous && s.Last()+1 == later.Header().First
				if in[later.Hash()] && leads && !in[s.Hash()] {
					in[s.Hash()], more = true, true
				}
			}
		}
	}
	return in
}

// state returns what a record is.
func (r *lawRecord) state() record.State {
	var receipts []record.Receipt
	for _, v := range r.revs {
		if v.verdict == ledger.Waiting {
			continue
		}
		rev := v.rev
		rev.Dot = v.dot
		receipts = append(receipts, record.Receipt{Revision: rev, Admitted: v.verdict == ledger.Admitted})
	}
	return record.Define(receipts)
}
