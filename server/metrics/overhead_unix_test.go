// SPDX-License-Identifier: Apache-2.0

//go:build unix

package metrics_test

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/metrics"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// BenchmarkOverhead pushes to a server with metrics and to one without in turns, a
// save a call, which is the dearest way for metrics. It prints how much more processor
// time the one with metrics takes, in percent: the median of the turns, both ends
// counted; what the metrics are told of one push costs by itself; and what a scrape
// costs.
//
//	go test ./server/metrics -run - -bench Overhead -benchtime 20000x
func BenchmarkOverhead(b *testing.B) {
	var m *metrics.Metrics
	with := startQuiet(b, func(c *server.Config) {
		m = metrics.New(time.Now, slog.New(slog.DiscardHandler))
		c.Observer = m
	})
	m.Watch(with.Server)
	without := startQuiet(b)
	devices := [2]*servertest.Device{without.Enrol(servertest.Doctor("zhang")), with.Enrol(servertest.Doctor("zhang"))}
	var took [2][]time.Duration // a turn each
	var work [2][][]byte
	for i, d := range devices {
		for range b.N {
			d.Create(servertest.Village, "139")
			work[i] = append(work[i], d.Seal().Bytes())
		}
	}
	b.ResetTimer()
	const turn = 50 // calls: short, so that what else the machine does hits both
	for at := 0; at < b.N; at += turn {
		for n := range devices {
			i := (n + at/turn) % 2 // each is first as often as the other
			began := processorTime(b)
			pushAll(b, devices[i], work[i][at:min(at+turn, b.N)])
			took[i] = append(took[i], processorTime(b)-began)
		}
	}
	b.StopTimer()
	var more []float64
	for t := range took[0] {
		more = append(more, 100*(took[1][t].Seconds()/took[0][t].Seconds()-1))
	}
	slices.Sort(more)
	slices.Sort(took[0])
	b.ReportMetric(more[len(more)/2], "%more")
	b.ReportMetric(float64(took[0][len(more)/2].Microseconds())/min(turn, float64(b.N)), "µs-cpu/push")
	b.ReportMetric(tellingCost(b, devices[1].Cert), "ns-telling/push")
	b.ReportMetric(scrapeCost(b, m), "µs/scrape")
}

func startQuiet(b *testing.B, change ...func(*server.Config)) *servertest.Server {
	b.Helper()
	return servertest.Start(b, append(change, func(c *server.Config) {
		c.Log, c.Clock, c.Rand = slog.New(slog.NewTextHandler(io.Discard, nil)), time.Now, rand.Reader
		c.OpenStore = nil // files on disk, as shipped
		c.Limits = rpc.DefaultLimits()
		c.Limits.Device.PerSecond, c.Limits.Device.Burst = 1e12, 1<<40
	})...)
}

// processorTime is what this process has taken so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func pushAll(b *testing.B, d *servertest.Device, work [][]byte) {
	b.Helper()
	for _, wire := range work {
		if _, err := d.Push(session.PushRequest{Segments: [][]byte{wire}}); err != nil {
			b.Fatal(err)
		}
	}
}

func scrapeCost(b *testing.B, m *metrics.Metrics) float64 {
	b.Helper()
	const n = 20
	began := time.Now()
	for range n {
		m.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), "GET", "/metrics", nil))
	}
	return float64(time.Since(began).Microseconds()) / n
}

// tellingCost is how long it takes, in nanoseconds, to tell metrics of one push.
func tellingCost(b *testing.B, cert segment.Certificate) float64 {
	b.Helper()
	const n = 100_000
	m := metrics.New(time.Now, slog.New(slog.DiscardHandler))
	ended := rpc.Ended{
		Method: "/xunzhen.sync.v1.SyncService/Push", Reason: "ok", At: time.Now(), Took: time.Millisecond, Bytes: 500,
		Principal: auth.Principal{Who: auth.Device, Certificate: cert},
	}
	reply := session.PushReply{Results: []session.SegmentResult{{Outcome: session.OutcomeStored, Verdicts: []ledger.Verdict{ledger.Admitted}}}}
	in := &county.County{Code: servertest.Code}
	began := processorTime(b)
	for range n {
		m.Called(ended)
		m.Pushed(in, reply)
		m.Committed(in.Code, syncengine.Commit{Segments: 1, Saves: 1, Records: 1, Took: time.Millisecond})
	}
	return float64((processorTime(b) - began).Nanoseconds()) / n
}
