// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// taskCommands divide tasks and say how far they are.
type taskCommands struct {
	Split    taskSplit    `cmd:"" help:"help_task_split"`
	Override taskOverride `cmd:"" help:"help_task_override"`
	List     taskList     `cmd:"" help:"help_task_list"`
	Show     taskShow     `cmd:"" help:"help_task_show"`
	Red      taskRed      `cmd:"" help:"help_task_red"`
}

// taskSplit divides a county's task.
type taskSplit struct {
	officeFlags
	Code       string   `arg:"" help:"help_task_code" placeholder:"CODE"`
	Title      string   `help:"help_task_title" placeholder:"TEXT"`
	Indicator  string   `help:"help_task_indicator" placeholder:"CODE"`
	Population string   `help:"help_task_population" placeholder:"GROUP"`
	Total      int64    `help:"help_task_total" default:"0" placeholder:"N"`
	From       string   `help:"help_task_from" placeholder:"DATE"`
	To         string   `help:"help_task_to" placeholder:"DATE"`
	Days       int32    `help:"help_task_days" default:"0" placeholder:"5|6|7"`
	DailyLimit int32    `help:"help_task_limit" default:"0" placeholder:"N"`
	Unit       string   `help:"help_task_unit" placeholder:"CODE"`
	Owner      string   `help:"help_task_owner" placeholder:"ID"`
	Charge     []string `help:"help_task_charge" placeholder:"UNIT=ID[,DATE]"`
	Charges    string   `help:"help_task_charges" placeholder:"FILE"`
	Over       bool     `name:"over-capacity" help:"help_task_over"`
	Author     string   `help:"help_supervise_author" required:"" placeholder:"ID"`
	DryRun     bool     `help:"help_supervise_dry_run"`
	Json       bool     `help:"help_json"`
}

// splitJSON is a divided task for programs.
type splitJSON struct {
	Parts     []taskJSON      `json:"parts"`
	Warnings  []taskFaultJSON `json:"warnings"`
	Added     uint32          `json:"added"`
	Changed   uint32          `json:"changed"`
	Withdrawn uint32          `json:"withdrawn"`
	DryRun    bool            `json:"dry_run"`
}

type taskFaultJSON struct {
	Code string `json:"code"`
	Unit string `json:"unit"`
	A    int64  `json:"a"`
	B    int64  `json:"b"`
}

// taskJSON is a part for programs.
type taskJSON struct {
	ID         string        `json:"id"`
	Set        string        `json:"set"`
	Unit       string        `json:"unit"`
	Title      string        `json:"title"`
	Indicator  string        `json:"indicator"`
	Eligible   int64         `json:"eligible"`
	Quota      int64         `json:"quota"`
	Before     *int64        `json:"before,omitempty"`
	Overridden bool          `json:"overridden"`
	Proposed   int64         `json:"proposed,omitempty"`
	Reason     string        `json:"reason,omitempty"`
	By         string        `json:"by,omitempty"`
	Owner      string        `json:"owner"`
	DueOn      string        `json:"due_on"`
	State      string        `json:"state,omitempty"`
	Uneven     bool          `json:"uneven,omitempty"`
	OnTablet   bool          `json:"changed_on_tablet,omitempty"`
	Progress   *progressJSON `json:"progress,omitempty"`
}

type progressJSON struct {
	Done     int64 `json:"done"`
	Expected int64 `json:"expected"`
	Elapsed  int32 `json:"elapsed_days"`
	Days     int32 `json:"days"`
	PerDay   int64 `json:"needed_per_day"`
	Left     int32 `json:"days_left"`
	Red      bool  `json:"red"`
	Over     bool  `json:"over"`
}

// Run divides and says what changed.
func (f taskSplit) Run(c *call) error {
	q, err := f.request(c)
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error { return c.split(o, q, f.Json) })
}

func (f taskSplit) request(c *call) (*officev1.SplitTaskRequest, error) {
	q := &officev1.SplitTaskRequest{
		Author: f.Author, SetCode: f.Code, Title: f.Title, IndicatorCode: f.Indicator, Total: f.Total, DaysAWeek: f.Days, DailyLimit: f.DailyLimit,
		OrganisationCode: f.Unit, OwnerId: f.Owner, OverCapacity: f.Over, DryRun: f.DryRun,
	}
	var err error
	if q.StartsOn, err = c.day(f.From); err != nil {
		return nil, err
	}
	if q.DueOn, err = c.day(f.To); err != nil {
		return nil, err
	}
	if f.Population != "" {
		n, ok := codeNamed(carev1.PopulationCode(0).Descriptor(), f.Population)
		if !ok {
			return nil, problemf("problem_task_population", f.Population)
		}
		q.Population = carev1.PopulationCode(n)
	}
	rows, err := chargeRows(f.Charges)
	if err != nil {
		return nil, err
	}
	for _, text := range append(rows, f.Charge...) {
		charge, err := chargeOf(c, text)
		if err != nil {
			return nil, err
		}
		q.Charges = append(q.Charges, charge)
	}
	return q, nil
}

// chargeRows reads a CSV file of unit, staff id and day as flags have them.
func chargeRows(name string) (out []string, err error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was read only
	r := csv.NewReader(io.LimitReader(file, 1<<20))
	r.FieldsPerRecord = -1
	for line := 1; ; line++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil || len(row) < 2 || len(row) > 3 {
			return nil, &problem{key: "problem_task_charges", args: []any{name, line}, cause: err}
		}
		if line == 1 && !strings.ContainsAny(row[0], "0123456789") {
			continue // the head
		}
		text := strings.TrimPrefix(row[0], "\ufeff") + "=" + row[1]
		if len(row) == 3 && row[2] != "" {
			text += "," + row[2]
		}
		out = append(out, text)
	}
}

func chargeOf(c *call, text string) (*officev1.TaskCharge, error) {
	unit, what, ok := strings.Cut(text, "=")
	owner, day, _ := strings.Cut(what, ",")
	u, good := taskUnit(unit)
	due, err := c.day(strings.TrimSpace(day))
	if !ok || !good || err != nil || owner == "" && due == 0 {
		return nil, problemf("problem_task_charge", text)
	}
	return &officev1.TaskCharge{Unit: u, OwnerId: strings.TrimSpace(owner), DueOn: due}, nil
}

// taskUnit reads a unit: a division; division/doctor; division/- for those whom nobody is in charge of.
func taskUnit(text string) (*officev1.TaskUnit, bool) {
	division, doctor, cut := strings.Cut(strings.TrimSpace(text), "/")
	if _, err := care.ParseDivision(division); err != nil || cut && doctor == "" {
		return nil, false
	}
	if doctor == "-" {
		return &officev1.TaskUnit{Division: division, Nobody: true}, true
	}
	return &officev1.TaskUnit{Division: division, DoctorId: doctor}, true
}

func unitText(u *officev1.TaskUnit) string {
	switch {
	case u.GetNobody():
		return u.GetDivision() + "/-"
	case u.GetDoctorId() != "":
		return u.GetDivision() + "/" + u.GetDoctorId()
	}
	return u.GetDivision()
}

// split sends an order and says what came of it.
func (c *call) split(o *office.Office, q *officev1.SplitTaskRequest, asJSON bool) error {
	r, err := o.SplitTask(c.ctx, q)
	if err != nil {
		return err
	}
	if len(r.GetFaults()) > 0 {
		for _, f := range r.GetFaults() {
			c.note("task_fault", c.taskFault(f))
		}
		c.note("supervise_nothing_saved")
		return errSilent
	}
	out := splitJSON{Parts: []taskJSON{}, Warnings: []taskFaultJSON{}, Added: r.GetAdded(), Changed: r.GetChanged(), Withdrawn: r.GetWithdrawn(), DryRun: q.GetDryRun()}
	for _, n := range r.GetNodes() {
		out.Parts = append(out.Parts, taskOf(n))
	}
	for _, w := range r.GetWarnings() {
		out.Warnings = append(out.Warnings, taskFaultJSON{w.GetCode(), unitText(w.GetUnit()), w.GetA(), w.GetB()})
	}
	if asJSON {
		return c.json(out)
	}
	return c.tellSplit(out, r.GetWarnings())
}

// taskFault says in words what is wrong with an order.
func (c *call) taskFault(f *officev1.TaskFault) string {
	day := func(n int64) string { return care.Date(int32(n)).String() }
	unit, a, b := unitText(f.GetUnit()), fmt.Sprint(f.GetA()), fmt.Sprint(f.GetB())
	if code := f.GetCode(); code == "season" || code == "due_early" || code == "due_late" {
		a, b = day(f.GetA()), day(f.GetB())
	}
	return c.fit("task_fault_"+f.GetCode(), unit, a, b)
}

func taskOf(n *officev1.TaskNode) taskJSON {
	out := taskJSON{
		ID: idText(n.GetId()), Set: n.GetSetCode(), Unit: unitText(n.GetUnit()), Title: n.GetTitle(), Indicator: n.GetIndicatorCode(), Eligible: n.GetEligible(),
		Quota: n.GetQuota(), Before: n.QuotaBefore, Overridden: n.GetOverridden(), Proposed: n.GetProposed(), Reason: n.GetOverrideReason(), By: n.GetChangedById(),
		Owner: n.GetOwnerId(), DueOn: care.Date(n.GetDueOn()).String(), State: n.GetState(), Uneven: n.GetUneven(), OnTablet: n.GetChangedOnTablet(),
	}
	if p := n.GetProgress(); p != nil {
		out.Progress = &progressJSON{p.GetDone(), p.GetExpected(), p.GetElapsedDays(), p.GetDays(), p.GetNeededPerDay(), p.GetDaysLeft(), p.GetRed(), p.GetOver()}
	}
	return out
}

func (c *call) tellSplit(s splitJSON, warnings []*officev1.TaskFault) error {
	t := terminal.Table{
		Head:  []string{c.say("supervise_head_unit"), c.say("supervise_head_eligible"), c.say("supervise_head_quota"), c.say("supervise_head_before"), c.say("supervise_head_owner"), c.say("head_due"), ""},
		Right: []bool{false, true, true, true},
	}
	for _, p := range s.Parts {
		before, by := "", ""
		if p.Before != nil && *p.Before != p.Quota {
			before = fmt.Sprint(*p.Before)
		}
		if p.Overridden {
			by = c.say("task_by_hand", p.Proposed, p.By, p.Reason)
		}
		t.Add(p.Unit, p.Eligible, p.Quota, before, p.Owner, p.DueOn, by)
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	for _, w := range warnings {
		c.line("task_warning", c.taskFault(w))
	}
	key := "task_divided"
	if s.DryRun {
		key = "task_would_divide"
	}
	c.line(key, len(s.Parts), s.Added, s.Changed, s.Withdrawn)
	return nil
}

// taskOverride sets a part's number by hand.
type taskOverride struct {
	officeFlags
	Code   string `arg:"" help:"help_task_code" placeholder:"CODE"`
	Unit   string `arg:"" help:"help_task_override_unit" placeholder:"UNIT"`
	Quota  string `arg:"" help:"help_task_override_quota" placeholder:"N"`
	Reason string `help:"help_task_reason" placeholder:"TEXT"`
	Over   bool   `name:"over-capacity" help:"help_task_over"`
	Author string `help:"help_supervise_author" required:"" placeholder:"ID"`
	DryRun bool   `help:"help_supervise_dry_run"`
	Json   bool   `help:"help_json"`
}

// Run sets it, and divides the rest anew among the others.
func (f taskOverride) Run(c *call) error {
	u, ok := taskUnit(f.Unit)
	if !ok {
		return problemf("problem_task_override", f.Unit)
	}
	one := &officev1.TaskOverride{Unit: u, Reason: f.Reason, Clear: f.Quota == "rule"}
	if !one.Clear {
		n, err := strconv.ParseInt(f.Quota, 10, 64)
		if err != nil {
			return problemf("problem_task_quota", f.Quota)
		}
		one.Quota = n
	}
	q := &officev1.SplitTaskRequest{Author: f.Author, SetCode: f.Code, Overrides: []*officev1.TaskOverride{one}, OverCapacity: f.Over, DryRun: f.DryRun}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error { return c.split(o, q, f.Json) })
}

// taskListFlags are those of lists of parts.
type taskListFlags struct {
	officeFlags
	Division string `help:"help_supervise_sheets_division" placeholder:"CODE"`
	Doctor   string `help:"help_supervise_doctor" placeholder:"ID"`
	AsOf     string `help:"help_task_as_of" placeholder:"DATE"`
	Limit    int    `help:"help_limit" default:"2000" placeholder:"N"`
	Json     bool   `help:"help_json"`
}

func (f taskListFlags) list(c *call, q *officev1.ListTasksRequest) error {
	var err error
	if q.AsOf, err = c.day(f.AsOf); err != nil {
		return err
	}
	q.Division, q.DoctorId = f.Division, f.Doctor
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		nodes, uncounted, more, err := o.Tasks(c.ctx, q, max(f.Limit, 1))
		if err != nil {
			return err
		}
		all := []taskJSON{}
		for _, n := range nodes {
			all = append(all, taskOf(n))
		}
		if f.Json {
			return c.json(all)
		}
		if err := c.tellTasks(all, q.GetSetCode() == ""); err != nil {
			return err
		}
		for _, code := range uncounted {
			c.line("task_not_counted", code)
		}
		if more {
			c.note("supervise_more", f.Limit)
		}
		return nil
	})
}

// taskBarCells is how wide a bar of a list is.
const taskBarCells = 20

// taskBar shows what is done, and where it should be.
func taskBar(done, expected, quota int64) string {
	if quota <= 0 {
		return ""
	}
	at := func(n int64) int { return int(min(max(n, 0), quota) * taskBarCells / quota) }
	cells := []rune(strings.Repeat("█", at(done)) + strings.Repeat("░", taskBarCells-at(done)))
	if mark := at(expected); mark < taskBarCells {
		cells[mark] = '│'
	}
	return string(cells)
}

func (c *call) tellTasks(all []taskJSON, roots bool) error {
	if len(all) == 0 {
		c.line("task_none")
		return nil
	}
	first := c.say("supervise_head_unit")
	if roots {
		first = c.say("supervise_head_task")
	}
	t := terminal.Table{
		Head:  []string{first, c.say("supervise_head_quota"), c.say("supervise_head_done"), c.say("supervise_head_expected"), "", c.say("supervise_head_per_day"), c.say("supervise_head_owner"), c.say("head_due"), ""},
		Right: []bool{false, true, true, true, false, true},
	}
	for _, p := range all {
		name := strings.Repeat(" ", indentOf(p.Unit)) + p.Unit
		if roots {
			name = p.Set + " " + p.Title
		}
		done, expected, bar, per := "-", "-", "", "-"
		if g := p.Progress; g != nil {
			done, expected, bar, per = fmt.Sprint(g.Done), fmt.Sprint(g.Expected), taskBar(g.Done, g.Expected, p.Quota), fmt.Sprint(g.PerDay)
		}
		t.Add(name, p.Quota, done, expected, bar, per, p.Owner, p.DueOn, c.taskMarks(p))
	}
	return t.Write(c.Stdout)
}

func indentOf(unit string) int {
	division, _, doctor := strings.Cut(unit, "/")
	depth := max(0, (len(division)-6)/3)
	if doctor {
		depth++
	}
	return depth
}

func (c *call) taskMarks(p taskJSON) string {
	var marks []string
	for _, m := range []struct {
		is  bool
		key string
	}{{p.Progress != nil && p.Progress.Red, "task_red"}, {p.Overridden, "task_set"}, {p.Uneven, "task_uneven"}, {p.OnTablet, "rectify_on_tablet"}} {
		if m.is {
			marks = append(marks, c.say(m.key))
		}
	}
	return strings.Join(marks, ", ")
}

// taskList lists the county's tasks.
type taskList struct{ taskListFlags }

// Run prints a table, or JSON.
func (f taskList) Run(c *call) error { return f.list(c, &officev1.ListTasksRequest{}) }

// taskShow shows a task with its parts.
type taskShow struct {
	taskListFlags
	Code  string `arg:"" help:"help_task_code" placeholder:"CODE"`
	Depth string `help:"help_task_depth" enum:"county,township,village,doctor" default:"doctor" placeholder:"township|village|doctor"`
}

// Run prints a tree, or JSON.
func (f taskShow) Run(c *call) error {
	depth := map[string]uint32{"county": 1, "township": 2, "village": 3, "doctor": 0}[f.Depth]
	return f.list(c, &officev1.ListTasksRequest{SetCode: f.Code, Depth: depth})
}

// taskRed lists the parts that are behind.
type taskRed struct {
	taskListFlags
	Code string `arg:"" help:"help_task_code" placeholder:"CODE"`
}

// Run prints them, with how many a day are needed from now on.
func (f taskRed) Run(c *call) error {
	return f.list(c, &officev1.ListTasksRequest{SetCode: f.Code, RedOnly: true})
}
