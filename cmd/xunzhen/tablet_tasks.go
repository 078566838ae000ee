// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletTasks lists what the office wants done here.
type tabletTasks struct {
	tabletFlags
	Json bool `help:"help_json"`
}

// tabletTaskJSON is a task for programs; done is null where it is counted at the centre.
type tabletTaskJSON struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Indicator string `json:"indicator"`
	Division  string `json:"division"`
	Doctor    string `json:"doctor,omitempty"`
	Owner     string `json:"owner"`
	DueOn     string `json:"due_on"`
	DaysLeft  int    `json:"days_left"`
	Quota     int    `json:"quota"`
	Done      *int   `json:"done"`
	Accepted  int    `json:"accepted"`
	Due       int    `json:"due"`
	Expected  int    `json:"expected"`
	PerDay    int    `json:"needed_per_day"`
	Red       bool   `json:"red"`
	State     string `json:"state"`
}

// Run prints a table with bars, or JSON.
func (f tabletTasks) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		l, err := t.Tasks(c.ctx)
		if err != nil {
			return err
		}
		if f.Json {
			out := make([]tabletTaskJSON, l.Len())
			for i := range out {
				k := l.At(i)
				out[i] = tabletTaskJSON{
					ID: k.ID, Title: k.Title, Indicator: k.Indicator, Division: k.Division, Doctor: k.DoctorID, Owner: k.OwnerID, DueOn: k.DueOn,
					DaysLeft: k.DaysLeft, Quota: k.Quota, Accepted: k.Accepted, Due: k.Due, Expected: k.Expected, PerDay: k.PerDay, Red: k.Red, State: k.State,
				}
				if k.Counted {
					out[i].Done = &k.Done
				}
			}
			return c.json(out)
		}
		return c.tellTabletTasks(l)
	})
}

func (c *call) tellTabletTasks(l *tablet.TaskList) error {
	if l.Len() == 0 {
		c.line("task_none")
		return nil
	}
	t := terminal.Table{
		Head:  []string{c.say("supervise_head_task"), c.say("supervise_head_who"), c.say("supervise_head_quota"), c.say("supervise_head_done"), c.say("supervise_head_accepted"), c.say("supervise_head_still_due"), "", c.say("supervise_head_per_day"), c.say("head_due"), ""},
		Right: []bool{false, false, true, true, true, true, false, true},
	}
	for i := range l.Len() {
		k := l.At(i)
		who := k.DoctorID
		if who == "" {
			who = k.Division
		}
		done, accepted, due, per, bar := "-", "-", "-", "-", ""
		if k.Counted {
			done, accepted, due, per = fmt.Sprint(k.Done), fmt.Sprint(k.Accepted), fmt.Sprint(k.Due), fmt.Sprint(k.PerDay)
			bar = taskBar(int64(k.Done), int64(k.Expected), int64(k.Quota))
		}
		red := ""
		if k.Red {
			red = c.say("task_red")
		}
		t.Add(k.Title, who, k.Quota, done, accepted, due, bar, per, k.DueOn, red)
	}
	return t.Write(c.Stdout)
}

// tabletRectify lists the faults that are to be put right.
type tabletRectify struct {
	tabletFlags
	All  bool `help:"help_faults_all"`
	Json bool `help:"help_json"`
}

// tabletFaultJSON is one of them for programs.
type tabletFaultJSON struct {
	ID       string `json:"id"`
	Resident string `json:"resident,omitempty"`
	Name     string `json:"name,omitempty"`
	Record   string `json:"record,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Fault    string `json:"fault"`
	Rule     string `json:"rule,omitempty"`
	Doctor   string `json:"doctor"`
	State    string `json:"state"`
	DueOn    string `json:"due_on"`
	DaysLeft int    `json:"days_left"`
	Overdue  bool   `json:"overdue"`
	Reason   string `json:"reason,omitempty"`
	Answer   string `json:"answer,omitempty"`
}

// Run prints a table, those due first, or JSON.
func (f tabletRectify) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		l, err := t.Rectifications(f.All)
		if err != nil {
			return err
		}
		out := make([]tabletFaultJSON, l.Len())
		for i := range out {
			r := l.At(i)
			out[i] = tabletFaultJSON{r.ID, r.ResidentID, r.Name, r.RecordID, r.Kind, r.Fault, r.Rule, r.DoctorID, r.State, r.DueOn, r.DaysLeft, r.Overdue, r.Reason, r.Answer}
		}
		if f.Json {
			return c.json(out)
		}
		if len(out) == 0 {
			c.line("faults_none")
			return nil
		}
		table := terminal.Table{Columns: c.tableColumns(), Head: []string{c.say("head_state"), c.say("head_due"), "", c.say("head_name"), "id", c.say("supervise_head_fault")}}
		for _, r := range out {
			fault := r.Fault
			if r.State == "returned" && r.Reason != "" {
				fault += " " + c.say("rectify_returned_because", r.Reason)
			}
			table.Add(c.say("rectify_state_"+r.State), r.DueOn, c.late(r.DaysLeft, r.Overdue), r.Name, r.ID, fault)
		}
		return table.Write(c.Stdout)
	})
}

// tabletAnswer answers one.
type tabletAnswer struct {
	tabletFlags
	ID        string `arg:"" help:"help_id" placeholder:"ID"`
	Corrected bool   `help:"help_answer_corrected" xor:"action"`
	Explained bool   `help:"help_answer_explained" xor:"action"`
	Text      string `help:"help_answer_text" placeholder:"TEXT"`
	Author    string `help:"help_author" placeholder:"ID"`
	Json      bool   `help:"help_json"`
}

// Run saves the answer.
func (f tabletAnswer) Run(c *call) error {
	action := ""
	switch {
	case f.Corrected:
		action = tablet.AnswerCorrected
	case f.Explained:
		action = tablet.AnswerExplained
	default:
		return problemf("problem_answer")
	}
	return f.open(c, func(t *tablet.Tablet) error {
		return c.saved(t.Answer(f.ID, action, f.Text, f.Author))(f.Json)
	})
}
