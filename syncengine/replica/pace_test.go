// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// slowLine bears so many bytes a second; a push that takes longer than two minutes
// is cut, as the server does.
type slowLine struct {
	*line
	world  *world
	rate   int
	sizes  []int // of what came through
	wasted time.Duration
}

type cutOff struct{}

func (cutOff) Error() string   { return "cut" }
func (cutOff) BrokenOff() bool { return true }

func (l *slowLine) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	size := 0
	for _, raw := range append(q.Segments, q.Envelopes...) {
		size += len(raw)
	}
	took := time.Duration(size) * time.Second / time.Duration(l.rate)
	clock := l.world.clock
	if clock.now = clock.now.Add(min(took, 2*time.Minute)); took > 2*time.Minute {
		l.wasted += 2 * time.Minute
		return session.PushReply{}, fmt.Errorf("push: %w", cutOff{})
	}
	if size > 0 {
		l.sizes = append(l.sizes, size)
	}
	return l.line.Push(ctx, q)
}

// backlog is a tablet with about a megabyte to hand over.
func backlog(w *world) *device {
	d := w.tablet("li", villageA)
	for i := range 40 {
		d.create(villageA, phone, fmt.Sprint(i)+strings.Repeat("x", 30<<10))
	}
	return d
}

func TestABacklogLeavesOverASlowLine(t *testing.T) {
	for rate, wasted := range map[int]time.Duration{1 << 20: 0, 6 << 10: 0, 2 << 10: 2 * time.Minute, 600: 6 * time.Minute} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			w := newWorld(t)
			d := backlog(w)
			l := &slowLine{line: d.line(), world: w, rate: rate}
			rep, err := d.Sync(t.Context(), l, replica.Options{})
			if err != nil || rep.Pushed == 0 || !rep.Complete {
				t.Fatalf("%+v, %v", rep, err)
			}
			if l.wasted > wasted {
				t.Errorf("%v lost with pushes that were cut, at most %v", l.wasted, wasted)
			}
			last := l.sizes[len(l.sizes)-1]
			if rate >= 1<<20 && last < 400<<10 {
				t.Errorf("pushes of %v bytes over a fast line", l.sizes)
			}
			d.create(villageA, phone, "1")
		})
	}
}

// What one sync learnt of the line, the next one knows, also in another process.
func TestThePaceIsRemembered(t *testing.T) {
	w := newWorld(t)
	d := backlog(w)
	l := &slowLine{line: d.line(), world: w, rate: 1 << 10}
	gone := errors.New("nobody there any more")
	l.onPush = func(*session.PushRequest, *session.PushReply) error {
		if len(l.sizes) > 2 {
			return gone
		}
		return nil
	}
	if _, err := d.Sync(t.Context(), l, replica.Options{}); !errors.Is(err, gone) || l.wasted == 0 {
		t.Fatalf("%v, %v lost", err, l.wasted)
	}
	d.open()
	l.wasted, l.onPush = 0, nil
	if _, err := d.Sync(t.Context(), l, replica.Options{}); err != nil || l.wasted > 0 {
		t.Errorf("%v, %v lost again", err, l.wasted)
	}
}

// A caller that gives up in the middle of a push, as when a tablet falls asleep, gets
// further next time.
func TestAPushThatIsGivenUpIsSmallerNextTime(t *testing.T) {
	w := newWorld(t)
	d := backlog(w)
	var sizes []int
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		l := d.line()
		l.onPush = func(q *session.PushRequest, _ *session.PushReply) error {
			sizes = append(sizes, len(q.Segments))
			cancel()
			return ctx.Err()
		}
		if _, err := d.Sync(ctx, l, replica.Options{}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	if len(sizes) != 3 || sizes[0] <= sizes[1] || sizes[1] < sizes[2] {
		t.Errorf("segments in each push: %v", sizes)
	}
}

// A locked tablet hands over in parts as well.
func TestALockedBacklogLeavesOverASlowLine(t *testing.T) {
	w := newWorld(t)
	open, public, err := segment.NewRecipientKey(w.fresh())
	w.ok(err)
	d := w.tablet("li", villageA)
	d.cfg.Recipient = public
	d.open()
	for i := range 20 {
		d.create(villageA, phone, fmt.Sprint(i)+strings.Repeat("x", 30<<10))
	}
	must(d.Seal(t.Context()))(w)
	l := &slowLine{line: d.line(), world: w, rate: 1 << 10}
	l.line.open = open
	rep, err := d.Sync(t.Context(), l, replica.Options{Locked: true})
	if err != nil || rep.Pushed == 0 || l.wasted == 0 {
		t.Fatalf("%+v, %v lost, %v", rep, l.wasted, err)
	}
}
