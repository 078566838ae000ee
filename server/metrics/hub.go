// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/xunzhen/xunzhen/server/hub"
)

// hubGauges are what a scrape asks of a clinic hub.
type hubGauges struct {
	status func(context.Context) (hub.Status, error)
}

// WatchHub has every scrape tell of a clinic hub, too. It must be called once at most.
func (m *Metrics) WatchHub(status func(context.Context) (hub.Status, error)) {
	m.registry.MustRegister(hubGauges{status})
}

// Describe says nothing, as that of gauges.
func (hubGauges) Describe(chan<- *prometheus.Desc) {}

// Collect tells how the hub stands.
func (g hubGauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	s, err := g.status(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(desc("hub", "how the hub stands"), err)
		return
	}
	gauge(ch, desc("hub_waiting_saves", "Saves held by the hub that are not known to be at the centre."), float64(s.Waiting))
	gauge(ch, desc("hub_waiting_since_timestamp_seconds", "When the oldest of them came; 0: none waits."), float64(s.SinceMs)/1000)
	gauge(ch, desc("hub_centre_reached_timestamp_seconds", "When a sync with the centre last came to its end; 0: never."), float64(s.LastSyncMs)/1000)
	gauge(ch, desc("hub_revoked", "1: the centre takes what the hub hands over and gives nothing."), boolean(s.Revoked))
}
