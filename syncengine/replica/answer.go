// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Fit says how an answer in writing fits where this replica stands now.
type Fit uint8

const (
	// FitsHere: it goes on from here, and all of it was taken as from the centre.
	FitsHere Fit = 1 + iota
	// FitsPartly: it was written for where this replica stood before, or for nobody in
	// particular. What is newer in it was taken; the answer to what is written next has
	// the rest.
	FitsPartly
	// FitsNot: it is of another epoch than this replica has seen. Nothing was taken
	// but what holds in every epoch.
	FitsNot
)

// Answered says what TakeAnswer did.
type Answered struct {
	Report
	Fit Fit
	// Marks is how many backup marks the answer has; Heard, that it has a HelloReply.
	Marks int
	Heard bool
	// Ahead says that some of what is here is newer than the answer, from a hub or
	// another answer, so that its sums say nothing and Complete is false.
	Ahead bool
	// Renewed says that a new certificate came with it.
	Renewed bool
}

// TakeAnswer takes what the centre answered in writing. next returns one thing after
// the other, as the centre has signed it, io.EOF at the end. Whatever came before an
// error of next is kept. The same answer again, an older one, or one that breaks off
// does no harm. It may run beside saves, not beside a Sync (ErrBusy). Other errors:
// ErrNotEnrolled, ErrHistoryRewritten, ErrPage for what the centre would not say, the
// store's, and next's.
func (r *Replica) TakeAnswer(ctx context.Context, next func() (session.Said, error)) (Answered, error) {
	if !r.syncing.TryLock() {
		return Answered{}, ErrBusy
	}
	defer r.syncing.Unlock()
	a := &answer{syncRun: syncRun{r: r, written: true, refused: map[segment.Hash]string{}, stated: map[segment.Hash]bool{}}}
	err := a.run(ctx, next)
	erased, oerr := r.obeyOrders(ctx, err == nil && a.report.Complete)
	a.report.Erased, a.report.Epoch = erased, a.epoch
	a.out.Report, a.out.Fit = a.report, a.fit
	if err = errors.Join(err, oerr); err != nil {
		return a.out, fmt.Errorf("answer: %w", err)
	}
	return a.out, nil
}

// answer is one TakeAnswer.
type answer struct {
	syncRun
	out Answered
	fit Fit
	own bool // it is for the certificate in use
	// current says that no pull was completed since this replica wrote: what the answer
	// says of pushes is the newest there is.
	current bool
	blocked []blockedSegment
	pulling bool // a page was taken as from the centre, or the pull begun
	last    *session.Summary
}

func (a *answer) run(ctx context.Context, next func() (session.Said, error)) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	for {
		said, err := next()
		if errors.Is(err, io.EOF) {
			return a.finish(ctx)
		}
		if err == nil {
			err = a.take(ctx, said)
		}
		if err != nil {
			return err
		}
	}
}

func (a *answer) take(ctx context.Context, said session.Said) error {
	switch {
	case said.Answering != nil && a.fit == 0:
		return a.compare(ctx, *said.Answering)
	case said.Answering != nil || a.fit == 0:
		return fmt.Errorf("it does not say first what it answers: %w", ErrPage)
	case said.PushReply != nil:
		return a.takePushReply(ctx, *said.PushReply)
	case said.Certificate != nil:
		return a.takeCertificate(ctx, said.Certificate)
	case said.HelloReply != nil:
		return a.takeHelloReply(ctx, *said.HelloReply)
	case said.Page != nil:
		return a.takeWrittenPage(ctx, *said.Page)
	}
	return nil
}

// compare finds out how the answer fits. The centre's word for a later epoch is as
// good in writing as over the network; of two epochs with one number, that one is later
// which answers what was written in the other. An older one is no alarm: files get old.
func (a *answer) compare(ctx context.Context, w session.Answering) error {
	if a.fit = FitsPartly; w.Epoch != a.epoch {
		if w.Epoch.Number < a.epoch.Number || w.Epoch.Number == a.epoch.Number && w.Seen != a.epoch {
			a.fit = FitsNot
		} else if err := a.enter(ctx, w.Epoch); !errors.Is(err, errNewEpoch) {
			return err
		}
	}
	a.own = w.Certificate == a.rights.Hash
	if !a.own || a.fit == FitsNot {
		return nil
	}
	return a.r.update(ctx, func(tx Tx) error {
		here, fresh, err := a.stands(tx, w)
		if err != nil || !a.current || !here && (w.CursorHolds || !fresh) {
			return err
		}
		a.fit = FitsHere
		if w.CursorHolds {
			return nil
		}
		return tx.Delete(Peers, centrePeer[:]) // its pages begin from nothing
	})
}

// stands reports whether this replica stands where it wrote from, and whether it has
// never come to the end of a pull in this epoch.
func (a *answer) stands(tx Reader, w session.Answering) (here, fresh bool, err error) {
	peer, err := readPeer(tx, centrePeer)
	if err != nil {
		return false, false, err
	}
	kept, has, err := a.keptCheckpoint(tx)
	a.current = has == (w.Checkpoint > 0) && (!has || kept.Size == w.Checkpoint)
	return bytes.Equal(peer.cursor, w.Cursor), !has, err
}

// takePushReply takes the acks and, where nothing newer can be known, what became of
// each segment.
func (a *answer) takePushReply(ctx context.Context, reply session.PushReply) error {
	return a.r.update(ctx, func(tx Tx) error {
		news, err := takeAcks(tx, reply.Acks)
		if err != nil {
			return err
		}
		a.report.Acks += news
		for _, res := range reply.Results {
			if !a.current || res.Hash.IsZero() {
				continue
			}
			if res.Outcome == session.OutcomeGap {
				a.blocked = append(a.blocked, blockedSegment{res.Hash, res.Expects})
			}
			if err := a.takeResult(tx, res.Hash, res); err != nil {
				return err
			}
		}
		return nil
	})
}

// takeCertificate takes a newer certificate of the key in use.
func (a *answer) takeCertificate(ctx context.Context, raw []byte) error {
	pub, err := a.shardKey(ctx)
	if err != nil {
		return err
	}
	cert, err := segment.ParseCertificate(raw, pub)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPage, err)
	}
	if !a.own || cert.Replica() != a.self.id || !cert.IssuedAt.After(a.rights.IssuedAt) {
		return nil
	}
	before, err := a.cursor(ctx)
	if err != nil {
		return err
	}
	if err := a.r.Enrol(ctx, pub, raw); err != nil {
		return err
	}
	a.rights, a.out.Renewed = cert, true
	after, err := a.cursor(ctx)
	if !bytes.Equal(before, after) {
		a.fit = FitsPartly // other rights: what the cursor claimed is asked for anew
	}
	return err
}

func (a *answer) cursor(ctx context.Context) (cursor []byte, err error) {
	err = a.r.view(ctx, func(tx Reader) error {
		peer, err := readPeer(tx, centrePeer)
		cursor = peer.cursor
		return err
	})
	return cursor, err
}

// takeHelloReply takes what the centre says once it has what was written. What it wants
// is no news: all that is not settled is written next time anyway.
func (a *answer) takeHelloReply(ctx context.Context, reply session.HelloReply) error {
	if err := a.stateGone(ctx); err != nil {
		return err
	}
	a.out.Heard, a.out.Marks = true, len(reply.Marks)
	return a.r.update(ctx, func(tx Tx) error {
		if err := takeCertificates(tx, reply.Certificates, segment.RoleCentre); err != nil {
			return err
		}
		news, err := takeAcks(tx, reply.Acks)
		if err != nil {
			return err
		}
		a.report.Acks += news
		if err := takeMarks(tx, a.epoch, reply.Marks); err != nil || !a.own {
			return err
		}
		a.report.Revoked = a.report.Revoked || reply.Revoked
		return a.lookForFork(tx, reply.OwnHeads)
	})
}

// stateGone states what the centre has just shown that it lacks and that is not here.
// The statements go with what is written next.
func (a *answer) stateGone(ctx context.Context) error {
	if len(a.blocked) == 0 {
		return nil
	}
	_, holes, err := a.explain(ctx, a.blocked)
	a.report.Blocked += len(a.blocked)
	a.blocked = nil
	if err != nil {
		return err
	}
	return a.stateHoles(ctx, holes)
}

// takeWrittenPage takes a page as from the centre where it goes on from here. Where it
// does not, what is newer in it is taken as from a hub. After a page that was taken
// before, the next one goes on from here.
func (a *answer) takeWrittenPage(ctx context.Context, p session.Page) error {
	switch {
	case a.last != nil:
		return fmt.Errorf("a page after the last: %w", ErrPage)
	case p.Epoch != a.epoch:
		return nil
	case a.fit == FitsHere:
		return a.takeNextPage(ctx, p)
	}
	if err := a.takeApart(ctx, p); err != nil || !a.current {
		return err
	}
	cursor, err := a.cursor(ctx)
	if err == nil && len(cursor) > 0 && bytes.Equal(cursor, p.Cursor) && p.Last == nil {
		a.fit = FitsHere
	}
	return err
}

func (a *answer) takeNextPage(ctx context.Context, p session.Page) error {
	if !a.pulling {
		if _, err := a.beginPull(ctx); err != nil {
			return err
		}
		a.pulling = true
	}
	if err := a.takePage(ctx, p); err != nil {
		return err
	}
	a.last = p.Last
	return nil
}

func (a *answer) takeApart(ctx context.Context, p session.Page) error {
	parcel := Parcel{Epoch: p.Epoch, Bases: p.Bases, Departures: p.Departures, Segments: p.Segments}
	if p.Last != nil {
		parcel.Marks = p.Last.Marks
	}
	c, err := a.r.Carry(ctx, parcel)
	a.report.Bases += c.Bases
	a.report.Departures += c.Departures
	a.report.Office += c.Stored
	return err
}

// finish compares the states with the centre's sums. Where they differ, what is
// written next asks for all of them.
func (a *answer) finish(ctx context.Context) error {
	if err := a.stateGone(ctx); err != nil {
		return err
	}
	if err := a.readForked(ctx); err != nil || a.last == nil {
		return err
	}
	same, err := a.addsUp(ctx, a.last)
	if a.report.Complete = same; err != nil || same {
		return err
	}
	if err := a.lookAhead(ctx); err != nil || a.out.Ahead {
		return err
	}
	a.r.cfg.Log.Warn("states differ from the centre's, asking for all again", "position", uint64(a.last.Position))
	return a.r.update(ctx, func(tx Tx) error { return tx.Delete(Peers, centrePeer[:]) })
}

// readForked reads whether somebody else saves under the key in use.
func (a *answer) readForked(ctx context.Context) error {
	return a.r.view(ctx, func(tx Reader) (err error) {
		_, a.report.Forked, err = value(tx, valueForked)
		return err
	})
}

// lookAhead finds out whether anything here is newer than the answer.
func (a *answer) lookAhead(ctx context.Context) error {
	return a.r.view(ctx, func(tx Reader) error {
		return scan(tx, Bases, nil, func(row Row) error {
			b, err := unpackBase(row.Head)
			a.out.Ahead = a.out.Ahead || b.newerThan(named{a.epoch, a.last.Position})
			return err
		})
	})
}
