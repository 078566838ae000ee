// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// firstPushBytes is what the first push to anybody carries: at 6 kB a second it
	// takes 45 s.
	firstPushBytes = session.MaxPushBytes / 4
	// quickPush is how long a push may take for the next one to carry twice as much:
	// that one then stays far below the time in which a request must arrive.
	quickPush = 20 * time.Second
)

// BrokenOff is implemented by errors of a peer that mean: the call did not come
// through in time, or the line broke. With less to carry it may.
type BrokenOff interface{ BrokenOff() bool }

func brokenOff(err error) bool {
	var b BrokenOff
	return errors.As(err, &b) && b.BrokenOff()
}

// pushBytes returns how much one push should carry at most. It is remembered over
// syncs, because one that the line cannot bear costs minutes.
func pushBytes(r Reader) (int, error) {
	raw, ok, err := value(r, valuePushBytes)
	if err != nil || !ok || len(raw) != 8 {
		return firstPushBytes, err
	}
	return int(min(binary.BigEndian.Uint64(raw), session.MaxPushBytes)), nil
}

// send makes one push and learns from it how much the next one should carry: half
// of this one when it broke off or its caller gave up, more when it came through
// quickly. again says that the same segments are to be
// handed over in smaller parts.
func (s *syncRun) send(ctx context.Context, q session.PushRequest) (reply session.PushReply, again bool, err error) {
	size := carried(q)
	began := s.r.cfg.Clock()
	reply, err = s.centre.Push(ctx, q)
	switch {
	case err == nil:
		if s.r.cfg.Clock().Sub(began) < quickPush {
			err = s.learn(ctx, func(now int) int { return grown(now, size) })
		}
		return reply, false, err
	case ctx.Err() == nil && !brokenOff(err):
		return reply, false, fmt.Errorf("push: %w", err)
	}
	again = ctx.Err() == nil && len(q.Segments)+len(q.Envelopes) > 1
	lerr := s.learn(context.WithoutCancel(ctx), func(now int) int { return min(now, size) / 2 })
	if again && lerr == nil {
		return reply, true, nil
	}
	return reply, false, errors.Join(fmt.Errorf("push: %w", err), lerr)
}

// grown is how much a push may carry after one of this size came through quickly. A
// small one shows nothing.
func grown(now, size int) int {
	if size <= now/2 {
		return now
	}
	return min(2*max(now, size), session.MaxPushBytes)
}

// learn keeps how much a push should carry from now on.
func (s *syncRun) learn(ctx context.Context, next func(int) int) error {
	return s.r.update(ctx, func(tx Tx) error {
		now, err := pushBytes(tx)
		if err != nil {
			return err
		}
		if now == next(now) {
			return nil
		}
		return putChanged(tx, Values, []byte(valuePushBytes), binary.BigEndian.AppendUint64(nil, uint64(next(now))))
	})
}

// carried is how many bytes a push carries.
func carried(q session.PushRequest) int {
	n := 0
	for _, part := range [][][]byte{q.Segments, q.Envelopes, q.Certificates} {
		for _, raw := range part {
			n += len(raw)
		}
	}
	return n
}
