// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/metrics"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// watched is a server with metrics.
type watched struct {
	*servertest.Server
	metrics *metrics.Metrics
	t       *testing.T
}

func start(t *testing.T, change ...func(*server.Config)) *watched {
	t.Helper()
	w := &watched{t: t}
	w.Server = servertest.Start(t, append(change, func(c *server.Config) {
		w.metrics = metrics.New(c.Clock, slog.New(slog.DiscardHandler))
		c.Observer = w.metrics
	})...)
	w.metrics.Watch(w.Server.Server)
	return w
}

// scrape returns all families by name.
func (w *watched) scrape() map[string]*dto.MetricFamily {
	w.t.Helper()
	w.Clock.Move(2 * time.Minute) // what is remembered is too old
	answer := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(w.t.Context(), "GET", "/metrics", nil))
	if answer.Code != 200 {
		w.t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return families
}

// value returns the value of the series with all of these label values, -1 when there
// is none.
func value(families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	for _, m := range families["xunzhen_"+name].GetMetric() {
		var has []string
		for _, l := range m.GetLabel() {
			has = append(has, l.GetValue())
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(has, l) }) {
			continue
		}
		switch {
		case m.GetCounter() != nil:
			return m.GetCounter().GetValue()
		case m.GetHistogram() != nil:
			return float64(m.GetHistogram().GetSampleCount())
		}
		return m.GetGauge().GetValue()
	}
	return -1
}

// busyCounty has a bit of everything.
func busyCounty(t *testing.T, w *watched) {
	t.Helper()
	good := w.Enrol(servertest.Doctor("doctor-zhang"))
	good.Create(servertest.Village, "13900001111")
	good.Create(servertest.Village2, "13900002222")
	seg := good.Seal()
	good.PushSegments(seg)
	for _, wire := range [][]byte{seg.Bytes(), []byte("nonsense")} {
		if _, err := good.Push(session.PushRequest{Segments: [][]byte{wire}}); err != nil {
			t.Fatal(err)
		}
	}
	narrow := w.Enrol(servertest.Doctor("doctor-li", servertest.Village))
	narrow.Create(servertest.Village2, "13900003333") // outside its division
	narrow.PushSegments(narrow.Seal())
	if _, err := good.Pull(session.PullRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := good.Pull(session.PullRequest{Cursor: []byte("x")}); err == nil {
		t.Fatal("a cursor that is none was taken")
	}
	if err := w.County.Engine.Fence(t.Context(), "office-wang", narrow.Cert.Replica(), "lost in Chengdong"); err != nil {
		t.Fatal(err)
	}
}

func TestFiguresSayWhatHappened(t *testing.T) {
	w := start(t)
	busyCounty(t, w)
	if _, err := w.County.Engine.MarkBackup(t.Context(), w.County.Engine.Size(), w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	verified := float64(w.Clock.Now().Unix())
	f, code := w.scrape(), servertest.Code
	for _, row := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"calls_total", []string{"SyncService/Push", "OK", "ok"}, 4},
		{"calls_total", []string{"SyncService/Pull", "InvalidArgument", "invalid"}, 1},
		{"call_seconds", []string{"SyncService/Push"}, 4},
		{"segments_total", []string{code, "stored"}, 2},
		{"segments_total", []string{code, "already"}, 1},
		{"segments_total", []string{code, "refused"}, 1},
		{"segments_refused_total", []string{code, "unreadable"}, 1},
		{"saves_total", []string{code, ledger.Admitted.String()}, 2},
		{"saves_total", []string{code, ledger.HeldScope.String()}, 1},
		{"records_to_look_at", []string{code, "held"}, 1},
		{"records_to_look_at", []string{code, "conflict"}, 0},
		{"replicas", []string{code, "tablet", "active"}, 1},
		{"replicas", []string{code, "tablet", "revoked"}, 1},
		{"replicas_silent", []string{code, "7"}, 0},
		{"stopped", []string{code}, 0},
		{"epoch", []string{code}, 1},
		{"ledger_leaves", []string{code}, float64(w.County.Engine.Size())},
		{"feed_position", []string{code}, float64(w.County.Engine.Position())},
		{"backup_verified_timestamp_seconds", []string{code}, verified},
		{"backup_verified_leaves", []string{code}, float64(w.County.Engine.Size())},
		{"sessions", nil, 2},
		{"calls_in_progress", []string{"push"}, 0},
		{"connections_turned_away_total", nil, 0},
	} {
		if got := value(f, row.name, row.labels...); got != row.want {
			t.Errorf("%s%v is %v, want %v", row.name, row.labels, got, row.want)
		}
	}
	for _, name := range []string{"connections", "commit_seconds", "commit_saves", "request_bytes_total", "disk_free_bytes", "disk_size_bytes", "store_bytes"} {
		if got := value(f, name); got < 1 && name != "store_bytes" || got < 0 {
			t.Errorf("%s is %v", name, got)
		}
	}
	if f["go_goroutines"] == nil || f["go_build_info"] == nil {
		t.Error("nothing of the Go runtime")
	}
}

func TestWhoIsSilentIsCounted(t *testing.T) {
	data, stores := t.TempDir(), &servertest.Stores{}
	again := func(c *server.Config) { c.Data, c.OpenStore = data, stores.Open }
	w := start(t, again)
	saves, reads := w.Enrol(servertest.Doctor("zhang")), w.Enrol(servertest.Doctor("li"))
	silent := func(w *watched, want7, want30 float64) {
		t.Helper()
		f := w.scrape()
		if d7, d30 := value(f, "replicas_silent", "7"), value(f, "replicas_silent", "30"); d7 != want7 || d30 != want30 {
			t.Errorf("silent for 7 and 30 days: %v and %v, want %v and %v", d7, d30, want7, want30)
		}
	}
	silent(w, 0, 0)
	w.Clock.Move(8 * 24 * time.Hour)
	silent(w, 2, 0)
	if err := reads.LoginAgain(); err != nil {
		t.Fatal(err)
	}
	if _, err := reads.Pull(session.PullRequest{}); err != nil {
		t.Fatal(err)
	}
	silent(w, 1, 0)
	if err := saves.LoginAgain(); err != nil {
		t.Fatal(err)
	}
	saves.Create(servertest.Village, "139")
	saves.PushSegments(saves.Seal())
	silent(w, 0, 0)
	now := w.Clock.Now()
	w.Stop()

	w = start(t, again)
	w.Clock.Move(now.Sub(w.Clock.Now()))
	silent(w, 1, 0) // the one that only read: nothing of it is in the store
	w.Clock.Move(31 * 24 * time.Hour)
	silent(w, 2, 2)
}

func TestStoreThatCannotWriteIsCounted(t *testing.T) {
	m := metrics.New(time.Now, slog.New(slog.DiscardHandler))
	for _, err := range []error{
		syncengine.ErrStoreFull, errors.New("input/output error"), context.Canceled,
		&syncengine.Error{Reason: syncengine.ReasonCode, Doing: "enrol"},
	} {
		m.Committed("130403", syncengine.Commit{Err: err})
	}
	w := &watched{Server: &servertest.Server{Clock: &servertest.Clock{}}, metrics: m, t: t}
	f := w.scrape()
	if full, internal := value(f, "commit_failures_total", "full"), value(f, "commit_failures_total", "internal"); full != 1 || internal != 1 {
		t.Errorf("full %v, internal %v", full, internal)
	}
	if got := len(f["xunzhen_commit_failures_total"].GetMetric()); got != 2 {
		t.Errorf("%d series of failures", got)
	}
}

// allowed says which values a label may have: words of the program and counties.
func allowed() map[string]*regexp.Regexp {
	methods := map[string]bool{}
	for _, m := range auth.Methods() {
		service, method, _ := strings.Cut(m[strings.LastIndexByte(m, '.')+1:], "/")
		methods[service+"/"+method] = true
	}
	var names []string
	for m := range methods {
		names = append(names, regexp.QuoteMeta(m))
	}
	var reasons []string
	for _, r := range syncengine.Reasons() {
		reasons = append(reasons, r.String())
	}
	words := map[string]string{
		"county": `\d{6}`, "method": strings.Join(names, "|"), "code": `[A-Z][A-Za-z]+`,
		"reason":  "ok|busy|token|login|stopping|timeout|" + strings.Join(reasons, "|"),
		"outcome": "stored|already|gap|refused", "verdict": "admitted|waiting|held_[a-z_]+", "stage": "budget|lane",
		"lane": "door|look|call|push|pull|watch|verify", "file": "store|log", "class": "everyone|general|sensitive",
		"why": "held|conflict|waiting|no_scope", "role": "tablet|hub", "state": "active|revoked|expired", "days": "7|30|90",
	}
	out := map[string]*regexp.Regexp{}
	for label, w := range words {
		out[label] = regexp.MustCompile("^(" + w + ")$")
	}
	return out
}

// Bug class: a label with an id, a name or an address has as many values as there are
// people, and tells who they are.
func TestLabelsAreWordsOfTheProgramAndCounties(t *testing.T) {
	w := start(t)
	busyCounty(t, w)
	series, known := 0, allowed()
	for name, family := range w.scrape() {
		if !strings.HasPrefix(name, "xunzhen_") {
			continue
		}
		if family.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
		for _, m := range family.GetMetric() {
			series++
			for _, l := range m.GetLabel() {
				if re, ok := known[l.GetName()]; !ok || !re.MatchString(l.GetValue()) {
					t.Errorf("%s has %s=%q", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	if series < 40 || series > 200 {
		t.Errorf("%d series of one county", series)
	}
}

func TestFindingsTellHowFarTheyFollow(t *testing.T) {
	pack, err := rules.Load(rules.Source{Name: "empty.txtpb", Text: []byte(`name: "empty" version: "1"`)})
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, func(c *server.Config) { c.Rules = pack })
	p, err := w.County.Projection()
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) float64 {
		family := w.scrape()["xunzhen_"+name]
		if len(family.GetMetric()) != 1 {
			t.Fatalf("%s: %v", name, family)
		}
		return family.GetMetric()[0].GetGauge().GetValue()
	}
	w.Enrol(servertest.Doctor("li"))
	if value("findings_behind") == 0 {
		t.Error("it is not behind before it followed")
	}
	if err := p.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"findings_behind", "findings_queued", "findings_under_way", "findings_failing", "findings_pack_refused", "findings_passed_over", "findings_records"} {
		if v := value(name); v != 0 {
			t.Errorf("%s is %v", name, v)
		}
	}
}
