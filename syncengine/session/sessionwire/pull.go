// SPDX-License-Identifier: Apache-2.0

package sessionwire

import (
	"golang.org/x/mod/sumdb/tlog"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// PullRequestToWire writes q for a shard.
func PullRequestToWire(shard segment.ShardID, q session.PullRequest) *syncv1.PullRequest {
	return &syncv1.PullRequest{
		Shard:          shard[:],
		Cursor:         q.Cursor,
		CheckpointSize: uint64(q.CheckpointSize),
		PageRecords:    uint32(max(0, min(q.PageRecords, session.MaxPageRecords))),
		Borrows:        q.Borrows,
		Borrowed:       loanNamesToWire(q.Borrowed),
	}
}

// PullRequestFromWire reads what PullRequestToWire writes, but the shard.
func PullRequestFromWire(m *syncv1.PullRequest) (session.PullRequest, error) {
	size, err := int63(m.GetCheckpointSize(), "checkpoint size")
	if err != nil {
		return session.PullRequest{}, err
	}
	borrowed, err := loanNamesFromWire(m.GetBorrowed())
	return session.PullRequest{
		Cursor:         m.GetCursor(),
		CheckpointSize: ledger.Size(size),
		PageRecords:    int(min(m.GetPageRecords(), session.MaxPageRecords)),
		Borrows:        m.GetBorrows(),
		Borrowed:       borrowed,
	}, err
}

func loanNamesToWire(names []session.LoanName) []byte {
	var b []byte
	for _, n := range names {
		b = append(b, n[:]...)
	}
	return b
}

func loanNamesFromWire(b []byte) ([]session.LoanName, error) {
	const size = len(session.LoanName{})
	if len(b)%size != 0 {
		return nil, malformed("names of %d bytes", len(b))
	}
	var out []session.LoanName
	for ; len(b) > 0; b = b[size:] {
		out = append(out, session.LoanName(b[:size]))
	}
	return out, nil
}

// PageToWire writes one page.
func PageToWire(p session.Page) *syncv1.PullResponse {
	m := &syncv1.PullResponse{
		Epoch:    EpochToWire(p.Epoch),
		Bases:    basesToWire(p.Bases),
		Segments: p.Segments,
		Cursor:   p.Cursor,
	}
	for _, d := range p.Departures {
		m.Departures = append(m.Departures, &syncv1.Departure{Record: d.ID[:], Position: uint64(d.Position)})
	}
	for _, l := range p.Loans {
		m.Loans = append(m.Loans, &syncv1.Loan{Part: l.Part, Certificate: l.Certificate})
	}
	if p.Last != nil {
		m.Summary = summaryToWire(*p.Last)
	}
	return m
}

// PageFromWire reads what PageToWire writes.
func PageFromWire(m *syncv1.PullResponse) (p session.Page, err error) {
	p = session.Page{Segments: m.GetSegments(), Cursor: m.GetCursor()}
	if p.Epoch, err = EpochFromWire(m.GetEpoch()); err != nil {
		return p, err
	}
	if p.Bases, err = basesFromWire(m.GetBases()); err != nil {
		return p, err
	}
	for _, d := range m.GetDepartures() {
		id, err := recordFromWire(d.GetRecord())
		if err != nil {
			return p, err
		}
		p.Departures = append(p.Departures, session.Departure{ID: id, Position: session.Position(d.GetPosition())})
	}
	for _, l := range m.GetLoans() {
		p.Loans = append(p.Loans, session.Loan{Part: l.GetPart(), Certificate: l.GetCertificate()})
	}
	if m.GetSummary() != nil {
		p.Last, err = summaryFromWire(m.GetSummary())
	}
	return p, err
}

func recordFromWire(b []byte) (record.ID, error) {
	if len(b) != len(record.ID{}) {
		return record.ID{}, malformed("record id of %d bytes", len(b))
	}
	return record.ID(b), nil
}

// basesToWire writes records column by column; none are nil.
func basesToWire(bases []session.Base) *syncv1.Bases {
	if len(bases) == 0 {
		return nil
	}
	n := len(bases)
	m := &syncv1.Bases{
		Records:        make([]byte, 0, n*len(record.ID{})),
		PositionDeltas: make([]int64, 0, n),
		Classes:        make([]uint32, 0, n),
		DivisionCounts: make([]uint32, 0, n),
		DivisionRefs:   make([]uint32, 0, n),
	}
	table := map[record.Division]uint32{}
	last := session.Position(0)
	for i := range bases {
		b := &bases[i]
		m.Records = append(m.Records, b.ID[:]...)
		m.PositionDeltas = append(m.PositionDeltas, int64(b.Position-last))
		m.Classes = append(m.Classes, uint32(b.Class))
		m.DivisionCounts = append(m.DivisionCounts, uint32(len(b.Divisions)))
		for _, d := range b.Divisions {
			ref, ok := table[d]
			if !ok {
				ref = uint32(len(m.Divisions))
				table[d] = ref
				m.Divisions = append(m.Divisions, string(d))
			}
			m.DivisionRefs = append(m.DivisionRefs, ref)
		}
		last = b.Position
	}
	statesToWire(m, bases)
	return m
}

func basesFromWire(m *syncv1.Bases) ([]session.Base, error) {
	n := len(m.GetStates())
	ids, deltas, classes, counts := m.GetRecords(), m.GetPositionDeltas(), m.GetClasses(), m.GetDivisionCounts()
	if len(ids) != n*len(record.ID{}) || len(deltas) != n || len(classes) != n || len(counts) != n {
		return nil, malformed("columns of %d records differ in length", n)
	}
	if n == 0 {
		return nil, nil
	}
	divisions, err := divisionsFromWire(m)
	if err != nil {
		return nil, err
	}
	states, err := statesFromWire(m)
	if err != nil {
		return nil, err
	}
	out := make([]session.Base, n)
	last := session.Position(0)
	for i := range out {
		if counts[i] > uint32(len(divisions)) || classes[i] > 255 {
			return nil, malformed("record of class %d in %d divisions", classes[i], counts[i])
		}
		last += session.Position(deltas[i])
		out[i] = session.Base{
			ID:        record.ID(ids[:16]),
			Class:     record.Class(classes[i]),
			Position:  last,
			Divisions: divisions[:counts[i]:counts[i]],
			State:     states[i],
		}
		ids, divisions = ids[16:], divisions[counts[i]:]
	}
	if len(divisions) > 0 {
		return nil, malformed("%d divisions of no record", len(divisions))
	}
	return out, nil
}

// divisionsFromWire returns the divisions of all records in a row.
func divisionsFromWire(m *syncv1.Bases) ([]record.Division, error) {
	table := m.GetDivisions()
	for _, d := range table {
		if !record.Division(d).Valid() {
			return nil, malformed("division %q", d)
		}
	}
	out := make([]record.Division, len(m.GetDivisionRefs()))
	for i, ref := range m.GetDivisionRefs() {
		if int(ref) >= len(table) {
			return nil, malformed("division %d of %d", ref, len(table))
		}
		out[i] = record.Division(table[ref])
	}
	return out, nil
}

func summaryToWire(s session.Summary) *syncv1.Summary {
	m := &syncv1.Summary{
		Checkpoint:  s.Checkpoint,
		ExtendsSize: uint64(s.Extends),
		Proof:       joinHashes(s.Proof),
		Position:    uint64(s.Position),
		Marks:       s.Marks,
	}
	for _, sum := range s.Sums {
		m.Sums = append(m.Sums, SumToWire(sum))
	}
	if s.Lends {
		m.Loans = &syncv1.Loans{Names: loanNamesToWire(s.Lent)}
	}
	return m
}

func summaryFromWire(m *syncv1.Summary) (*session.Summary, error) {
	size, err := int63(m.GetExtendsSize(), "checkpoint size")
	if err != nil {
		return nil, err
	}
	s := &session.Summary{
		Checkpoint: m.GetCheckpoint(),
		Extends:    ledger.Size(size),
		Position:   session.Position(m.GetPosition()),
		Marks:      m.GetMarks(),
	}
	if s.Proof, err = splitHashes[tlog.Hash](m.GetProof()); err != nil {
		return nil, err
	}
	for _, sum := range m.GetSums() {
		v, err := SumFromWire(sum)
		if err != nil {
			return nil, err
		}
		s.Sums = append(s.Sums, v)
	}
	s.Lends = m.GetLoans() != nil
	s.Lent, err = loanNamesFromWire(m.GetLoans().GetNames())
	return s, err
}

// SumToWire writes the sum of one pile.
func SumToWire(s session.Sum) *syncv1.PileSum {
	return &syncv1.PileSum{
		Division:     string(s.Division),
		PrivacyClass: uint32(s.Class),
		Count:        s.Count,
		Total:        s.Total[:],
	}
}

// SumFromWire reads what SumToWire writes.
func SumFromWire(m *syncv1.PileSum) (session.Sum, error) {
	d := record.Division(m.GetDivision())
	if !d.Valid() || m.GetPrivacyClass() > 255 || len(m.GetTotal()) != hashSize {
		return session.Sum{}, malformed("sum of division %q", d)
	}
	return session.Sum{
		Division: d,
		Class:    record.Class(m.GetPrivacyClass()),
		Count:    m.GetCount(),
		Total:    [hashSize]byte(m.GetTotal()),
	}, nil
}

// ExtentToWire writes how much there is in a scope.
func ExtentToWire(x session.Extent) *syncv1.ScopeResponse {
	return &syncv1.ScopeResponse{Records: x.Records, StateBytes: x.StateBytes, Sampled: x.Sampled}
}

// ExtentFromWire reads how much there is in a scope.
func ExtentFromWire(m *syncv1.ScopeResponse) session.Extent {
	return session.Extent{Records: m.GetRecords(), StateBytes: m.GetStateBytes(), Sampled: m.GetSampled()}
}
