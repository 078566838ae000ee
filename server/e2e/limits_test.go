// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

func (x *tab) limits() *tablet.Limits {
	x.t.Helper()
	l, err := x.Limits()
	return must(x.t, l, err)
}

func (x *tab) synced() *tablet.SyncReport {
	x.t.Helper()
	r, err := x.Sync(x.t.Context(), x.sync)
	return must(x.t, r, err)
}

// told keeps what a sync says while it runs.
type toldTotal struct{ total int }

// Progress keeps the greatest total of the download.
func (p *toldTotal) Progress(phase string, _, total int) {
	if phase == "pull" {
		p.total = max(p.total, total)
	}
}

// A township has more than a tablet may keep: it is told how much before it downloads, lets
// go what it needs least, says so, keeps what was saved on it, and fetches the rest again
// when it may keep more.
func TestATabletKeepsWhatItNeedsMost(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("zhang", township), w.tablet("wu", township)
	var managed, plain, old []string
	for i := range 20 {
		id := a.add("resident", "", village2, fmt.Sprintf(
			`{"name": "慢病%02d", "sex": "SEX_MALE", "birth_date": 19600306, "tags": {"a": {"code": "POPULATION_CODE_HYPERTENSION", "since": 20200101}}}`, i)).ID
		managed = append(managed, id)
		old = append(old, a.add("hypertension_follow_up", id, village2, `{"service_date": 20190101}`).ID)
		managed = append(managed, a.add("hypertension_follow_up", id, village2, `{"service_date": 20200101}`).ID) // the newest there is
	}
	for i := range 60 {
		plain = append(plain, a.add("resident", "", village, fmt.Sprintf(`{"name": "居民%02d"}`, i)).ID)
	}
	a.run()

	own := b.add("resident", "", village, `{"name": "本人所记"}`).ID
	do(t, b.SetLimits(101, 0, ""))
	var told toldTotal
	b.sync.Progress = &told
	r := b.synced()
	if r.ScopeRecords != 121 || r.ScopeBytes == 0 || told.total != 121 { // its own was pushed before
		t.Errorf("told of %d records of %d bytes, while it ran of %d", r.ScopeRecords, r.ScopeBytes, told.total)
	}
	if l := b.limits(); !r.Complete || r.Dropped != 20 || r.Beyond != 20 || l.Kept != 101 || l.Beyond != 20 || l.ScopeRecords != 121 {
		t.Fatalf("first sync %+v, limits %+v", r, l)
	}
	wantBeyond := func(name string, want bool, ids ...string) {
		t.Helper()
		for i, id := range ids {
			if one := b.show(id); one.Beyond != want || (one.JSON == "") != want || want && one.Form != "" {
				t.Errorf("%s %d: beyond %t, want %t: %+v", name, i, one.Beyond, want, one)
			}
		}
	}
	wantBeyond("old follow-up", true, old...)
	wantBeyond("managed", false, managed...)
	wantBeyond("plain", false, plain...)
	if s := b.status(); s.Beyond != 20 || !b.warned(tablet.WarnBeyond) {
		t.Errorf("status %+v", s)
	}

	for i := range 30 {
		a.add("resident", "", village, fmt.Sprintf(`{"name": "新来%02d"}`, i))
	}
	a.run()
	if r = b.synced(); !r.Complete || r.Repulled || r.Dropped != 30 || r.Beyond != 50 || r.ScopeRecords != 0 {
		t.Errorf("second sync %+v", r)
	}
	wantBeyond("managed", false, managed...)
	wantBeyond("own", false, own)
	if l, err := b.Due(t.Context(), nil); must(t, l, err).Beyond() != 20 || l.Residents() != 81 {
		t.Errorf("%d residents, %d of them with something at the centre only", l.Residents(), l.Beyond())
	}

	for i := range 2 { // no more than 2 % on top: nothing is ranked for them
		a.add("resident", "", village, fmt.Sprintf(`{"name": "又来%02d"}`, i))
	}
	a.run()
	if r = b.synced(); !r.Complete || r.Dropped != 0 || r.Beyond != 50 {
		t.Errorf("third sync %+v", r)
	}
	if l := b.limits(); l.Kept != 103 {
		t.Errorf("%d kept, want 103", l.Kept)
	}

	do(t, b.SetLimits(0, 0, ""))
	if r = b.synced(); !r.Complete || r.Beyond != 0 || r.ScopeRecords != 153 {
		t.Errorf("sync with more room %+v", r)
	}
	wantBeyond("old follow-up", false, old...)
	if l := b.limits(); l.Kept != 153 || l.Beyond != 0 || b.warned(tablet.WarnBeyond) {
		t.Errorf("limits %+v", l)
	}
	if r = b.synced(); r.Received != 0 || r.ScopeRecords != 0 {
		t.Errorf("a further sync took all again: %+v", r)
	}
}

func TestAVillageNamedAsOnesOwnIsKeptFirst(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("zhang", township), w.tablet("wu", township)
	var here []string
	for i := range 60 {
		here = append(here, a.add("resident", "", village, fmt.Sprintf(`{"name": "本村%02d"}`, i)).ID)
		a.add("resident", "", village2, fmt.Sprintf(`{"name": "外村%02d"}`, i))
	}
	a.run()
	do(t, b.SetLimits(100, 0, village))
	if r := b.synced(); r.Dropped != 20 {
		t.Errorf("%d let go, want 20", r.Dropped)
	}
	for _, id := range here {
		if b.show(id).Beyond {
			t.Errorf("one of the own village was let go: %s", id)
		}
	}
	for _, wrong := range []struct {
		records, bytes int64
		villages       string
	}{{99, 0, ""}, {-1, 0, ""}, {0, 1000, ""}, {0, 0, "x"}, {0, 0, village + ","}} {
		if err := b.SetLimits(wrong.records, wrong.bytes, wrong.villages); tablet.ReasonOf(err) != "limits" {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func TestAHubTellsHowMuchItHas(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	for i := range 5 {
		a.add("resident", "", village, fmt.Sprintf(`{"name": "居民%02d"}`, i))
	}
	a.run()
	c := w.clinic(township)
	_, err := c.Sync(t.Context())
	do(t, err)
	b := w.tablet("wu", township)
	b.knows(newLine(), c)
	b.sync.With = c.listen
	if r := b.synced(); !r.AtHub || r.ScopeRecords != 5 || r.Received != 5 {
		t.Errorf("%+v", r)
	}
}
