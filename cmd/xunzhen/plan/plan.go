// SPDX-License-Identifier: Apache-2.0

// Package plan says what a county, a province or a nation needs: a model on paper, fed by what `xunzhen bench`
// measured. It counts a working day's evening, when the tablets come home, a storm after an outage, when many
// of them take everything anew, and what stays on disk over the years; and names what is used up first.
//
// Every number follows from the inputs by the few lines of Of; nothing is tuned. A model is not a
// measurement: it leaves out what people ask in the office, and takes it that load spreads evenly within its hour.
package plan

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Measured is what bench measured, by the keys of its JSON.
type Measured struct {
	On             string  `json:"measured_on"` // yyyy-mm-dd, or empty
	UploadPerCPU   float64 `json:"upload_per_cpu_s"`
	DownloadPerCPU float64 `json:"download_per_cpu_s"`
	IncrementalCPU float64 `json:"incremental_cpu_s"` // of IncrementalOf devices that sync at once
	BytesUp        float64 `json:"bytes_up_zstd"`     // on the wire per byte of form
	BytesDown      float64 `json:"bytes_down_zstd"`
	BytesDisk      float64 `json:"bytes_disk"`
	FormBytes      float64 `json:"form_bytes"`
	MemoryLarge    float64 `json:"rss_mb_100k"` // MiB of a server with one county
}

// Constants that bench does not measure.
const (
	// IncrementalOf is how many devices one incremental sync of bench is of.
	IncrementalOf = 20
	// ProjectionBytes is what findings, indicators and registers take on disk for a record: of 614,825 records of
	// 60,000 invented residents, 973 MB.
	ProjectionBytes = 1600
	// WorkInCPU is what it takes to have findings, indicators and registers say what a new record says, in seconds of one
	// core: 274 visits more were worked in a second.
	WorkInCPU = 1.0 / 274
	// LeafBytes is what a segment adds to the ledger: its leaf, and the hashes above it, as rows.
	LeafBytes = 250
	// CommitsPerS is how many transactions a second one shard took on PostgreSQL. Pushes of one shard that wait are
	// committed together, so a county beyond it is slower and not lost.
	CommitsPerS = 308
	// CountyMemory is what a further county takes in a server, in MiB: its caches, and the search of numbers of
	// 50,000 residents.
	CountyMemory = 24
)

// Shipped is what the program was last measured with, in full and alone on a machine of two cores.
func Shipped() Measured {
	return Measured{
		On: "2026-11-30", UploadPerCPU: 37_635, DownloadPerCPU: 80_178, IncrementalCPU: 0.117, BytesUp: 0.53, BytesDown: 0.42, BytesDisk: 876,
		FormBytes: 400, MemoryLarge: 279,
	}
}

// Wanted is what is to be carried, and by what.
type Wanted struct {
	Counties int // shards
	Tablets  int // of each county
	Saves    int // of a tablet on a working day
	Workdays int // a year
	Years    int // that are kept on disk
	// Evening is the share of the day's saves that come within the busiest hour, 0 to 1.
	Evening float64
	// Storm is the share of the tablets that take everything anew within an hour after an outage, 0 to 1.
	Storm float64
	// Scope is how many records a tablet has when it has everything.
	Scope int

	Node Node
}

// Node is one server machine.
type Node struct {
	Cores    float64
	MemoryGB float64
	DiskGB   float64
	Mbps     float64 // of its network, each way
	// Connections is how many may be open at once.
	Connections float64
}

// Busy is the share of a processor or a line that is planned with: above it waiting grows without bound.
const Busy = 0.6

// ErrWanted says that there is nothing to plan, or that a number is none.
var ErrWanted = errors.New("not to be planned")

func (w Wanted) check(m Measured) error {
	for _, one := range []struct {
		name string
		n    float64
	}{
		{"counties", float64(w.Counties)},
		{"tablets", float64(w.Tablets)},
		{"saves", float64(w.Saves)},
		{"workdays", float64(w.Workdays)},
		{"years", float64(w.Years)},
		{"cores", w.Node.Cores},
		{"memory", w.Node.MemoryGB},
		{"disk", w.Node.DiskGB},
		{"network", w.Node.Mbps},
		{"connections", w.Node.Connections},
		{"upload_per_cpu_s", m.UploadPerCPU},
		{"download_per_cpu_s", m.DownloadPerCPU},
		{"incremental_cpu_s", m.IncrementalCPU},
		{"bytes_disk", m.BytesDisk},
		{"form_bytes", m.FormBytes},
		{"bytes_up_zstd", m.BytesUp},
		{"bytes_down_zstd", m.BytesDown},
	} {
		if !(one.n > 0) || math.IsInf(one.n, 0) {
			return fmt.Errorf("%w: %s must be above 0", ErrWanted, one.name)
		}
	}
	if w.Evening < 0 || w.Evening > 1 || w.Storm < 0 || w.Storm > 1 || w.Scope < 0 {
		return fmt.Errorf("%w: evening and storm are shares from 0 to 1", ErrWanted)
	}
	return nil
}

// Load is what has to be carried, of all counties together.
type Load struct {
	Tablets       float64 `json:"tablets"`
	RecordsADay   float64 `json:"records_a_day"`
	RecordsAYear  float64 `json:"records_a_year"`
	SavesPerS     float64 `json:"evening_saves_per_s"`
	SyncsPerS     float64 `json:"evening_syncs_per_s"`
	EveningCores  float64 `json:"evening_cores"` // that work without a pause through the hour
	WorkInCores   float64 `json:"work_in_cores"` // findings and figures keep up with the evening
	EveningUp     float64 `json:"evening_mbps_up"`
	CountyPushes  float64 `json:"evening_pushes_per_s_of_a_county"`
	StormRecords  float64 `json:"storm_records"`
	StormCores    float64 `json:"storm_cores"`
	StormDown     float64 `json:"storm_mbps_down"`
	StormAlone    float64 `json:"storm_s_of_one_core_for_a_tablet"`
	DiskGBAYear   float64 `json:"disk_gb_a_year"` // store, history and ledger
	DerivedGB     float64 `json:"derived_gb_a_year"`
	LeavesAYear   float64 `json:"ledger_leaves_a_year"`
	LedgerGBAYear float64 `json:"ledger_gb_a_year"` // of disk_gb_a_year
}

// Use is how much of something all nodes together must have, and how many nodes that makes by itself.
type Use struct {
	Of    string  `json:"of"` // cores, network, memory, disk, connections, commits
	Need  float64 `json:"need"`
	Each  float64 `json:"of_a_node"` // what a node gives; of commits, what a shard gives
	Nodes float64 `json:"nodes"`     // not rounded; of commits, the share of what one shard takes
}

// Plan is what follows.
type Plan struct {
	Load  Load  `json:"load"`
	Uses  []Use `json:"uses"` // what makes most nodes first: the first bottleneck
	Nodes int   `json:"nodes"`
	// Alone says that one server with its files in one folder carries it: no database server is needed.
	Alone bool `json:"one_machine"`
}

const (
	hour     = 3600.0
	gigabyte = 1e9
	megabit  = 1e6 / 8
)

// Of counts. Errors wrap ErrWanted.
func Of(w Wanted, m Measured) (Plan, error) {
	if err := w.check(m); err != nil {
		return Plan{}, err
	}
	l := load(w, m)
	n := w.Node
	cores, mbps := max(l.EveningCores, l.StormCores)+l.WorkInCores, max(l.EveningUp, l.StormDown)
	memory := (m.MemoryLarge + CountyMemory*float64(w.Counties-1)) / 1024
	disk := (l.DiskGBAYear + l.DerivedGB) * float64(w.Years)
	p := Plan{Load: l, Uses: []Use{
		{"cores", cores, n.Cores * Busy, cores / (n.Cores * Busy)},
		{"network", mbps, n.Mbps * Busy, mbps / (n.Mbps * Busy)},
		{"memory", memory, n.MemoryGB * Busy, memory / (n.MemoryGB * Busy)},
		{"disk", disk, n.DiskGB * Busy, disk / (n.DiskGB * Busy)},
		{"connections", l.SyncsPerS * stay(w, m), n.Connections, l.SyncsPerS * stay(w, m) / n.Connections},
	}}
	slices.SortStableFunc(p.Uses, func(a, b Use) int { return cmp.Compare(b.Nodes, a.Nodes) })
	p.Nodes = int(math.Ceil(p.Uses[0].Nodes))
	p.Alone = p.Nodes == 1
	// A shard is written by one process at a time: no number of nodes helps it.
	commits := Use{"commits", l.CountyPushes, CommitsPerS, l.CountyPushes / CommitsPerS}
	if commits.Nodes > 1 {
		p.Uses, p.Alone = append([]Use{commits}, p.Uses...), false
	} else {
		p.Uses = append(p.Uses, commits)
	}
	return p, nil
}

func load(w Wanted, m Measured) Load {
	tablets := float64(w.Counties) * float64(w.Tablets)
	day := tablets * float64(w.Saves)
	year := day * float64(w.Workdays)
	saves, syncs := day*w.Evening/hour, tablets*w.Evening/hour
	storm := tablets * w.Storm * float64(w.Scope)
	l := Load{
		Tablets: tablets, RecordsADay: day, RecordsAYear: year, SavesPerS: saves, SyncsPerS: syncs,
		EveningCores: saves/m.UploadPerCPU + syncs*m.IncrementalCPU/IncrementalOf,
		WorkInCores:  saves * WorkInCPU,
		EveningUp:    saves * m.FormBytes * m.BytesUp / megabit,
		CountyPushes: syncs / float64(w.Counties),
		StormRecords: storm, StormCores: storm / hour / m.DownloadPerCPU, StormDown: storm / hour * m.FormBytes * m.BytesDown / megabit,
		StormAlone:  float64(w.Scope) / m.DownloadPerCPU,
		LeavesAYear: tablets * float64(w.Workdays),
		DiskGBAYear: year * m.BytesDisk / gigabyte, DerivedGB: year * ProjectionBytes / gigabyte,
	}
	l.LedgerGBAYear = l.LeavesAYear * LeafBytes / gigabyte
	return l
}

// A sync takes a tablet so long: it sends and receives over a village's line, and waits for the server, in seconds.
func stay(w Wanted, m Measured) float64 {
	const lineMbps = 2
	return 2 + float64(w.Saves)*m.FormBytes*m.BytesUp/(lineMbps*megabit)
}
