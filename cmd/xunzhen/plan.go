// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/plan"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// planCommand says on paper what counties need.
type planCommand struct {
	Counties    int     `help:"help_plan_counties" default:"1" placeholder:"N"`
	Tablets     int     `help:"help_plan_tablets" default:"400" placeholder:"N"`
	Saves       int     `help:"help_plan_saves" default:"40" placeholder:"N"`
	Workdays    int     `help:"help_plan_workdays" default:"250" placeholder:"N"`
	Years       int     `help:"help_plan_years" default:"10" placeholder:"N"`
	Evening     float64 `help:"help_plan_evening" default:"50" placeholder:"PERCENT"`
	Storm       float64 `help:"help_plan_storm" default:"20" placeholder:"PERCENT"`
	Scope       int     `help:"help_plan_scope" default:"20000" placeholder:"N"`
	Cores       float64 `help:"help_plan_cores" default:"4" placeholder:"N"`
	Memory      float64 `help:"help_plan_memory" default:"8" placeholder:"GIB"`
	Disk        float64 `help:"help_plan_disk" default:"2000" placeholder:"GB"`
	Network     float64 `help:"help_plan_network" default:"100" placeholder:"MBIT"`
	Connections float64 `help:"help_plan_connections" default:"1024" placeholder:"N"`
	Bench       string  `help:"help_plan_bench" placeholder:"FILE"`
	Json        bool    `help:"help_json"`
}

// Run prints the load, the sizing and what is used up first.
func (f planCommand) Run(c *call) error {
	m, err := f.measured()
	if err != nil {
		return err
	}
	w := plan.Wanted{
		Counties: f.Counties, Tablets: f.Tablets, Saves: f.Saves, Workdays: f.Workdays, Years: f.Years, Evening: f.Evening / 100, Storm: f.Storm / 100,
		Scope: f.Scope, Node: plan.Node{Cores: f.Cores, MemoryGB: f.Memory, DiskGB: f.Disk, Mbps: f.Network, Connections: f.Connections},
	}
	p, err := plan.Of(w, m)
	if err != nil {
		return &problem{key: "problem_plan", args: []any{err}, cause: err}
	}
	if f.Json {
		return c.json(struct {
			plan.Plan
			Measured plan.Measured `json:"measured"`
		}{p, m})
	}
	return f.tell(c, p, m)
}

// measured returns what bench --json wrote, its last line; without a file what the program was last measured with.
func (f planCommand) measured() (m plan.Measured, err error) {
	if f.Bench == "" {
		return plan.Shipped(), nil
	}
	text, err := os.ReadFile(f.Bench)
	if err != nil {
		return m, &problem{key: "problem_plan_bench", args: []any{f.Bench}, cause: err}
	}
	text = bytes.TrimSpace(text)
	if err := json.Unmarshal(text[bytes.LastIndexByte(text, '\n')+1:], &m); err != nil {
		return m, &problem{key: "problem_plan_bench", args: []any{f.Bench}, cause: err}
	}
	return m, nil
}

func (f planCommand) tell(c *call, p plan.Plan, m plan.Measured) error {
	l := p.Load
	table := terminal.Table{Head: []string{c.say("plan_head_what"), c.say("plan_head_number"), ""}, Right: []bool{false, true}}
	for _, row := range []struct {
		key  string
		n    float64
		unit string
	}{
		{"plan_tablets", l.Tablets, ""},
		{"plan_records_day", l.RecordsADay, ""},
		{"plan_records_year", l.RecordsAYear, ""},
		{"plan_evening_saves", l.SavesPerS, "/s"},
		{"plan_evening_syncs", l.SyncsPerS, "/s"},
		{"plan_evening_cores", l.EveningCores, c.say("plan_cores")},
		{"plan_work_in", l.WorkInCores, c.say("plan_cores")},
		{"plan_evening_up", l.EveningUp, "Mbit/s"},
		{"plan_storm_records", l.StormRecords, ""},
		{"plan_storm_cores", l.StormCores, c.say("plan_cores")},
		{"plan_storm_down", l.StormDown, "Mbit/s"},
		{"plan_disk_year", l.DiskGBAYear, "GB"},
		{"plan_ledger_year", l.LedgerGBAYear, "GB"},
		{"plan_leaves_year", l.LeavesAYear, ""},
		{"plan_derived_year", l.DerivedGB, "GB"},
	} {
		table.Add(c.say(row.key), amount(row.n), row.unit)
	}
	if err := table.Write(c.Stdout); err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout)
	uses := terminal.Table{
		Head:  []string{c.say("plan_head_of"), c.say("plan_head_need"), c.say("plan_head_node"), c.say("plan_head_nodes"), ""},
		Right: []bool{false, true, true, true},
	}
	for _, u := range p.Uses {
		uses.Add(c.say(map[string]string{
			"cores": "plan_of_cores", "network": "plan_of_network", "memory": "plan_of_memory", "disk": "plan_of_disk", "connections": "plan_of_connections",
			"commits": "plan_of_commits",
		}[u.Of]), amount(u.Need), amount(u.Each), amount(u.Nodes), c.bar(u.Nodes/p.Uses[0].Nodes))
	}
	if err := uses.Write(c.Stdout); err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout)
	switch {
	case p.Uses[0].Of == "commits":
		c.line("plan_result_commits", amount(p.Uses[0].Need), amount(p.Uses[0].Each))
	case p.Alone:
		c.line("plan_result_alone", amount(100*p.Uses[0].Nodes), c.say("plan_first_"+p.Uses[0].Of))
	default:
		c.line("plan_result_nodes", p.Nodes, c.say("plan_first_"+p.Uses[0].Of))
	}
	c.line("plan_basis", m.On, amount(m.UploadPerCPU), amount(m.DownloadPerCPU), amount(m.BytesDisk))
	c.line("plan_left_out")
	return nil
}

// bar draws a share.
func (c *call) bar(share float64) string {
	const cells = 10
	n := min(cells, max(0, int(math.Round(share*cells))))
	out := ""
	for i := range cells {
		if i < n {
			out += "█"
		} else {
			out += "░"
		}
	}
	return out
}

// amount writes a number with three digits that count, and no more than are known.
func amount(n float64) string {
	if n == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(n))))
	if digits <= 0 {
		text := strconv.FormatInt(int64(math.Round(n*math.Pow10(digits))*math.Pow10(-digits)), 10)
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
		return text
	}
	return strconv.FormatFloat(math.Round(n*math.Pow10(digits))/math.Pow10(digits), 'f', -1, 64)
}
