// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server/projection"
)

func TestForgettingWaitsForWhoFollowsAndLeavesNoLog(t *testing.T) {
	c := newCounty(t, &mirror{name: "one"})
	c.register(village)
	c.follow()
	c.register(village)
	if err := c.p.Forget(t.Context(), 30*time.Millisecond); !errors.Is(err, projection.ErrNotForgotten) {
		t.Errorf("nobody follows, and it is forgotten: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.p.Run(ctx)
	}()
	err := c.p.Forget(t.Context(), 20*time.Second)
	stop()
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(c.path + "-wal"); err != nil || info.Size() > 0 {
		t.Errorf("the log is still there: %v", err)
	}
}
