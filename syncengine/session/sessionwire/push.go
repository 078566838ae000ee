// SPDX-License-Identifier: Apache-2.0

package sessionwire

import (
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// PushRequestToWire writes q for a shard.
func PushRequestToWire(shard segment.ShardID, q session.PushRequest) *syncv1.PushRequest {
	return &syncv1.PushRequest{
		Shard:        shard[:],
		Certificates: q.Certificates,
		Gaps:         q.Gaps,
		Segments:     q.Segments,
		Envelopes:    q.Envelopes,
	}
}

// PushRequestFromWire reads what PushRequestToWire writes, but the shard. It cannot
// fail: whatever is inside is judged piece by piece.
func PushRequestFromWire(m *syncv1.PushRequest) session.PushRequest {
	return session.PushRequest{
		Certificates: m.GetCertificates(),
		Gaps:         m.GetGaps(),
		Segments:     m.GetSegments(),
		Envelopes:    m.GetEnvelopes(),
	}
}

// PushReplyToWire writes r.
func PushReplyToWire(r session.PushReply) *syncv1.PushResponse {
	m := &syncv1.PushResponse{Acks: r.Acks}
	for _, s := range r.Results {
		m.Results = append(m.Results, resultToWire(s))
	}
	for _, o := range r.Gaps {
		m.Gaps = append(m.Gaps, syncv1.Outcome(o))
	}
	return m
}

// PushReplyFromWire reads what PushReplyToWire writes.
func PushReplyFromWire(m *syncv1.PushResponse) (session.PushReply, error) {
	r := session.PushReply{Acks: m.GetAcks()}
	for _, s := range m.GetResults() {
		res, err := resultFromWire(s)
		if err != nil {
			return r, err
		}
		r.Results = append(r.Results, res)
	}
	for _, o := range m.GetGaps() {
		outcome, err := outcomeFromWire(o)
		if err != nil {
			return r, err
		}
		r.Gaps = append(r.Gaps, outcome)
	}
	return r, nil
}

func outcomeFromWire(o syncv1.Outcome) (session.Outcome, error) {
	if o < syncv1.Outcome_OUTCOME_STORED || o > syncv1.Outcome_OUTCOME_REFUSED {
		return 0, malformed("outcome %d", o)
	}
	return session.Outcome(o), nil
}

func resultToWire(r session.SegmentResult) *syncv1.SegmentResult {
	return &syncv1.SegmentResult{
		SegmentHash: hashToWire(r.Hash),
		Outcome:     syncv1.Outcome(r.Outcome),
		LedgerIndex: uint64(r.Index),
		Position:    uint64(r.Position),
		Expects:     r.Expects,
		Fork:        r.Fork,
		Verdicts:    verdictsToWire(r.Verdicts),
		Reason:      r.Reason,
	}
}

func resultFromWire(m *syncv1.SegmentResult) (r session.SegmentResult, err error) {
	r = session.SegmentResult{
		Position: session.Position(m.GetPosition()),
		Expects:  m.GetExpects(),
		Fork:     m.GetFork(),
		Reason:   m.GetReason(),
	}
	if r.Hash, err = hashFromWire(m.GetSegmentHash()); err != nil {
		return r, err
	}
	if r.Outcome, err = outcomeFromWire(m.GetOutcome()); err != nil {
		return r, err
	}
	index, err := int63(m.GetLedgerIndex(), "ledger index")
	if err != nil {
		return r, err
	}
	r.Index = ledger.Index(index)
	r.Verdicts, err = verdictsFromWire(m.GetVerdicts())
	return r, err
}

func verdictsToWire(verdicts []ledger.Verdict) []*syncv1.VerdictRun {
	var out []*syncv1.VerdictRun
	for i, v := range verdicts {
		if i == 0 || verdicts[i-1] != v {
			out = append(out, &syncv1.VerdictRun{Verdict: syncv1.Verdict(v)})
		}
		out[len(out)-1].Count++
	}
	return out
}

// maxVerdicts is how many revisions one segment can have.
const maxVerdicts = segment.MaxCount

func verdictsFromWire(runs []*syncv1.VerdictRun) ([]ledger.Verdict, error) {
	total := 0
	for _, r := range runs {
		if r.GetCount() == 0 || r.GetCount() > maxVerdicts || !ledger.Verdict(r.GetVerdict()).Valid() {
			return nil, malformed("%d times verdict %d", r.GetCount(), r.GetVerdict())
		}
		if total += int(r.GetCount()); total > maxVerdicts {
			return nil, malformed("%d verdicts", total)
		}
	}
	if total == 0 {
		return nil, nil
	}
	out := make([]ledger.Verdict, 0, total)
	for _, r := range runs {
		for range r.GetCount() {
			out = append(out, ledger.Verdict(r.GetVerdict()))
		}
	}
	return out, nil
}
