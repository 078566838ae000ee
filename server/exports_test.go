// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/exports"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// accessLog returns the entries of the access log.
func (c *clinic) accessLog() (all []*carev1.AccessEntry) {
	c.t.Helper()
	rows, err := c.County.Engine.List(c.t.Context(), syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}, Kind: care.KindAccessEntry, Limit: 100,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, row := range rows {
		state, err := record.DecodeState(row.State)
		if err != nil {
			c.t.Fatal(err)
		}
		m, err := care.Message(care.KindAccessEntry, state.Registers())
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, m.(*carev1.AccessEntry))
	}
	return all
}

// exported reads a stream to its end.
func exported(t *testing.T, office officev1grpc.ExportServiceClient, caller *servertest.Caller, q *officev1.ExportTableRequest) (*officev1.ExportReport, []byte, officev1.ExportProblem) {
	t.Helper()
	stream, err := office.ExportTable(caller.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var report *officev1.ExportReport
	var content []byte
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return report, content, 0
		case err != nil:
			t.Fatal(err)
		case m.GetProblem() != 0:
			return nil, nil, m.GetProblem()
		case m.GetReport() != nil:
			report = m.GetReport()
		}
		content = append(content, m.GetContent()...)
	}
}

func TestAFileThatLeavesStandsInTheAccessLog(t *testing.T) {
	c := newClinic(t)
	event, _ := care.KindNamed("outreach_event")
	c.save(event, &carev1.OutreachEvent{ServiceDate: today(c), Topic: "高血压讲座"}, servertest.Village, record.ID{})
	office := officev1grpc.NewExportServiceClient(c.caller.Conn)
	year := care.DateOf(c.Clock.Now()).String()[:4]
	q := &officev1.ExportTableRequest{Shard: c.shard, Name: "events", Period: year, Format: officev1.ExportFormat_EXPORT_FORMAT_CSV, Author: "zhao", Purpose: "年度台账"}
	report, content, problem := exported(t, office, c.caller, q)
	if problem != 0 || report.GetRows() != 1 || !strings.Contains(string(content), "高血压讲座") {
		t.Fatalf("%v: %v\n%s", problem, report, content)
	}
	sum := sha256.Sum256(content)
	log := c.accessLog()
	if len(log) != 1 || !bytes.Equal(log[0].GetSha256(), sum[:]) || !bytes.Equal(report.GetSha256(), sum[:]) {
		t.Fatalf("the log has %v of a file %x", log, sum)
	}
	if e := log[0]; e.GetWhat() != "export.events" || e.GetAuthor() != "zhao" || e.GetPurpose() != "年度台账" || e.GetPeriod() != year || e.GetRows() != 1 {
		t.Errorf("the log has %v", e)
	}
	for name, change := range map[string]func(*officev1.ExportTableRequest){
		"nobody says what for": func(q *officev1.ExportTableRequest) { q.Purpose = " " },
		"nobody asks":          func(q *officev1.ExportTableRequest) { q.Author = "" },
		"no period":            func(q *officev1.ExportTableRequest) { q.Period = "soon" },
		"no export":            func(q *officev1.ExportTableRequest) { q.Name = "everything" },
		"no division":          func(q *officev1.ExportTableRequest) { q.Division = "13" },
		"a period to come":     func(q *officev1.ExportTableRequest) { q.Period = "2199" },
	} {
		bad := &officev1.ExportTableRequest{Shard: c.shard, Name: "events", Period: year, Author: "zhao", Purpose: "年度台账"}
		change(bad)
		if _, _, problem := exported(t, office, c.caller, bad); problem == 0 {
			t.Errorf("%s: no problem", name)
		}
	}
	if len(c.accessLog()) != 1 {
		t.Error("what did not leave stands in the access log")
	}
	if left, err := os.ReadDir(filepath.Join(c.County.Dir, "exports.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func today(c *clinic) int32 { return int32(care.DateOf(c.Clock.Now())) }

// Each of the ten tables that leaves is one line of the access log, with what for and how many rows.
func TestEachTableThatLeavesIsOneLineOfTheAccessLog(t *testing.T) {
	w := newTown(t)
	w.resident("甲试", "130403195803060016", "13800001234", servertest.Village)
	w.follow()
	desk := w.Enrol(servertest.Clerk("zhao", servertest.Code)).Caller
	office := officev1grpc.NewExportServiceClient(desk.Conn)
	for i, name := range exports.Names() {
		q := &officev1.ExportTableRequest{
			Shard: w.shard, Name: name, Period: care.DateOf(w.Clock.Now()).String()[:7], Author: "zhao", Purpose: "台账 " + name,
		}
		report, content, problem := exported(t, office, desk, q)
		if problem != 0 || len(content) == 0 {
			t.Fatalf("%s: %v", name, problem)
		}
		if !report.GetMasked() {
			t.Errorf("%s: a desk reads whole numbers", name)
		}
		var lines []*carev1.AccessEntry
		all := w.accessLog()
		for _, e := range all {
			if e.GetWhat() == "export."+name {
				lines = append(lines, e)
			}
		}
		if len(all) != i+1 || len(lines) != 1 {
			t.Fatalf("%s: %d lines, %d in all after %d tables", name, len(lines), len(all), i+1)
		}
		sum := sha256.Sum256(content)
		if e := lines[0]; e.GetPurpose() != q.GetPurpose() || e.GetRows() != int64(report.GetRows()) || !bytes.Equal(e.GetSha256(), sum[:]) {
			t.Errorf("%s: the log has %v of %d rows, %x", name, e, report.GetRows(), sum)
		}
	}
}

// Who gives up before a file is there leaves no line; who does while it is sent leaves a whole one,
// for some of it has left. Neither leaves a file.
func TestWhoGivesUpLeavesAWholeLineOrNone(t *testing.T) {
	c := newClinic(t)
	event, _ := care.KindNamed("outreach_event")
	for range 400 { // more than is on the way at once
		c.save(event, &carev1.OutreachEvent{ServiceDate: today(c), Topic: "高血压讲座", Content: strings.Repeat("讲", 500)}, servertest.Village, record.ID{})
	}
	office := officev1grpc.NewExportServiceClient(c.caller.Conn)
	q := &officev1.ExportTableRequest{
		Shard: c.shard, Name: "events", Period: care.DateOf(c.Clock.Now()).String()[:4], Format: officev1.ExportFormat_EXPORT_FORMAT_CSV, Author: "zhao", Purpose: "台账",
	}

	release := c.holdExports(q.GetPeriod())
	ctx, cancel := context.WithCancel(c.caller.Context())
	waits, err := office.ExportTable(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := waits.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("gave up while waiting: %v", err)
	}
	// The server hears of it before it hears what is asked next.
	if _, _, problem := exported(t, office, c.caller, &officev1.ExportTableRequest{Shard: c.shard, Name: "events", Period: "soon"}); problem == 0 {
		t.Error("no problem")
	}
	release()
	if log := c.accessLog(); len(log) != 0 {
		t.Errorf("what never was made stands in the log: %v", log)
	}

	ctx, cancel = context.WithCancel(c.caller.Context())
	sent, err := office.ExportTable(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	var report *officev1.ExportReport
	for report == nil {
		m, err := sent.Recv()
		if err != nil {
			t.Fatal(err)
		}
		report = m.GetReport()
	}
	cancel()
	log := c.accessLog()
	if len(log) != 1 || log[0].GetRows() != 400 || !bytes.Equal(log[0].GetSha256(), report.GetSha256()) || log[0].GetPurpose() != "台账" {
		t.Errorf("the log has %v", log)
	}
	c.Stop() // when whoever was served is done
	if left, err := os.ReadDir(filepath.Join(c.County.Dir, "exports.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// holdExports makes a file that is not done before release is called: others wait for their turn.
func (c *clinic) holdExports(period string) (release func()) {
	c.t.Helper()
	all, err := c.County.Exports()
	if err != nil {
		c.t.Fatal(err)
	}
	year, err := indicators.ParsePeriod(period)
	if err != nil {
		c.t.Fatal(err)
	}
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		f, err := all.Make(context.WithoutCancel(c.t.Context()), exports.Request{
			Export: "events", Period: year, Format: exports.CSV, Scope: exports.Scope{Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral}},
		}, func(int, int) {
			once.Do(func() { close(begun); <-goOn })
		})
		if err == nil {
			err = f.Close()
		}
		done <- err
	}()
	<-begun
	return func() {
		close(goOn)
		if err := <-done; err != nil {
			c.t.Error(err)
		}
	}
}
