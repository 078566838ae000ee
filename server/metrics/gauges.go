// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
)

// gauges are what a scrape asks of the server as it is.
type gauges struct {
	server *server.Server
	m      *Metrics

	mu     sync.Mutex
	counts map[string]counted // by county: what costs too much for every scrape
}

// counted is a census and until when it is good enough.
type counted struct {
	census
	until time.Time
}

// censusLife is how old what costs more may be.
const censusLife = time.Minute

// scrapeTime is how long the store may take to answer one scrape.
const scrapeTime = 5 * time.Second

func newGauges(s *server.Server, m *Metrics) *gauges {
	return &gauges{server: s, m: m, counts: map[string]counted{}}
}

// desc is what a series is about. It is made anew at each scrape: there is no state to
// keep.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, labels, nil)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// Describe says nothing: which series there are depends on the counties.
func (g *gauges) Describe(chan<- *prometheus.Desc) {}

// Collect tells everything. What cannot be had is told as invalid.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	g.load(ch)
	g.disk(ch)
	for _, c := range g.server.Counties() {
		g.position(ctx, ch, c)
		g.files(ch, c)
		if err := g.backup(ctx, ch, c); err != nil {
			ch <- prometheus.NewInvalidMetric(desc("backup", "backup of "+c.Code), err)
		}
		if err := g.counted(ctx, ch, c); err != nil {
			ch <- prometheus.NewInvalidMetric(desc("census", "census of "+c.Code), err)
		}
		if err := g.findings(ctx, ch, c); err != nil {
			ch <- prometheus.NewInvalidMetric(desc("findings", "findings of "+c.Code), err)
		}
	}
}

// load is what the server is doing now.
func (g *gauges) load(ch chan<- prometheus.Metric) {
	l := g.server.Load()
	gauge(ch, desc("connections", "Open connections."), float64(l.Connections))
	gauge(ch, desc("sessions", "Open sessions."), float64(l.Sessions))
	ch <- prometheus.MustNewConstMetric(desc("connections_turned_away_total", "Connections that were too many, of one address or in all."),
		prometheus.CounterValue, float64(l.TurnedAway))
	calls := desc("calls_in_progress", "Calls in progress.", "lane")
	for _, lane := range l.InProgress {
		gauge(ch, calls, float64(lane.Calls), lane.Name)
	}
}

func (g *gauges) disk(ch chan<- prometheus.Metric) {
	free, size := g.server.Room()
	if free < 0 {
		return
	}
	gauge(ch, desc("disk_free_bytes", "Room for the server on the disk of the data folder."), float64(free))
	gauge(ch, desc("disk_size_bytes", "Size of the disk of the data folder."), float64(size))
}

// position is what the engine knows without asking the store.
func (g *gauges) position(ctx context.Context, ch chan<- prometheus.Metric, c *county.County) {
	gauge(ch, desc("ledger_leaves", "Entries of the ledger.", "county"), float64(c.Engine.Size()), c.Code)
	gauge(ch, desc("feed_position", "Position of the newest change of a record.", "county"), float64(c.Engine.Position()), c.Code)
	gauge(ch, desc("epoch", "Number of the epoch: one more after each restore.", "county"), float64(c.Engine.Epoch().Number), c.Code)
	gauge(ch, desc("stopped", "1: takes and gives nothing until a restore.", "county"), boolean(c.Engine.Stopped()), c.Code)
	blocked := desc("replicas_blocked", "Replicas whose segments wait behind missing ones, since the start.", "county")
	all, err := c.Engine.Blocked(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(blocked, err)
		return
	}
	gauge(ch, blocked, float64(len(all)), c.Code)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// files is what the county takes on the disk.
func (g *gauges) files(ch chan<- prometheus.Metric, c *county.County) {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(desc("files", "files of "+c.Code), err)
		return
	}
	store, log := int64(0), int64(0)
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil: // gone since
		case filepath.Ext(e.Name()) == ".db-wal":
			log += info.Size()
		default:
			store += info.Size()
		}
	}
	bytes := desc("store_bytes", "Size of the county's files: the store, and its write-ahead log.", "county", "file")
	gauge(ch, bytes, float64(store), c.Code, "store")
	gauge(ch, bytes, float64(log), c.Code, "log")
}

func (g *gauges) backup(ctx context.Context, ch chan<- prometheus.Metric, c *county.County) error {
	marks, err := c.Engine.BackupMarks(ctx)
	if err != nil {
		return err
	}
	at, leaves := time.Time{}, uint64(0)
	if n := len(marks); n > 0 {
		at, leaves = marks[n-1].VerifiedAt, uint64(marks[n-1].LedgerSize)
	}
	seconds := 0.
	if !at.IsZero() {
		seconds = float64(at.UnixMilli()) / 1000
	}
	gauge(ch, desc("backup_verified_timestamp_seconds", "When the last verified backup of this epoch was verified; 0: there is none.", "county"), seconds, c.Code)
	gauge(ch, desc("backup_verified_leaves", "Entries of the ledger that it covers.", "county"), float64(leaves), c.Code)
	return nil
}

// counted tells the census, taken at most once a censusLife.
func (g *gauges) counted(ctx context.Context, ch chan<- prometheus.Metric, c *county.County) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.m.clock()
	one, ok := g.counts[c.Code]
	if !ok || !now.Before(one.until) {
		taken, err := takeCensus(ctx, c, g.m.heard, now)
		if err != nil {
			return err
		}
		one = counted{taken, now.Add(censusLife)}
		g.counts[c.Code] = one
	}
	one.tell(ch, c.Code)
	return nil
}

// tell writes a census down.
func (s census) tell(ch chan<- prometheus.Metric, code string) {
	records := desc("records", "Records, each counted in every division it is in.", "county", "class")
	for class, n := range s.records {
		gauge(ch, records, float64(n), code, className(class))
	}
	look := desc("records_to_look_at", "Records that wait for a person, by why; counted up to "+strconv.Itoa(maxFlagged)+" in all.", "county", "why")
	for why, n := range s.flagged {
		gauge(ch, look, float64(n), code, why)
	}
	replicas := desc("replicas", "Installations with a certificate, without the centre's own.", "county", "role", "state")
	for k, n := range s.replicas {
		gauge(ch, replicas, float64(n), code, k.role, k.state)
	}
	silent := desc("replicas_silent", "Replicas in good standing not heard of for so many days.", "county", "days")
	for days, n := range s.silent {
		gauge(ch, silent, float64(n), code, strconv.Itoa(days))
	}
}

// findings is how far findings follow the records; nothing of a county without rules.
func (g *gauges) findings(ctx context.Context, ch chan<- prometheus.Metric, c *county.County) error {
	f, err := c.Findings()
	if errors.Is(err, county.ErrNoFindings) {
		return nil
	}
	if err != nil {
		return err
	}
	s, err := f.State(ctx)
	if err != nil {
		return err
	}
	gauge(ch, desc("findings_records", "Records with findings.", "county"), float64(s.Sets), c.Code)
	gauge(ch, desc("findings_behind", "Changes of records that findings have not read yet.", "county"), float64(s.Behind), c.Code)
	gauge(ch, desc("findings_queued", "Residents who changed and were not looked at yet.", "county"), float64(s.Queued), c.Code)
	gauge(ch, desc("findings_under_way", "1: not everybody was looked at with the rules and the day of today.", "county"), boolean(s.UnderWay), c.Code)
	gauge(ch, desc("findings_failing", "1: findings do not follow the records; the last try failed.", "county"), boolean(s.Failed != nil), c.Code)
	gauge(ch, desc("findings_pack_refused", "1: the county's rule pack cannot be used, the last good one stays.", "county"), boolean(!s.Refused.IsZero()), c.Code)
	gauge(ch, desc("findings_passed_over", "Records and residents that could not be looked at since the start.", "county"), float64(s.PassedOver), c.Code)
	return nil
}
