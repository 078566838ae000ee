// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Violation is one broken invariant, named with what breaks it.
type Violation struct {
	Invariant string // "I1" … "I12"
	What      string // ids and numbers only
}

// VerifyOptions say how thoroughly to look.
type VerifyOptions struct {
	// Replay also rebuilds every state from the ledger's leaves in their order and
	// compares it with the stored one.
	Replay bool
	// Progress, when set, is called now and then with the work done of the total.
	Progress func(done, total int64)
}

// VerifyReport is what Verify found.
type VerifyReport struct {
	Leaves, Segments, Revisions, Records int64
	Held, Waiting                        int64
	Replayed                             bool
	Violations                           []Violation // at most maxViolations
}

// OK reports whether nothing was found broken.
func (r VerifyReport) OK() bool { return len(r.Violations) == 0 }

const maxViolations = 100

// Verify walks the whole store in one snapshot and names every broken invariant. What
// cannot be read is broken, and it goes on behind that. Its error says that it could
// not look, not that something is broken.
func (e *Engine) Verify(ctx context.Context, o VerifyOptions) (VerifyReport, error) {
	var v *verifier
	err := e.view(ctx, func(r Reader) error {
		h, err := readHead(r)
		if err != nil {
			return err
		}
		v = &verifier{
			ctx: ctx, e: e, r: r, head: h, progress: o.Progress, total: int64(h.size),
			changed: map[causal.Dot]change{}, seen: map[ledger.Index]int{}, sums: map[SumKey]Sum{},
		}
		if o.Replay {
			v.total *= 2
		}
		if err := v.ledger(); err != nil {
			return err
		}
		if err := v.records(); err != nil {
			return err
		}
		if err := v.departures(); err != nil {
			return err
		}
		if err := v.complete(); err != nil {
			return err
		}
		if o.Replay {
			v.report.Replayed = true
			return v.replay()
		}
		return nil
	})
	if err == nil {
		err = v.files()
	}
	if err != nil {
		return VerifyReport{}, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

// files has the store look at its own files, if it can.
func (v *verifier) files() error {
	store, ok := v.e.cfg.Store.(Checker)
	if !ok {
		return nil
	}
	findings, err := store.Check(v.ctx)
	for _, f := range findings {
		v.broken("I1", "%s", f)
	}
	if err != nil && v.ctx.Err() == nil {
		v.broken("I1", "the store cannot be read to its end: %v", err)
		return nil
	}
	return err
}

// unread notes that something could not be read, and returns an error only when that
// is because nobody wants to know any more.
func (v *verifier) unread(invariant, what string, err error) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	v.broken(invariant, "%s cannot be read: %v", what, err)
	return nil
}

// verifier holds one walk.
type verifier struct {
	ctx         context.Context
	e           *Engine
	r           Reader
	head        head
	progress    func(done, total int64)
	done, total int64
	report      VerifyReport

	changed map[causal.Dot]change // last changed verdict of a revision
	seen    map[ledger.Index]int  // places that name a leaf
	lens    []int                 // revisions per leaf
	sums    map[SumKey]Sum
}

// change is a verdict that a later leaf gave.
type change struct {
	leaf    ledger.Index
	verdict ledger.Verdict
}

func (v *verifier) broken(invariant, format string, args ...any) {
	if len(v.report.Violations) < maxViolations {
		v.report.Violations = append(v.report.Violations, Violation{invariant, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) step() error {
	if v.done++; v.progress != nil && v.done%256 == 0 {
		v.progress(v.done, v.total)
	}
	return v.ctx.Err()
}

// ledger walks the leaves: their tree, their segments and signatures.
func (v *verifier) ledger() error {
	tree := ledger.NewBatch(noHashes{}, 0)
	for i := range ledger.Index(v.head.size) {
		raw, ok, err := v.r.Leaf(i)
		if err != nil {
			if err := v.unread("I1", fmt.Sprintf("leaf %d", i), err); err != nil {
				return err
			}
		} else if !ok {
			v.broken("I1", "leaf %d is missing", i)
		}
		if _, err := tree.Add(raw); err != nil {
			return err
		}
		if err := v.leaf(i, raw); err != nil {
			return err
		}
		if err := v.step(); err != nil {
			return err
		}
	}
	v.report.Leaves = int64(v.head.size)
	return v.tree(tree)
}

// noHashes answers for the tree before its first leaf.
type noHashes struct{}

func (noHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	if len(indexes) > 0 {
		return nil, errors.New("an empty tree has no hashes")
	}
	return nil, nil
}

// tree compares the hashes made anew with the stored ones.
func (v *verifier) tree(made *ledger.Batch) error {
	hashes, _ := made.Stored()
	indexes := make([]int64, len(hashes))
	for i := range indexes {
		indexes[i] = int64(i)
	}
	const part = 4096
	for from := 0; from < len(indexes); from += part {
		to := min(from+part, len(indexes))
		stored, err := v.r.ReadHashes(indexes[from:to])
		if err != nil {
			v.broken("I11", "tree hashes %d..%d cannot be read", from, to-1)
			return nil //nolint:nilerr // reported as broken
		}
		for i, h := range stored {
			if h != hashes[from+i] {
				v.otherHash(int64(from + i))
			}
		}
	}
	return nil
}

// otherHash notes a tree hash that is not as made from the leaves: either is damaged.
func (v *verifier) otherHash(n int64) {
	if level, leaf := tlog.SplitStoredHashIndex(n); level == 0 {
		v.broken("I11", "leaf %d and its tree hash %d are not of each other", leaf, n)
		return
	}
	v.broken("I11", "tree hash %d is not that of the leaves", n)
}

func (v *verifier) leaf(i ledger.Index, raw []byte) error {
	v.lens = append(v.lens, 0)
	l, err := ledger.DecodeLeaf(raw)
	if err != nil {
		v.broken("I1", "leaf %d cannot be read", i)
		return nil //nolint:nilerr // reported as broken
	}
	for _, c := range l.Changed {
		v.changed[c.Dot] = change{i, c.Verdict}
	}
	if l.Gap != nil {
		return nil
	}
	v.report.Segments++
	seg, head, err := v.e.openStored(v.r, i)
	if err != nil || head.Hash != l.Segment || seg.Len() != len(l.Verdicts) {
		v.broken("I1", "the segment of leaf %d is missing or damaged: %v", i, err)
		return nil
	}
	v.lens[i] = seg.Len()
	v.report.Revisions += int64(seg.Len())
	return v.signature(i, seg, head)
}

func (v *verifier) signature(i ledger.Index, seg *segment.Segment, head SegmentHead) error {
	cert, ok, err := v.e.certificate(v.r, head.Certificate)
	if err != nil {
		return v.unread("I10", fmt.Sprintf("the certificate of the segment of leaf %d", i), err)
	}
	if !ok || seg.Verify(cert.PublicKey) != nil {
		v.broken("I10", "the segment of leaf %d has no good signature", i)
		return nil
	}
	h := seg.Header()
	if h.First != head.First || seg.Last() != head.Last || h.Replica != head.Replica || h.Previous != head.Previous {
		v.broken("I1", "the head of the segment at leaf %d says other than its bytes", i)
	}
	return v.chain(i, head, cert)
}

// chain wants a segment's counters to follow stored ones or a stated gap (I5).
func (v *verifier) chain(i ledger.Index, head SegmentHead, cert segment.Certificate) error {
	if head.First == 1 || cert.Role == segment.RoleCentre {
		return nil
	}
	prev, ok, err := v.r.Segment(head.Previous)
	if err != nil {
		return v.unread("I5", fmt.Sprintf("the segment before that of leaf %d", i), err)
	}
	if ok && prev.Replica == head.Replica && prev.Last+1 == head.First {
		return nil
	}
	gaps := gapRanges(head.Replica, v.head.acts[actKey{ActGap, string(idBytes(head.Replica))}])
	if !gaps.Has(head.Replica, head.First-1) {
		v.broken("I5", "the segment of leaf %d follows nothing", i)
	}
	return nil
}

// records walks the feed: each record's state against its revisions, its row
// against its state.
func (v *verifier) records() error {
	q := FeedQuery{Divisions: everywhere, Classes: allClasses, Limit: 500, Bytes: scanBytes}
	last := Position(0)
	for {
		rows, end, err := v.page(q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Position <= last || row.Position > v.head.position {
				v.broken("I5", "record %s stands at position %d after %d", row.ID, row.Position, last)
			}
			last = row.Position
			if err := v.record(row); err != nil {
				return err
			}
		}
		if q.After = end; end == v.head.position {
			return v.piles()
		}
	}
}

// page reads a page of the feed and returns where it ends. Of one that cannot be read
// as a whole it reads each position, and names those that it cannot.
func (v *verifier) page(q FeedQuery) (rows []RecordRow, end Position, err error) {
	rows, err = v.r.Feed(q)
	switch {
	case err == nil && q.Full(rows):
		return rows, rows[len(rows)-1].Position, nil
	case err == nil:
		return rows, v.head.position, nil
	}
	rows = nil
	for end = q.After; end < min(q.After+Position(q.Limit), v.head.position); end++ {
		one := FeedQuery{After: end, UpTo: end + 1, Divisions: q.Divisions, Classes: q.Classes, Limit: 1}
		row, err := v.r.Feed(one)
		if err != nil {
			if err := v.unread("I3", fmt.Sprintf("the record at position %d", end+1), err); err != nil {
				return nil, 0, err
			}
		}
		rows = append(rows, row...)
	}
	return rows, end, nil
}

func (v *verifier) record(row RecordRow) error {
	v.report.Records++
	s, ps, err := row.decode()
	if err != nil {
		v.broken("I3", "record %s: its row cannot be read", row.ID)
		return nil //nolint:nilerr // reported as broken
	}
	receipts, err := v.receipts(row, ps)
	if err != nil || receipts == nil && len(ps) > 0 {
		return err
	}
	if made := record.Define(receipts).Append(nil); !bytes.Equal(made, row.State) {
		v.broken("I3", "record %s: its state is not that of its revisions", row.ID)
	}
	w := &work{row: row, state: s, places: ps}
	if flagsOf(w) != row.Flags || v.e.class(row.ID.Kind()) != row.Class {
		v.broken("I8", "record %s: its flags or class are not those of its state", row.ID)
	}
	if live := s.Divisions(); len(live) > 0 && !slices.Equal(live, row.Divisions) {
		v.broken("I6", "record %s: it is sent elsewhere than where it is", row.ID)
	}
	if row.received() && !row.huge() {
		print := record.Fingerprint(row.ID, row.State)
		for _, d := range row.Divisions {
			k := SumKey{d, row.Class}
			v.sums[k] = v.sums[k].add(print, +1)
		}
	}
	return nil
}

// receipts reads the revisions of a record and holds their verdicts against the
// ledger's. nil means that something was broken and told.
func (v *verifier) receipts(row RecordRow, ps places) ([]record.Receipt, error) {
	out := make([]record.Receipt, 0, len(ps))
	for _, p := range ps {
		v.seen[p.leaf]++
		seg, _, err := v.e.openStored(v.r, p.leaf)
		if err != nil || p.at >= seg.Len() || seg.Dot(p.at) != p.dot || seg.RecordID(p.at) != row.ID {
			v.broken("I2", "record %s: revision %s is not where it should be", row.ID, p.dot)
			return nil, nil
		}
		told, err := v.told(p)
		if err != nil {
			return nil, err
		}
		if told != p.verdict {
			v.broken("I11", "record %s: revision %s is %s, the ledger says %s", row.ID, p.dot, p.verdict, told)
		}
		switch {
		case p.verdict.Waiting():
			v.report.Waiting++
			continue
		case p.verdict.Held():
			v.report.Held++
		}
		rev, err := seg.Revision(p.at)
		if err != nil && p.verdict.Admitted() {
			v.broken("I2", "record %s: revision %s is admitted and cannot be read", row.ID, p.dot)
		}
		rev.Dot = p.dot
		out = append(out, record.Receipt{Revision: rev, Admitted: p.verdict.Admitted()})
	}
	return out, nil
}

// told returns the verdict that the ledger gives a revision.
func (v *verifier) told(p place) (ledger.Verdict, error) {
	if c, ok := v.changed[p.dot]; ok && c.leaf > p.leaf {
		return c.verdict, nil
	}
	raw, _, err := v.r.Leaf(p.leaf)
	if err != nil {
		return 0, v.ctx.Err() // a damaged leaf is told of elsewhere
	}
	l, err := ledger.DecodeLeaf(raw)
	if err != nil || p.at >= len(l.Verdicts) {
		return 0, nil //nolint:nilerr // a damaged leaf is told of elsewhere
	}
	return l.Verdicts[p.at], nil
}

func (v *verifier) piles() error {
	stored, err := v.r.Sums()
	if err != nil {
		return v.unread("I12", "the fingerprints", err)
	}
	if !maps.Equal(stored, v.sums) {
		for k, s := range v.sums {
			if stored[k] != s {
				v.broken("I12", "the fingerprint of division %s, class %d is not that of its records", k.Division, k.Class)
			}
		}
		if len(stored) != len(v.sums) {
			v.broken("I12", "%d piles are stored, %d are due", len(stored), len(v.sums))
		}
	}
	return nil
}

// departures wants each departure to be of a record that changed then or later and is
// not where it departed from; one that is too large to be sent departed from anywhere,
// and one whose kind was not known yet departed from the class of such.
func (v *verifier) departures() error {
	all, err := v.r.Departures(0, 0, everywhere, allClasses, math.MaxInt32)
	if err != nil {
		return v.unread("I6", "the departures", err)
	}
	for _, d := range all {
		row, ok, err := v.r.Record(d.Record)
		if err != nil {
			continue // told of elsewhere
		}
		there := slices.Contains(row.Divisions, d.Division) && !row.huge()
		known := d.Class == v.e.class(d.Record.Kind()) || d.Class == record.ClassSensitive
		if !ok || there || row.Position < d.Position || !known {
			v.broken("I6", "record %s: its departure at position %d is not one of it", d.Record, d.Position)
		}
	}
	return v.ctx.Err()
}

// complete wants every stored revision to be in its record (I2). Only segments
// named by fewer places than they have revisions are looked at again: the same
// save may stand in two segments of a fork.
func (v *verifier) complete() error {
	for i, n := range v.lens {
		at := ledger.Index(i)
		if v.seen[at] == n {
			continue
		}
		seg, _, err := v.e.openStored(v.r, at)
		if err != nil {
			continue // a damaged segment is told of elsewhere
		}
		for k := range seg.Len() {
			if err := v.inItsRecord(at, seg, k); err != nil {
				return err
			}
		}
	}
	return v.ctx.Err()
}

// inItsRecord wants a stored revision to be in its record.
func (v *verifier) inItsRecord(at ledger.Index, seg *segment.Segment, k int) error {
	id := seg.RecordID(k)
	row, ok, err := v.r.Record(id)
	if err != nil {
		return v.unread("I2", fmt.Sprintf("record %s, of which leaf %d has a revision,", id, at), err)
	}
	_, ps, err := row.decode()
	if _, found := ps.find(seg.Dot(k)); !ok || err != nil || !found {
		v.broken("I2", "revision %s of leaf %d is not in record %s", seg.Dot(k), at, id)
	}
	return nil
}
