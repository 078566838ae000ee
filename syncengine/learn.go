// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	// scanBytes is about how much of records is read at a time.
	scanBytes = 1 << 20
	// learnBatch is about how many revisions are released, or records written again,
	// in one transaction: pushes come in between.
	learnBatch = 512
)

// LearnKinds releases, as the centre's own act, what was held only because an
// earlier build did not know its kind, and gives records their class where that
// build could not tell it. It returns how many revisions it released. What a failure
// cuts off, the next call does.
func (e *Engine) LearnKinds(ctx context.Context) (released int, err error) {
	for _, scan := range []struct {
		query FeedQuery
		do    func(b *batch, q *FeedQuery) (n int, more bool, err error)
	}{
		{FeedQuery{Classes: []record.Class{record.ClassSensitive}}, (*batch).classify},
		{FeedQuery{Classes: allClasses, Flags: FlagHeld}, (*batch).learn},
	} {
		q := scan.query
		q.Divisions, q.Limit, q.Bytes = everywhere, 1000, scanBytes
		for more := true; more; {
			var n int
			next := q
			err = e.office(ctx, func(b *batch) (err error) {
				next = q
				n, more, err = scan.do(b, &next)
				return err
			})
			if err != nil {
				return released, err
			}
			q, released = next, released+n
		}
	}
	return released, nil
}

// LearnScopes releases, as the centre's own act, what was held after a position only because
// its author saw a division under a code that its certificate did not name yet, and would name now
// (Config.Scopes): a hub had brought the move, and not the certificate. It returns how many revisions
// it released, and the position up to which it has looked.
func (e *Engine) LearnScopes(ctx context.Context, after Position) (released int, reached Position, err error) {
	q := FeedQuery{Classes: allClasses, Flags: FlagHeld, Divisions: everywhere, Limit: 1000, Bytes: scanBytes, After: after, UpTo: e.Position()}
	for more := q.After < q.UpTo; more; {
		var n int
		next := q
		err = e.office(ctx, func(b *batch) (err error) {
			next = q
			n, more, err = b.learnBy(&next, (*batch).releasesScope)
			return err
		})
		if err != nil {
			return released, after, err
		}
		q, released = next, released+n
	}
	return released, q.UpTo, nil
}

// releasesScope returns the acts that release what was held of a record for a code alone.
func (b *batch) releasesScope(id record.ID) ([]OfficeSave, error) {
	w, err := b.record(id)
	if err != nil {
		return nil, err
	}
	var out []OfficeSave
	for _, p := range w.places {
		if p.verdict != ledger.HeldScope {
			continue
		}
		good, err := b.withinToday(w, p)
		if err != nil {
			return nil, err
		}
		if !good {
			continue
		}
		m, err := b.ruling(Ruling{Record: id, Dot: p.dot, Reason: "division has another code now"})
		if err != nil {
			return nil, err
		}
		out = append(out, actSave(KindRelease, releaseAct(m)))
	}
	return out, nil
}

// withinToday reports whether a revision would be admitted under its certificate with the
// divisions that one like it would name today.
func (b *batch) withinToday(w *work, p place) (bool, error) {
	seg, head, err := b.segmentAt(p.leaf)
	if err != nil {
		return false, err
	}
	rev, err := seg.Revision(p.at)
	if unreadable(err) {
		return false, nil
	}
	rev.Dot = p.dot
	cert, ok, err := b.certificate(head.Certificate)
	if err != nil || !ok || !b.e.Recoded(cert) {
		return false, err
	}
	cert.Divisions = b.e.cfg.Scopes(cert.Divisions)
	v, err := b.rule(w, rev, seg.Salt(p.at), source{head, cert})
	return v.Admitted(), err
}

// classify writes records again that went to the fewest because their kind was
// not known, and now have another class. It goes on from q, and reports whether
// there may be more.
func (b *batch) classify(q *FeedQuery) (_ int, more bool, err error) {
	for stale := 0; stale < learnBatch; {
		rows, err := b.tx.Feed(*q)
		if err != nil {
			return 0, false, err
		}
		for _, r := range rows {
			if q.After = r.Position; r.Class == b.e.class(r.ID.Kind()) {
				continue
			}
			w, err := b.record(r.ID)
			if err != nil {
				return 0, false, err
			}
			w.stale = true
			stale++
		}
		if !q.Full(rows) {
			return 0, false, nil
		}
	}
	return 0, true, nil
}

// learn releases what was held in the records from q on, and returns how much, and
// whether there may be more. All releases of a batch lie in few segments.
func (b *batch) learn(q *FeedQuery) (released int, more bool, err error) {
	return b.learnBy(q, (*batch).releases)
}

func (b *batch) learnBy(q *FeedQuery, releases func(*batch, record.ID) ([]OfficeSave, error)) (released int, more bool, err error) {
	var acts []OfficeSave
	for more = true; more && len(acts) < learnBatch; {
		rows, err := b.tx.Feed(*q)
		if err != nil {
			return 0, false, err
		}
		more = q.Full(rows)
		for i, r := range rows {
			one, err := releases(b, r.ID)
			if err != nil {
				return 0, false, err
			}
			acts, q.After = append(acts, one...), r.Position
			if len(acts) >= learnBatch {
				more = more || i < len(rows)-1
				break
			}
		}
	}
	if len(acts) > 0 {
		_, err = b.save("system", acts)
	}
	return len(acts), more, err
}

// releases returns the acts that release what a record's kind alone was held for.
func (b *batch) releases(id record.ID) ([]OfficeSave, error) {
	if _, known := b.e.cfg.Schema.Lookup(id.Kind()); !known {
		return nil, nil
	}
	w, err := b.record(id)
	if err != nil {
		return nil, err
	}
	var out []OfficeSave
	for _, p := range w.places {
		if p.verdict != ledger.HeldUnknownKind {
			continue
		}
		if _, v, err := b.judge(w, p); err != nil {
			return nil, err
		} else if !v.Admitted() {
			continue
		}
		m, err := b.ruling(Ruling{Record: id, Dot: p.dot, Reason: "kind is known now"})
		if err != nil {
			return nil, err
		}
		out = append(out, actSave(KindRelease, releaseAct(m)))
	}
	return out, nil
}
