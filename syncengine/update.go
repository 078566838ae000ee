// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// update runs f as one transaction and, once that is on disk, makes its head the
// engine's. Updates run one after the other, each from the head that the one before
// left. A panic inside becomes a *PanicError: the store rolled back, and the engine
// reads its head from the store again, because nothing else can be believed.
func (e *Engine) update(ctx context.Context, f func(*batch) error) (err error) {
	select {
	case e.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.writing }()
	defer func() {
		if p := recover(); p != nil {
			err = NewPanicError(p)
			e.doubtful = true
			_ = e.certain(ctx) // else the next update tries again
		}
	}()
	if err := e.certain(ctx); err != nil {
		return err
	}
	return e.observed(ctx, f)
}

// certain reads the head from the store when it is in doubt.
func (e *Engine) certain(ctx context.Context) error {
	if !e.doubtful {
		return nil
	}
	e.cache.drop()
	if err := e.load(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("read the head again: %w", err)
	}
	e.doubtful = false
	return nil
}

func (e *Engine) transact(ctx context.Context, f func(*batch) error) (b *batch, err error) {
	err = e.patiently(ctx, func(tx Tx) error {
		b = nil
		h, err := e.inHand(tx)
		if err != nil {
			return err
		}
		b = e.newBatch(tx, h)
		b.leaf = ledger.Index(b.head.size)
		if err := f(b); err != nil {
			return err
		}
		if err := b.flush(); err != nil || b.e.rules.headAfterCommit {
			return err
		}
		b.settleHead()
		e.commit(b.head)
		return nil
	})
	if b != nil && len(b.erasedSegs) > 0 {
		e.cache.drop()
	}
	if err != nil {
		return b, err
	}
	if !b.dirty() {
		e.marked(b.head.mark + 1)
		return b, nil
	}
	b.settleHead()
	e.commit(b.head)
	e.forget(ctx, len(b.erasedSegs) > 0)
	return b, nil
}

// patience is how long an erasure waits for readers, so that nothing of it is left in
// the store's log when it returns.
const patience = 5 * time.Second

// forget has the store drop what was erased. Where readers stand in the way, the next
// updates try again, without waiting.
func (e *Engine) forget(ctx context.Context, erased bool) {
	f, ok := e.cfg.Store.(Forgetter)
	if !ok || !erased && !e.leftover {
		return
	}
	wait := time.Duration(0)
	if erased {
		wait = patience
	}
	err := f.Forget(context.WithoutCancel(ctx), wait)
	e.leftover = err != nil
	if err != nil && erased {
		e.cfg.Log.Warn("what was erased is in the store's log until readers are done", "error", err)
	}
}

// settleHead completes the head that is about to be the engine's.
func (b *batch) settleHead() {
	b.mergeActs()
	maps.Copy(b.head.sums, b.sums)
}

// commit makes what an update left the engine's head, unless a View has seen a later one.
func (e *Engine) commit(h head) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h.mark++; h.mark >= e.head.mark {
		e.head = h
	}
	close(e.wake)
	e.wake = make(chan struct{})
}

// PanicError is what ends an update, or other work, that panicked. It says where, and
// nothing of what was being worked on.
type PanicError struct {
	Type  string // of the value that was panicked with
	Stack string // a function and its line in the source a line, innermost first
}

// Error names the type only.
func (p *PanicError) Error() string { return "panic of type " + p.Type }

// stackDepth is how many functions a PanicError names at most.
const stackDepth = 64

// NewPanicError must be called by the deferred function that recovered the value.
func NewPanicError(value any) *PanicError {
	callers := make([]uintptr, stackDepth)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	var b strings.Builder
	for {
		f, more := frames.Next()
		fmt.Fprintf(&b, "%s %s:%d\n", f.Function, f.File, f.Line)
		if !more {
			return &PanicError{Type: fmt.Sprintf("%T", value), Stack: b.String()}
		}
	}
}
