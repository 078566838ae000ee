// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"sync"
)

// Turns lets callers work one after the other: at most so many at a time, of each
// caller one piece of work, and when there are more, the callers in turn. Who sends
// much waits for its own, not others for it.
type Turns[K comparable] struct {
	mu    sync.Mutex
	free  int
	lines map[K]*line[K]
	next  []*line[K] // callers that may begin, in turn
}

// line is one caller's waiting work.
type line[K comparable] struct {
	who     K
	working bool
	waiting []*wait
}

type wait struct{ begin chan struct{} }

// NewTurns returns Turns for so many pieces of work at a time.
func NewTurns[K comparable](atATime int) *Turns[K] {
	return &Turns[K]{free: atATime, lines: map[K]*line[K]{}}
}

// Wait returns when it is the caller's turn, or with ctx's error. When it returns
// nil, the caller must call done once.
func (t *Turns[K]) Wait(ctx context.Context, who K) (done func(), err error) {
	w := &wait{begin: make(chan struct{})}
	t.mu.Lock()
	l, ok := t.lines[who]
	if !ok {
		l = &line[K]{who: who}
		t.lines[who] = l
	}
	l.waiting = append(l.waiting, w)
	if !l.working && len(l.waiting) == 1 {
		t.next = append(t.next, l)
	}
	t.dispatch()
	t.mu.Unlock()

	done = sync.OnceFunc(func() { t.done(l) })
	select {
	case <-w.begin:
		return done, nil
	case <-ctx.Done():
	}
	if t.leave(l, w) {
		return nil, ctx.Err()
	}
	done() // its turn had come in the same moment
	return nil, ctx.Err()
}

// dispatch begins what may begin.
func (t *Turns[K]) dispatch() {
	for t.free > 0 && len(t.next) > 0 {
		l := t.next[0]
		t.next = t.next[1:]
		w := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.working = true
		t.free--
		close(w.begin)
	}
}

func (t *Turns[K]) done(l *line[K]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	l.working = false
	if len(l.waiting) > 0 {
		t.next = append(t.next, l)
	} else {
		delete(t.lines, l.who)
	}
	t.dispatch()
}

// leave takes w out of its line, and reports whether it was still waiting.
func (t *Turns[K]) leave(l *line[K], w *wait) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, o := range l.waiting {
		if o != w {
			continue
		}
		l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
		if len(l.waiting) == 0 && !l.working {
			t.drop(l)
		}
		return true
	}
	return false
}

// drop forgets a caller that neither works nor waits.
func (t *Turns[K]) drop(l *line[K]) {
	for i, o := range t.next {
		if o == l {
			t.next = append(t.next[:i:i], t.next[i+1:]...)
			break
		}
	}
	delete(t.lines, l.who)
}
