// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server/hub"
	"github.com/xunzhen/xunzhen/server/metrics"
	"github.com/xunzhen/xunzhen/server/servertest"
)

func TestAHubTellsWhatWaits(t *testing.T) {
	status, failed := hub.Status{Waiting: 7, SinceMs: 1_767_225_600_000, LastSyncMs: 1_767_200_000_500, Revoked: true}, error(nil)
	m := metrics.New(time.Now, slog.New(slog.DiscardHandler))
	m.WatchHub(func(context.Context) (hub.Status, error) { return status, failed })
	w := &watched{Server: &servertest.Server{Clock: &servertest.Clock{}}, metrics: m, t: t}
	f := w.scrape()
	for name, want := range map[string]float64{
		"hub_waiting_saves": 7, "hub_waiting_since_timestamp_seconds": 1_767_225_600,
		"hub_centre_reached_timestamp_seconds": 1_767_200_000.5, "hub_revoked": 1,
	} {
		if got := value(f, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	failed = errors.New("closed")
	if f := w.scrape(); value(f, "hub_waiting_saves") != -1 || f["go_goroutines"] == nil {
		t.Error("a hub that does not answer is told of, or nothing else is")
	}
}
