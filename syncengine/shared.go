// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Several engines may work on one store, in processes that know nothing of each other. The store lets one of
// them write at a time, and counts commits (see Marked). What an engine remembers between transactions is its
// head; before it relies on one in a transaction it asks whether that is of the mark which it sees there, and
// else reads it again:
//
//	an update  from the mark that it holds the lock on: nobody else commits until it has
//	a view     from the mark of its own snapshot; a head that is newer than the snapshot stays
//
// So an update is one step from what all the others left, whoever they are, and a view obeys the fences,
// gaps and rulings that its own records were made under. Positions never go back: of two heads that a view
// and an update of one engine hand in at once the later stays. Only an update that finds fewer commits than are
// remembered goes back: the store itself was set back.

// inHand returns the head that a transaction goes on from.
func (e *Engine) inHand(tx Tx) (head, error) {
	h := e.snapshot()
	m, ok := tx.(Marked)
	if !ok || e.alone || !e.rules.marksInUpdates && !h.seen {
		return h, nil
	}
	mark, err := m.Mark()
	if err != nil || h.mark == mark && !h.seen {
		return h, err
	}
	known := h.mark
	if h, err = e.wholeHead(tx); err != nil {
		return h, err
	}
	e.forgetErased(h)
	if mark < known {
		e.setBack(h)
	}
	return h, nil
}

// setBack takes a head that is older than the one at hand. An update sees the last commit there is: somebody
// has put an older state in place of the store's while this engine ran. Whoever has seen more will show it, at
// the next Hello.
func (e *Engine) setBack(h head) {
	e.cfg.Log.Error("the store was set back while the server ran", "position", h.position, "leaves", h.size)
	e.cache.drop()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.head = h
	close(e.wake)
	e.wake = make(chan struct{})
}

// wholeHead reads a head with the sums that updates need.
func (e *Engine) wholeHead(r Reader) (h head, err error) {
	if h, err = readHead(r); err != nil {
		return h, err
	}
	if h.before, err = e.predecessors(r); err != nil {
		return h, err
	}
	if m, ok := r.(Marked); ok {
		h.mark, err = m.Mark()
	}
	return h, err
}

// upToDate sees that the head is that of a snapshot, or a later one.
func (e *Engine) upToDate(r Reader) error {
	m, ok := r.(Marked)
	if !ok || e.alone || !e.rules.marksInViews {
		return nil
	}
	mark, err := m.Mark()
	if err != nil || mark <= e.snapshot().mark {
		return err
	}
	h, err := e.wholeHead(r)
	if err != nil {
		return err
	}
	h.sums, h.seen = nil, true
	e.forgetErased(h)
	e.mu.Lock()
	defer e.mu.Unlock()
	if h.mark <= e.head.mark {
		return nil
	}
	e.head = h
	close(e.wake)
	e.wake = make(chan struct{})
	return nil
}

// forgetErased drops segments from memory when bodies were erased that this engine may still have, or when
// the store is of another epoch.
func (e *Engine) forgetErased(now head) {
	before := e.snapshot()
	if before.epoch != now.epoch || before.acts.count(ActErasure) != now.acts.count(ActErasure) {
		e.cache.drop()
	}
}

// count returns about how many things acts of a family speak.
func (x actIndex) count(f ActFamily) (n int) {
	for k := range x {
		if k.family == f {
			n++
		}
	}
	return n
}

// marked notes that an update committed that changed nothing of the head.
func (e *Engine) marked(mark uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.head.seen && e.head.mark+1 == mark {
		e.head.mark = mark
	}
}

// Refresh has the engine know what others have committed to its store: whoever waits for Changed is woken
// then. Where nobody else writes there is nothing to do.
func (e *Engine) Refresh(ctx context.Context) error {
	if !e.shared {
		return nil
	}
	return e.view(ctx, func(Reader) error { return nil })
}

// An update whose store asks to try again is tried so often and so long: a database that fails over takes
// some ten seconds. Who waits behind it waits as long.
const (
	mostTries = 12
	firstWait = 20 * time.Millisecond
	lastWait  = 5 * time.Second
)

// patiently runs f as an update of the store, again when the store asks for it.
func (e *Engine) patiently(ctx context.Context, f func(Tx) error) error {
	for try, wait := 1, firstWait; ; try, wait = try+1, min(2*wait, lastWait) {
		err := e.cfg.Store.Update(ctx, f)
		if !errors.Is(err, ErrAgain) || try == mostTries {
			return err
		}
		timer := time.NewTimer(wait/2 + time.Duration(rand.Int64N(int64(wait/2)))) // not all at once
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
