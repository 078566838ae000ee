// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
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
