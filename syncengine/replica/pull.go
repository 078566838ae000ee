// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// pull takes what changed, and once more from nothing when the states here do not
// add up to the centre's.
func (s *syncRun) pull(ctx context.Context) error {
	for range 2 {
		last, err := s.pullOnce(ctx)
		if errors.Is(err, ErrHistoryRewritten) && !s.atCentre() {
			s.report.Contradicted = true // for the centre to explain: the hub only relays
			return nil
		}
		if err != nil {
			return err
		}
		if !s.atCentre() {
			return nil
		}
		same, err := s.addsUp(ctx, last)
		if s.report.Complete = same; err != nil || same {
			return err
		}
		if s.report.Repulled {
			break
		}
		s.r.cfg.Log.Warn("states differ from the centre's, pulling all again", "position", uint64(last.Position))
		s.report.Repulled = true
		if err := s.r.update(ctx, func(tx Tx) error { return tx.Delete(Peers, s.Hub[:]) }); err != nil {
			return err
		}
	}
	return ErrFingerprint
}

// addsUp compares the states here with the sums of the caller's scope.
func (s *syncRun) addsUp(ctx context.Context, last *session.Summary) (bool, error) {
	var own []session.Sum
	err := s.r.view(ctx, func(tx Reader) (err error) {
		if err := s.sameRights(tx); err != nil {
			return err
		}
		own, err = ownSums(tx, s.rights)
		return err
	})
	return sameSums(own, last.Sums), err
}

// pullOnce takes all pages from where the peer's cursor stands and returns the
// summary at the end.
func (s *syncRun) pullOnce(ctx context.Context) (*session.Summary, error) {
	q, err := s.beginPull(ctx)
	if err != nil {
		return nil, err
	}
	var last *session.Summary
	err = s.centre.Pull(ctx, q, func(p session.Page) error {
		if last != nil {
			return fmt.Errorf("a page after the last: %w", ErrPage)
		}
		if err := s.takePage(ctx, p); err != nil {
			return err
		}
		last = p.Last
		s.progress(PhasePull, s.report.Bases, 0)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	if last == nil {
		return nil, fmt.Errorf("pull: no last page: %w", ErrPage)
	}
	return last, nil
}

// beginPull returns what to ask. A pull from nothing gets a number, by which the
// bases it names are told from those it does not.
func (s *syncRun) beginPull(ctx context.Context) (session.PullRequest, error) {
	q := session.PullRequest{PageRecords: s.PageRecords}
	err := s.r.update(ctx, func(tx Tx) error {
		peer, err := readPeer(tx, s.Hub)
		if err != nil {
			return err
		}
		q.Cursor = peer.cursor
		if s.borrowed = 0; !s.atCentre() && s.r.cfg.Schema != nil {
			q.Borrows = true
			if q.Borrowed, err = borrowedFrom(tx, s.Hub); err != nil {
				return err
			}
		}
		if s.atCentre() && len(peer.cursor) == 0 {
			if err := beginFull(tx); err != nil {
				return err
			}
		}
		kept, ok, err := s.keptCheckpoint(tx)
		if ok && s.atCentre() {
			q.CheckpointSize = kept.Size
		}
		return err
	})
	return q, err
}

// noteBetween notes whether a pull from the centre stands between two pages.
func noteBetween(tx Tx, between bool) error {
	if between {
		return putChanged(tx, Values, []byte(valueBetween), []byte{1})
	}
	return tx.Delete(Values, []byte(valueBetween))
}

func beginFull(tx Tx) error {
	n, err := readPulls(tx)
	if err != nil {
		return err
	}
	if err := putValue(tx, valuePulls, binary.BigEndian.AppendUint64(nil, n+1)); err != nil {
		return err
	}
	return tx.PutHead(Peers, centrePeer[:], peerRow{full: true}.pack())
}

// readPulls returns the number of the last full pull begun.
func readPulls(r Reader) (uint64, error) {
	raw, _, err := value(r, valuePulls)
	if err != nil || len(raw) != 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(raw), nil
}

// keptCheckpoint returns the newest checkpoint of this epoch and whether there is one.
func (s *syncRun) keptCheckpoint(tx Reader) (ledger.Checkpoint, bool, error) {
	raw, ok, err := value(tx, valueCheckpoint)
	if err != nil || !ok {
		return ledger.Checkpoint{}, false, err
	}
	pub, err := shardKey(tx)
	if err != nil {
		return ledger.Checkpoint{}, false, err
	}
	c, err := ledger.OpenCheckpoint(raw, pub)
	return c, err == nil && c.Epoch == s.epoch, err
}

// takePage takes one page as a whole, together with its cursor. The last one is
// taken only after what it says of the ledger was found true. A page for another
// certificate than the present one is not taken: it names what that one covers.
func (s *syncRun) takePage(ctx context.Context, p session.Page) error {
	if p.Epoch != s.epoch {
		return s.pageOfOtherEpoch(ctx, p)
	}
	var checkpoint ledger.Checkpoint
	if p.Last != nil && (s.atCentre() || len(p.Last.Checkpoint) > 0) {
		var err error
		if checkpoint, err = s.checkSummary(ctx, p.Last); err != nil {
			return err
		}
	}
	done, loans := s.report, s.affordable(p.Loans)
	err := s.r.update(ctx, func(tx Tx) error {
		s.report = done
		if err := s.sameRights(tx); err != nil {
			return err
		}
		w := s.r.newBaseWriter(tx)
		from, err := s.source(tx)
		if err != nil {
			return err
		}
		if err := s.takeRows(w, p, from); err != nil {
			return err
		}
		if err := s.takeOffice(tx, p.Segments); err != nil {
			return err
		}
		if err := s.takeLoans(tx, loans); err != nil {
			return err
		}
		if err := s.advance(tx, w, p, from, checkpoint); err != nil {
			return err
		}
		return w.flush()
	})
	if err != nil {
		s.report = done
	}
	return err
}

func (s *syncRun) pageOfOtherEpoch(ctx context.Context, p session.Page) error {
	if s.atCentre() && p.Epoch.Number >= s.epoch.Number {
		return s.enter(ctx, p.Epoch)
	}
	return fmt.Errorf("page of epoch %s in %s: %w", p.Epoch, s.epoch, ErrPage)
}

func (s *syncRun) source(tx Reader) (source, error) {
	from := source{epoch: s.epoch, hub: !s.atCentre()}
	var err error
	if from.pull, err = readPulls(tx); err != nil {
		return from, err
	}
	if from.passed, err = readPassed(tx); err != nil {
		return from, err
	}
	from.cert = s.rights
	return from, nil
}

func (s *syncRun) takeRows(w *baseWriter, p session.Page, from source) error {
	for _, b := range p.Bases {
		taken, err := w.takeBase(b, from)
		if err != nil {
			return err
		}
		if taken {
			s.report.Bases++
		}
	}
	for _, d := range p.Departures {
		taken, err := w.takeDeparture(d, from)
		if err != nil {
			return err
		}
		if taken {
			s.report.Departures++
		}
	}
	return nil
}

// advance keeps the page's cursor and, with the last page, what the pull shows.
func (s *syncRun) advance(tx Tx, w *baseWriter, p session.Page, from source, c ledger.Checkpoint) error {
	peer, err := readPeer(tx, s.Hub)
	if err != nil {
		return err
	}
	full := peer.full
	peer.cursor = p.Cursor
	if s.atCentre() { // the cursor is for the present certificate now
		if err := tx.Delete(Values, []byte(valueNarrowed)); err != nil {
			return err
		}
		if err := noteBetween(tx, p.Last == nil); err != nil {
			return err
		}
	}
	if p.Last != nil {
		peer.full = false
	}
	if err := putChanged(tx, Peers, s.Hub[:], peer.pack()); err != nil || p.Last == nil {
		return err
	}
	if err := takeMarks(tx, s.epoch, p.Last.Marks); err != nil {
		return err
	}
	if err := s.returnLoans(tx, p.Last); err != nil {
		return err
	}
	if !s.atCentre() {
		return nil
	}
	if err := settle(tx, s.epoch, c.Size); err != nil {
		return err
	}
	if full {
		if err := s.finishFull(tx, w, named{s.epoch, p.Last.Position}, from.pull); err != nil {
			return err
		}
	}
	if err := putChanged(tx, Values, []byte(valueCheckpoint), p.Last.Checkpoint); err != nil {
		return err
	}
	passed := passedRow{s.epoch, p.Last.Position, scopeDigest(from.cert)}
	return putChanged(tx, Values, []byte(valuePassed), passed.pack())
}

func (s *syncRun) finishFull(tx Tx, w *baseWriter, at named, pull uint64) error {
	if err := w.sweepUnnamed(at, pull, s.written); err != nil {
		return err
	}
	return pruneAcks(tx, s.epoch)
}

// scopeDigest tells scopes apart: SHA-256 over divisions and classes, sorted.
func scopeDigest(c segment.Certificate) [32]byte {
	var p packer
	for _, d := range slices.Sorted(slices.Values(c.Divisions)) {
		p.blob([]byte(d))
	}
	p.num(0xff)
	for _, k := range slices.Sorted(slices.Values(c.Classes)) {
		p.num(uint64(k))
	}
	return sha256.Sum256(p)
}
