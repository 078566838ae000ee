// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"errors"
	"testing"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

func (f *fake) Push(context.Context, *syncv1.PushRequest) (*syncv1.PushResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pushed++
	if len(f.pushes) == 0 {
		return &syncv1.PushResponse{}, nil
	}
	err := f.pushes[0]
	f.pushes = f.pushes[1:]
	return nil, err
}

// Whoever pushes several segments hears at once that they did not come through: to
// send them again as they are would take as long.
func TestSeveralSegmentsAreNotSentAgainAsTheyAre(t *testing.T) {
	slow := refusal(syncv1.Reason_REASON_TIMEOUT, true, 0)
	busy := refusal(syncv1.Reason_REASON_BUSY, true, 0)
	for name, c := range map[string]struct {
		answer   error
		segments int
		tries    int
		broken   bool
	}{
		"several that took too long":   {slow, 2, 1, true},
		"several on a line that broke": {unavailable(), 2, 1, true},
		"several at a busy server":     {busy, 2, 2, false},
		"one that took too long":       {slow, 1, 2, false},
		"none, on a line that broke":   {unavailable(), 0, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.pushes = []error{c.answer}
			centre, _ := f.centre(nil)
			_, err := centre.Push(t.Context(), session.PushRequest{Segments: make([][]byte, c.segments)})
			var failed *remote.Error
			broken := errors.As(err, &failed) && failed.BrokenOff()
			if broken != c.broken || !c.broken && err != nil || f.pushed != c.tries {
				t.Fatalf("%d tries, broken off %v: %v", f.pushed, broken, err)
			}
		})
	}
}
