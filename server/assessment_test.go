// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/transport"
)

func (w town) assessing(c *servertest.Caller) officev1grpc.AssessmentServiceClient {
	return officev1grpc.NewAssessmentServiceClient(c.Conn)
}

// counted asks for figures to the end.
func (w town) counted(c *servertest.Caller, q *officev1.AssessmentQuery) (all []*officev1.Figure, r *officev1.FiguresReport, err error) {
	stream, err := w.assessing(c).GetFigures(c.Context(), &officev1.GetFiguresRequest{Shard: w.shard, Query: q})
	for err == nil {
		var m *officev1.GetFiguresResponse
		if m, err = stream.Recv(); err == nil {
			all = append(all, m.GetFigures()...)
			if m.GetReport() != nil {
				r = m.GetReport()
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return all, r, err
}

func figureOf(t *testing.T, all []*officev1.Figure, code, division string) *officev1.Figure {
	t.Helper()
	for _, f := range all {
		if f.GetCode() == code && f.GetDivision() == division {
			return f
		}
	}
	t.Fatalf("no figure %s of %s among %d", code, division, len(all))
	return nil
}

func TestFiguresAndPeopleAreWithinWhatADeskMaySee(t *testing.T) {
	w := newTown(t)
	w.resident("甲试", "130403195803060016", "13800001234", servertest.Village)
	w.resident("乙试", "130403195803060024", "13800001235", "130403002001")
	w.follow()
	desk := w.Enrol(servertest.Clerk("zhao", "130403001")).Caller
	this := &officev1.Window{From: 20260101, To: 20261231}

	all, r, err := w.counted(w.caller, &officev1.AssessmentQuery{Window: this})
	if err != nil {
		t.Fatal(err)
	}
	if f := figureOf(t, all, "S02", servertest.Code); f.GetDenominator() != 2 {
		t.Errorf("the operator sees %d people, want 2", f.GetDenominator())
	}
	if r.GetBasis().GetAsOf() != 20260301 || r.GetCompleteness() == nil || r.GetBasis().GetPosition() == 0 {
		t.Errorf("%v", r)
	}
	all, _, err = w.counted(desk, &officev1.AssessmentQuery{Window: this})
	if err != nil {
		t.Fatal(err)
	}
	if f := figureOf(t, all, "S02", servertest.Code); f.GetDenominator() != 1 || f.StatisticX1000 != nil {
		t.Errorf("the desk sees %v", f)
	}
	if _, _, err := w.counted(desk, &officev1.AssessmentQuery{Window: this, Divisions: []string{"130403002"}}); transport.ReasonOf(err) != syncv1.Reason_REASON_NOT_FOUND {
		t.Errorf("another township: %v", err)
	}
	people := func(c *servertest.Caller) []*officev1.AssessedPerson {
		t.Helper()
		m, err := w.assessing(c).ListPeople(c.Context(), &officev1.ListPeopleRequest{Shard: w.shard, Query: &officev1.AssessmentQuery{Window: this, Codes: []string{"S02"}}})
		if err != nil {
			t.Fatal(err)
		}
		return m.GetPeople()
	}
	if got := people(w.caller); len(got) != 2 || got[0].GetNumber() != "130403********0016" {
		t.Errorf("the operator sees %v", got)
	}
	if got := people(desk); len(got) != 1 || got[0].GetName() != "甲试" || !strings.Contains(got[0].GetNumber(), "*") || !strings.Contains(got[0].GetPhone(), "*") {
		t.Errorf("the desk sees %v", got)
	}
}

func TestADeskOfATownshipFreezesNothingAndTheCountyFreezesOnce(t *testing.T) {
	w := newTown(t)
	w.resident("甲试", "130403195803060016", "13800001234", servertest.Village)
	half := &officev1.Window{From: 20250701, To: 20251231}
	w.follow()
	freeze := func(c *servertest.Caller, author string, window *officev1.Window) (*officev1.FreezeInfo, error) {
		t.Helper()
		stream, err := w.assessing(c).Freeze(c.Context(), &officev1.FreezeRequest{Shard: w.shard, Author: author, Window: window})
		for err == nil {
			var m *officev1.FreezeResponse
			if m, err = stream.Recv(); err == nil && m.GetReport() != nil {
				return m.GetReport(), nil
			}
		}
		return nil, err
	}
	township, county := w.Enrol(servertest.Clerk("zhao", "130403001")).Caller, w.Enrol(servertest.Clerk("qian")).Caller
	if _, err := freeze(township, "zhao", half); transport.ReasonOf(err) != syncv1.Reason_REASON_RIGHTS {
		t.Errorf("a township: %v", err)
	}
	if _, err := freeze(county, "somebody", half); transport.ReasonOf(err) != syncv1.Reason_REASON_RIGHTS {
		t.Errorf("for another: %v", err)
	}
	if _, err := freeze(county, "qian", &officev1.Window{From: 20260101, To: 20260630}); err == nil || !strings.Contains(err.Error(), "not_over: ") {
		t.Errorf("under way: %v", err)
	}
	w.follow() // a desk's certificate is a record, too
	f, err := freeze(county, "qian", half)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.GetOutcomesSha256()) != 32 || f.GetLedgerSize() == 0 || f.GetAuthor() != "qian" {
		t.Errorf("%v", f)
	}
	w.Clock.Move(time.Minute)
	w.follow()
	if _, err := freeze(county, "qian", half); err == nil || !strings.Contains(err.Error(), "frozen: ") {
		t.Errorf("twice: %v", err)
	}
	_, r, err := w.counted(township, &officev1.AssessmentQuery{Window: half})
	if err != nil || len(r.GetBasis().GetFreeze()) != 16 {
		t.Errorf("%v, %v", r, err)
	}
}
