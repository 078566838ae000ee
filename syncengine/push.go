// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Push stores what a holder hands over and returns when it is on disk (I1). What
// a holder carries for others is taken like its own: authority comes from the
// signatures inside (I10). Errors: ReasonTooMuch over the limits of package
// session, ReasonRolledBack, or the store's; refused segments are results, not
// errors.
func (e *Engine) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	if err := checkPush(q); err != nil {
		return session.PushReply{}, err
	}
	segments, err := e.examineAll(ctx, q)
	if err != nil {
		return session.PushReply{}, fmt.Errorf("push: %w", err)
	}
	var reply session.PushReply
	epoch := e.Epoch()
	for i, job := range jobsOf(q, segments) {
		if err := e.group.do(ctx, e, job); err != nil {
			return session.PushReply{}, fmt.Errorf("push: %w", err)
		}
		if i > 0 && job.epoch != epoch {
			return session.PushReply{}, fmt.Errorf("push: %w: the county was restored meanwhile", ErrAgain)
		}
		epoch = job.epoch
		e.noteBlocked(job)
		reply.Gaps = append(reply.Gaps, job.reply.Gaps...)
		reply.Results = append(reply.Results, job.reply.Results...)
	}
	reply.Acks, err = e.acksFor(epoch, reply.Results)
	return reply, err
}

// examineAll examines the segments of a push by the certificates that came with it
// and those that are stored.
func (e *Engine) examineAll(ctx context.Context, q session.PushRequest) ([]incoming, error) {
	sent := e.presented(q.Certificates)
	segments := make([]incoming, 0, len(q.Segments))
	for _, wire := range q.Segments {
		in, err := e.examine(wire, func(h segment.Hash) (segment.Certificate, bool, error) {
			if c, ok := sent[h]; ok {
				return c, true, nil
			}
			return e.storedCertificate(ctx, h)
		})
		if err != nil {
			return nil, err
		}
		segments = append(segments, in)
	}
	return segments, nil
}

// jobWeight is about how many revisions one job has: some five milliseconds of the
// writer's time. A large push is several jobs, one after the other, so that
// small ones come between.
const jobWeight = 256

// jobsOf cuts a push into jobs, at least one, each with at least one segment when
// there are any; certificates and gaps come first.
func jobsOf(q session.PushRequest, segments []incoming) []*pushJob {
	job := &pushJob{certs: q.Certificates, gaps: q.Gaps}
	jobs := []*pushJob{job}
	for _, in := range segments {
		n := in.weight()
		if len(job.segments) > 0 && job.weight+n > jobWeight {
			job = &pushJob{}
			jobs = append(jobs, job)
		}
		job.segments = append(job.segments, in)
		job.weight += n
	}
	return jobs
}

// segmentWeight is what a segment itself costs the writer, its leaf in the ledger
// above all, counted in revisions.
const segmentWeight = 12

// weight is about how much of the writer's time a segment takes, in revisions.
func (in incoming) weight() int {
	if in.seg == nil {
		return 1
	}
	return in.seg.Len() + segmentWeight
}

func checkPush(q session.PushRequest) error {
	size := 0
	for _, s := range q.Segments {
		size += len(s)
	}
	if len(q.Segments) > session.MaxPushSegments || size > session.MaxPushBytes ||
		len(q.Gaps) > session.MaxPushSegments || len(q.Certificates) > session.MaxCertificates {
		return refuse(ReasonTooMuch, "push", fmt.Errorf("%d segments of %d bytes, %d gaps, %d certificates",
			len(q.Segments), size, len(q.Gaps), len(q.Certificates)))
	}
	if len(q.Envelopes) > 0 {
		return refuse(ReasonInvalid, "push", fmt.Errorf("envelopes must be opened before they reach the engine"))
	}
	return nil
}

// presented returns those of the certificates that the shard signed.
func (e *Engine) presented(raws [][]byte) map[segment.Hash]segment.Certificate {
	out := map[segment.Hash]segment.Certificate{}
	for _, raw := range raws {
		if c, err := e.readCertificate(raw); err == nil {
			out[c.Hash] = c
		}
	}
	return out
}

// pushJob is one push, or a part of one, on its way through the writer.
type pushJob struct {
	certs    [][]byte
	gaps     [][]byte
	segments []incoming
	weight   int // see incoming
	reply    session.PushReply
	epoch    ledger.Epoch // in which it was run
	err      error
	done     chan struct{}
}

// run works one job into a batch.
func (j *pushJob) run(b *batch) error {
	if b.head.stopped {
		return refuse(ReasonRolledBack, "push", errStopped)
	}
	j.reply, j.epoch = session.PushReply{}, b.head.epoch
	if err := b.present(j.certs); err != nil {
		return err
	}
	for _, raw := range j.gaps {
		o, err := b.acceptGap(raw)
		if err != nil {
			return err
		}
		j.reply.Gaps = append(j.reply.Gaps, o)
	}
	for _, in := range j.segments {
		res, err := b.accept(in)
		if err != nil {
			return err
		}
		j.reply.Results = append(j.reply.Results, res)
	}
	return nil
}

// maxGaps is how many gaps a replica may state that do not touch each other. All are
// kept in memory; a device that lost that much is for the office to look at, which
// may rule any number.
const maxGaps = 256

// acceptGap stores a replica's own gap statement as a leaf, before anything that
// came with it is looked at.
func (b *batch) acceptGap(raw []byte) (session.Outcome, error) {
	g, err := segment.ParseGap(raw)
	if err != nil || g.Shard != b.e.shard {
		return session.OutcomeRefused, nil //nolint:nilerr // unreadable: refused, with nothing stored
	}
	cert, ok, err := b.certificate(g.Certificate)
	if err != nil {
		return 0, err
	}
	if !ok || g.Verify(cert.PublicKey) != nil {
		return session.OutcomeRefused, nil
	}
	stated, err := b.gaps(g.Range.Replica)
	if err != nil {
		return 0, err
	}
	if stated.Covers(g.Range.Replica, g.Range.From, g.Range.To) {
		return session.OutcomeAlready, nil
	}
	if len(stated) >= maxGaps {
		return session.OutcomeRefused, nil
	}
	if err := b.stateGap(causal.Dot{}, g.Range); err != nil {
		return 0, err
	}
	return session.OutcomeStored, b.appendLeaf(ledger.Leaf{Gap: g.Raw})
}

// acksFor signs an ack, of the epoch in which they were stored, for every result that is on disk; none
// gives none.
func (e *Engine) acksFor(epoch ledger.Epoch, results []session.SegmentResult) ([]byte, error) {
	a := ledger.Acks{Shard: e.shard, Epoch: epoch}
	for _, r := range results {
		if r.Outcome == session.OutcomeStored || r.Outcome == session.OutcomeAlready {
			a.Segments = append(a.Segments, ledger.StoredSegment{Hash: r.Hash, Index: r.Index, Position: uint64(r.Position)})
		}
	}
	return e.signAcks(a)
}

func (e *Engine) signAcks(a ledger.Acks) ([]byte, error) {
	if len(a.Segments) == 0 {
		return nil, nil
	}
	return ledger.SignAcks(a, e.cfg.ShardKey)
}

// Blocked is a replica whose segments cannot be stored because earlier ones are
// missing: what the office looks at before it rules a gap.
type Blocked struct {
	Replica causal.ReplicaID
	Missing causal.Range // from the first missing counter to the one before the first blocked segment

	segment, previous segment.Hash // the blocked one, and the one that it follows in its history
}

// noteBlocked remembers, until the next restart, who is stuck behind a gap.
func (e *Engine) noteBlocked(j *pushJob) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, r := range j.reply.Results {
		if j.segments[i].seg == nil {
			continue
		}
		h := j.segments[i].seg.Header()
		if r.Outcome == session.OutcomeAlready {
			continue // of another history, perhaps: it filled nothing now
		}
		if r.Outcome != session.OutcomeGap {
			if b, ok := e.blocked[h.Replica]; ok && b.Missing.From <= h.First && h.First <= b.Missing.To+1 {
				delete(e.blocked, h.Replica)
			}
			continue
		}
		if b, ok := e.blocked[h.Replica]; ok && b.Missing.From == r.Expects && b.Missing.To < h.First {
			continue
		}
		e.blocked[h.Replica] = Blocked{
			Replica: h.Replica, Missing: causal.Range{Replica: h.Replica, From: r.Expects, To: h.First - 1}, segment: r.Hash, previous: h.Previous,
		}
	}
}

// Blocked returns the replicas that were stuck behind a gap when this engine last heard of them, and whose
// missing counters nobody has stated gone or handed over since, in order of replica.
func (e *Engine) Blocked(ctx context.Context) (out []Blocked, err error) {
	if !e.shared {
		return e.stuck(), nil
	}
	err = e.view(ctx, func(r Reader) error {
		for _, b := range e.stuck() {
			// Another server may have been given what was missing: in this history, since a fork has other
			// saves under the same counters.
			_, here, err := r.Segment(b.segment)
			if err == nil && !here {
				_, here, err = r.Segment(b.previous)
			}
			if err != nil {
				return err
			}
			if !here {
				out = append(out, b)
			}
		}
		return nil
	})
	return out, err
}

// stuck returns whom this engine noted as blocked and nobody has freed by a statement, in order of replica.
func (e *Engine) stuck() []Blocked {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]Blocked, 0, len(e.blocked))
	for r, b := range e.blocked {
		stated := gapRanges(r, e.head.acts[actKey{ActGap, string(r[:])}])
		if !stated.Covers(r, b.Missing.From, b.Missing.To) {
			out = append(out, b)
		}
	}
	sortBy(out, func(b Blocked) causal.ReplicaID { return b.Replica }, causal.ReplicaID.Compare)
	return out
}
