// SPDX-License-Identifier: Apache-2.0

// Package metrics counts what a server does, in Prometheus' terms. It tells how much
// and how long, never who and what: a label is a county's code or a word of the
// program, so that there are some hundred series a county, however many tablets and
// residents it has. docs/operate.md says what to do about each.
//
//	m := metrics.New(clock, log)
//	cfg.Observer = m
//	s, err := server.New(ctx, cfg)
//	m.Watch(s)
//	http.Handle("/metrics", m.Handler())
package metrics

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Metrics is a server.Observer that counts. Make it with New.
type Metrics struct {
	clock    func() time.Time
	log      *slog.Logger
	registry *prometheus.Registry
	heard    heard

	calls      *prometheus.CounterVec
	took       *prometheus.HistogramVec
	bytes      prometheus.Counter
	busy       *prometheus.CounterVec
	segments   *prometheus.CounterVec
	refused    *prometheus.CounterVec
	saves      *prometheus.CounterVec
	commits    *prometheus.HistogramVec
	batch      *prometheus.HistogramVec
	unwritable *prometheus.CounterVec
}

var _ server.Observer = (*Metrics)(nil)

// New returns Metrics that have counted nothing. The log hears of figures that could
// not be had.
func New(clock func() time.Time, log *slog.Logger) *Metrics {
	m := &Metrics{
		clock: clock, log: log, registry: prometheus.NewRegistry(), heard: newHeard(),
		calls:      counters("calls_total", "Calls that ended.", "method", "code", "reason"),
		took:       histograms("call_seconds", "How long calls took; a watch and a pull last as long as the caller listens.", callBuckets(), "method"),
		bytes:      prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "request_bytes_total", Help: "Bytes of requests."}),
		busy:       counters("busy_total", "Calls told to come again: over their budget, or too many at a time.", "stage"),
		segments:   counters("segments_total", "Segments handed over, by what became of them.", "county", "outcome"),
		refused:    counters("segments_refused_total", "Segments refused, by reason.", "county", "reason"),
		saves:      counters("saves_total", "Saves stored from tablets and hubs, by verdict at arrival.", "county", "verdict"),
		commits:    histograms("commit_seconds", "How long transactions took that wrote, until they were on disk.", commitBuckets(), "county"),
		batch:      histograms("commit_saves", "Saves written by one transaction.", batchBuckets(), "county"),
		unwritable: counters("commit_failures_total", "Transactions that the store could not write.", "county", "reason"),
	}
	m.registry.MustRegister(
		m.calls, m.took, m.bytes, m.busy, m.segments, m.refused, m.saves, m.commits, m.batch, m.unwritable,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector(),
	)
	return m
}

const prefix = "xunzhen_"

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}, labels)
}

// In seconds; the last ones are a large push over a slow line.
func callBuckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 30, 120}
}

// In seconds, from one fsync of a good disk to a disk in trouble.
func commitBuckets() []float64 { return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5} }

// In saves, up to what one transaction takes.
func batchBuckets() []float64 { return []float64{0, 1, 4, 16, 64, 256, 1024} }

// Watch has every scrape tell of the server, too. It must be called once at most.
func (m *Metrics) Watch(s *server.Server) { m.registry.MustRegister(newGauges(s, m)) }

// Handler answers scrapes. A figure that cannot be had is left out, and logged.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: complaints{m.log}, MaxRequestsInFlight: maxScrapes,
	})
}

// maxScrapes is how many may be answered at a time: each looks at every county.
const maxScrapes = 2

// complaints passes promhttp's words on.
type complaints struct{ log *slog.Logger }

func (c complaints) Println(v ...any) {
	c.log.Error("a figure is missing from the metrics", "detail", v)
}

// Called counts a call.
func (m *Metrics) Called(e rpc.Ended) {
	method := methodName(e.Method)
	m.calls.WithLabelValues(method, e.Code.String(), e.Reason).Inc()
	m.took.WithLabelValues(method).Observe(e.Took.Seconds())
	m.bytes.Add(float64(e.Bytes))
	if e.Stage != "" {
		m.busy.WithLabelValues(e.Stage).Inc()
	}
	if e.Principal.Who == auth.Device {
		m.heard.at(e.Principal.Certificate.Replica(), e.At)
	}
}

// methodName returns service and method without the package.
func methodName(full string) string {
	service, method, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
	return service[strings.LastIndexByte(service, '.')+1:] + "/" + method
}

// Pushed counts what a push brought.
func (m *Metrics) Pushed(c *county.County, reply session.PushReply) {
	verdicts := map[ledger.Verdict]int{}
	for _, r := range reply.Results {
		m.segments.WithLabelValues(c.Code, outcomeName(r.Outcome)).Inc()
		switch r.Outcome {
		case session.OutcomeRefused:
			m.refused.WithLabelValues(c.Code, r.Reason).Inc()
		case session.OutcomeStored:
			for _, v := range r.Verdicts {
				verdicts[v]++
			}
		}
	}
	for v, n := range verdicts {
		m.saves.WithLabelValues(c.Code, v.String()).Add(float64(n))
	}
}

func outcomeName(o session.Outcome) string {
	switch o {
	case session.OutcomeStored:
		return "stored"
	case session.OutcomeAlready:
		return "already"
	case session.OutcomeGap:
		return "gap"
	}
	return "refused"
}

// Committed counts a transaction. What was refused before anything was written is no
// failure of the store.
func (m *Metrics) Committed(code string, c syncengine.Commit) {
	if c.Err == nil {
		m.commits.WithLabelValues(code).Observe(c.Took.Seconds())
		m.batch.WithLabelValues(code).Observe(float64(c.Saves))
		return
	}
	if errors.Is(c.Err, context.Canceled) || errors.Is(c.Err, context.DeadlineExceeded) {
		return
	}
	if r := syncengine.ReasonOf(c.Err); r == syncengine.ReasonFull || r == syncengine.ReasonInternal {
		m.unwritable.WithLabelValues(code, r.String()).Inc()
	}
}
