// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/tablet"
)

// finder is a centre that gives pages, and then an error.
type finder struct {
	pages  []*officev1.PullFindingsResponse
	err    error
	cursor []byte // as it was asked
}

func (f *finder) PullFindings(_ context.Context, cursor []byte, page func(*officev1.PullFindingsResponse) error) error {
	f.cursor = cursor
	for _, p := range f.pages {
		if err := page(p); err != nil {
			return err
		}
	}
	return f.err
}

// about is a set of findings about a record; with no message it is one that closes an earlier one.
func about(t *testing.T, resident, rec string, combined bool, messages ...string) *officev1.FindingSet {
	t.Helper()
	subject, err := record.ParseID(resident)
	do(t, err)
	id, err := record.ParseID(rec)
	do(t, err)
	s := &officev1.FindingSet{RecordId: id[:], SubjectId: subject[:], Combined: combined, ChangedOn: 20260220}
	for _, m := range messages {
		s.Findings = append(s.Findings, &carev1.Finding{
			RuleId: "A14", Severity: carev1.Severity_SEVERITY_WARNING, MessageZh: m, MessageEn: m, Paths: []string{"blood_pressure"},
		})
	}
	return s
}

func page(cursor string, anew bool, sets ...*officev1.FindingSet) *officev1.PullFindingsResponse {
	return &officev1.PullFindingsResponse{Cursor: []byte(cursor), Anew: anew, Sets: sets, Complete: true}
}

func take(t *testing.T, tb *tablet.Tablet, f *finder) int {
	t.Helper()
	n, err := tb.PullFindings(context.Background(), f)
	return must(t, n, err)
}

func centreFound(t *testing.T, tb *tablet.Tablet) string {
	t.Helper()
	l, err := tb.Findings("")
	var out []string
	for i := range must(t, l, err).Len() {
		out = append(out, l.At(i).MessageZH)
	}
	return strings.Join(out, " ")
}

func TestWhatTheCentreFoundIsKeptAndForgotten(t *testing.T) {
	tb, o := create(t)
	man := addResident(t, tb, aMan).ID
	visit := add(t, tb, "home_visit", man, `{"service_date": 20260220}`)
	first := &finder{pages: []*officev1.PullFindingsResponse{page("c1", true, about(t, man, visit, false, "血压甲"), about(t, man, visit, true, "血压乙"), about(t, man, man, false, "号码丙"))}}
	if n := take(t, tb, first); n != 3 || len(first.cursor) != 0 {
		t.Fatalf("%d sets, asked from %q", n, first.cursor)
	}
	l, err := tb.RecordFindings(visit)
	must(t, l, err)
	told := map[string]*tablet.Finding{}
	for i := range l.Len() {
		told[l.At(i).MessageZH] = l.At(i)
	}
	if f := told["血压甲"]; f == nil || !f.Centre || f.On != "2026-02-20" || f.Kind != "home_visit" || f.Fields.At(0).LabelZH != "血压" || told["号码丙"] != nil {
		t.Errorf("%+v", f)
	}
	s, err := tb.Status()
	if must(t, s, err).Findings != 3 {
		t.Errorf("status counts %d", s.Findings)
	}
	do(t, tb.Lock())
	_, err = tb.Findings("")
	wantReason(t, err, "locked")
	_, err = tb.PullFindings(context.Background(), first)
	wantReason(t, reasoned(err), "locked")
	if s, err := tb.Status(); must(t, s, err).Findings != 3 {
		t.Errorf("while locked status counts %d", s.Findings)
	}
	_, err = tb.Unlock(secret)
	do(t, err)
	next := &finder{pages: []*officev1.PullFindingsResponse{page("c2", false, about(t, man, visit, false))}}
	take(t, tb, next)
	if string(next.cursor) != "c1" || centreFound(t, tb) != "号码丙 血压乙" && centreFound(t, tb) != "血压乙 号码丙" {
		t.Errorf("asked from %q, and has %s", next.cursor, centreFound(t, tb))
	}
	cut := &finder{err: errors.New("cut"), pages: []*officev1.PullFindingsResponse{page("c3", false, about(t, man, man, false))}}
	if n, err := tb.PullFindings(context.Background(), cut); n != 1 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	do(t, tb.Close())
	tb, err = tablet.OpenWith(o, secret)
	must(t, tb, err)
	defer tb.Close()
	last := &finder{pages: []*officev1.PullFindingsResponse{page("d1", true, about(t, man, man, false, "新的"))}}
	if got := centreFound(t, tb); got != "血压乙" {
		t.Errorf("what came before the cut is not kept: %s", got)
	}
	take(t, tb, last)
	if got := centreFound(t, tb); string(last.cursor) != "c3" || got != "新的" {
		t.Errorf("asked from %q; anew it has %s", last.cursor, got)
	}
}

// reasoned gives an error of an inner call its reason.
func reasoned(err error) error {
	if err != nil && strings.Contains(err.Error(), "locked") {
		return &tablet.Error{Reason: "locked"}
	}
	return err
}

func TestWhatTheCentreFoundIsSealedAndBounded(t *testing.T) {
	tb, o := create(t)
	man := addResident(t, tb, aMan).ID
	const measured = "收缩压两百一十九"
	var sets []*officev1.FindingSet
	big := strings.Repeat("长", 16000) // some 48 KB twice
	for range tablet.FoundBytes/96000 + 20 {
		id := add(t, tb, "home_visit", man, `{}`)
		sets = append(sets, about(t, man, id, false, measured+big))
	}
	take(t, tb, &finder{pages: []*officev1.PullFindingsResponse{page("c1", true, sets...)}})
	s, err := tb.Status()
	if must(t, s, err); s.FindingsOmitted == 0 || s.Findings+s.FindingsOmitted != len(sets) {
		t.Errorf("%d kept, %d omitted of %d", s.Findings, s.FindingsOmitted, len(sets))
	}
	do(t, tb.Close())
	err = filepath.WalkDir(o.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte(measured)) {
			t.Errorf("%s has a measured value in clear", filepath.Base(path))
		}
		return err
	})
	do(t, err)
}

// Parts that were damaged on the disk are dropped and taken anew; nothing else stops.
func TestDamagedFindingsAreTakenAnew(t *testing.T) {
	tb, o := create(t)
	man := addResident(t, tb, aMan).ID
	take(t, tb, &finder{pages: []*officev1.PullFindingsResponse{page("c1", true, about(t, man, man, false, "甲"))}})
	do(t, tb.Close())
	tablet.SpoilFindings(t.Context(), t, o.Dir)
	tb, err := tablet.OpenWith(o, secret)
	must(t, tb, err)
	defer tb.Close()
	if got := centreFound(t, tb); got != "" {
		t.Errorf("it has %s", got)
	}
	again := &finder{pages: []*officev1.PullFindingsResponse{page("c1", true, about(t, man, man, false, "甲"))}}
	take(t, tb, again)
	if got := centreFound(t, tb); len(again.cursor) != 0 || got != "甲" {
		t.Errorf("asked from %q, and has %s", again.cursor, got)
	}
}
