// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"math"
	"testing"
)

// round are figures with which a person can count along.
func round() (Wanted, Measured) {
	return Wanted{
		Counties: 10, Tablets: 360, Saves: 50, Workdays: 250, Years: 4, Evening: 0.5, Storm: 0.1, Scope: 40_000,
		Node: Node{Cores: 4, MemoryGB: 8, DiskGB: 1000, Mbps: 100, Connections: 1000},
	}, Measured{
		UploadPerCPU: 25_000, DownloadPerCPU: 50_000, IncrementalCPU: 0.2, BytesUp: 0.5, BytesDown: 0.4, BytesDisk: 1000, FormBytes: 400, MemoryLarge: 240,
	}
}

// 3,600 tablets save 180,000 records a day, 45 million a year. Within the evening's hour come half of them, 25 saves a
// second, by 0.5 syncs a second: 25/25,000 + 0.5·0.2/20 = 0.001 + 0.005 cores, and 25/274 to work them in; 25·400·0.5 = 5,000 bytes/s = 0.04 Mbit/s.
// In a storm 360 tablets take 40,000 records each, 14.4 million: 4,000 a second, 0.08 cores, 640,000 bytes/s = 5.12 Mbit/s.
// A year takes 45 GB of store and 72 GB of what is derived, four years 468 GB of 600: the first bottleneck.
func TestAPlanIsWhatAPersonCounts(t *testing.T) {
	w, m := round()
	p, err := Of(w, m)
	if err != nil {
		t.Fatal(err)
	}
	l := p.Load
	for _, row := range []struct {
		name      string
		got, want float64
	}{
		{"tablets", l.Tablets, 3600},
		{"a day", l.RecordsADay, 180_000},
		{"a year", l.RecordsAYear, 45e6},
		{"saves", l.SavesPerS, 25},
		{"syncs", l.SyncsPerS, 0.5},
		{"evening cores", l.EveningCores, 0.006},
		{"work in", l.WorkInCores, 25.0 / 274},
		{"evening up", l.EveningUp, 0.04},
		{"pushes", l.CountyPushes, 0.05},
		{"storm", l.StormRecords, 14.4e6},
		{"storm cores", l.StormCores, 0.08},
		{"storm down", l.StormDown, 5.12},
		{"a tablet", l.StormAlone, 0.8},
		{"disk", l.DiskGBAYear, 45},
		{"derived", l.DerivedGB, 72},
		{"leaves", l.LeavesAYear, 900_000},
		{"ledger", l.LedgerGBAYear, 0.225},
		{"nodes", float64(p.Nodes), 1},
		{"disk of", p.Uses[0].Need, 468},
		{"disk share", p.Uses[0].Nodes, 0.78},
	} {
		if math.Abs(row.got-row.want) > 1e-9*math.Max(1, row.want) {
			t.Errorf("%s: %v, want %v", row.name, row.got, row.want)
		}
	}
	if p.Uses[0].Of != "disk" || !p.Alone {
		t.Errorf("%+v", p)
	}
}

func TestTheFirstBottleneckIsWhatMakesMostNodes(t *testing.T) {
	for _, row := range []struct {
		change func(*Wanted)
		first  string
		alone  bool
	}{
		{func(w *Wanted) { w.Node.DiskGB, w.Node.MemoryGB = 100_000, 1000 }, "network", true},
		{func(w *Wanted) { w.Node.DiskGB, w.Node.Mbps, w.Node.MemoryGB = 1e6, 1e6, 1e6; w.Counties = 2800 }, "cores", false},
		{func(w *Wanted) { w.Node.DiskGB, w.Node.Mbps, w.Node.Cores = 1e6, 1e6, 1e3; w.Counties = 2800 }, "memory", false},
		{func(w *Wanted) { w.Node.DiskGB = 1e9; w.Node.Mbps, w.Node.Cores = 1e6, 1e6; w.Tablets = 10_000_000 }, "commits", false},
	} {
		w, m := round()
		row.change(&w)
		p, err := Of(w, m)
		if err != nil {
			t.Fatal(err)
		}
		if p.Uses[0].Of != row.first || p.Alone != row.alone {
			t.Errorf("first is %+v, alone %v; want %s, %v", p.Uses, p.Alone, row.first, row.alone)
		}
	}
}

func TestMoreOfEverythingNeverNeedsLess(t *testing.T) {
	w, m := round()
	before, err := Of(w, m)
	if err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string]func(*Wanted){
		"counties": func(w *Wanted) { w.Counties *= 3 }, "tablets": func(w *Wanted) { w.Tablets *= 3 }, "saves": func(w *Wanted) { w.Saves *= 3 },
		"years": func(w *Wanted) { w.Years *= 3 }, "storm": func(w *Wanted) { w.Storm *= 3 }, "evening": func(w *Wanted) { w.Evening = 1 },
	} {
		w, _ := round()
		more(&w)
		after, err := Of(w, m)
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range before.Uses {
			for _, then := range after.Uses {
				if then.Of == use.Of && then.Nodes < use.Nodes-1e-12 {
					t.Errorf("more %s: %s falls from %v to %v", name, use.Of, use.Nodes, then.Nodes)
				}
			}
		}
	}
}

func TestWhatIsNoNumberIsNotPlanned(t *testing.T) {
	for _, spoil := range []func(*Wanted, *Measured){
		func(w *Wanted, _ *Measured) { w.Counties = 0 }, func(w *Wanted, _ *Measured) { w.Tablets = -1 }, func(w *Wanted, _ *Measured) { w.Evening = 1.1 },
		func(w *Wanted, _ *Measured) { w.Node.Cores = math.NaN() }, func(_ *Wanted, m *Measured) { m.UploadPerCPU = 0 }, func(_ *Wanted, m *Measured) { m.BytesDisk = math.Inf(1) },
	} {
		w, m := round()
		spoil(&w, &m)
		if _, err := Of(w, m); !errors.Is(err, ErrWanted) {
			t.Errorf("%v", err)
		}
	}
	w, _ := round()
	if _, err := Of(w, Shipped()); err != nil {
		t.Error(err)
	}
}
