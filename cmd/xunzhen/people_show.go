// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// peopleShow shows everything of one person.
type peopleShow struct {
	officeFlags
	ID    string `arg:"" help:"help_people_id" placeholder:"ID"`
	Limit int    `help:"help_people_records" default:"40" placeholder:"N"`
	wholeFlags
	Json bool `help:"help_json"`
}

// personShown is a person's page for programs.
type personShown struct {
	Person       personInfo      `json:"person"`
	Residents    []personInfo    `json:"residents"`
	Kinds        []kindShown     `json:"kinds"`
	Records      []recordShown   `json:"records"`
	Findings     map[string]int  `json:"findings"`
	Contracts    []contractLine  `json:"contracts"`
	Due          []dueShown      `json:"due"`
	Measurements []pressureShown `json:"measurements"`
	Masked       bool            `json:"masked"`
	Partial      bool            `json:"partial"`
	More         bool            `json:"more"`
}

type kindShown struct {
	Kind    string `json:"kind"`
	Records uint32 `json:"records"`
	Newest  string `json:"newest"`
}

type recordShown struct {
	ID        string   `json:"id"`
	Kind      string   `json:"kind"`
	Date      string   `json:"date"`
	Stage     string   `json:"stage,omitempty"`
	Level     uint32   `json:"level,omitempty"`
	Doctor    string   `json:"doctor,omitempty"`
	Author    string   `json:"author,omitempty"`
	Divisions []string `json:"divisions"`
	Findings  uint32   `json:"findings"`
	Voided    bool     `json:"voided,omitempty"`
}

type contractLine struct {
	ID      string `json:"id"`
	Signed  string `json:"signed,omitempty"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Doctor  string `json:"doctor,omitempty"`
	Current bool   `json:"current"`
}

type dueShown struct {
	Rule     string `json:"rule"`
	Kind     string `json:"kind"`
	On       string `json:"on"`
	Overdue  bool   `json:"overdue"`
	ReasonZH string `json:"reason_zh"`
	ReasonEN string `json:"reason_en"`
}

type pressureShown struct {
	On        string `json:"on"`
	Systolic  *int32 `json:"systolic_mmhg,omitempty"`
	Diastolic *int32 `json:"diastolic_mmhg,omitempty"`
	Fasting   *int32 `json:"fasting_glucose_mmol_per_l_x10,omitempty"`
}

// Run prints the page.
func (f peopleShow) Run(c *call) error {
	id, err := record.ParseID(f.ID)
	if err != nil {
		return problemf("problem_findings_id", f.ID)
	}
	whole, err := f.whole()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		page, more, err := o.Person(c.ctx, id, whole, max(f.Limit, 1))
		if err != nil {
			return err
		}
		p := c.personShown(page)
		p.More = more
		if f.Json {
			return c.json(p)
		}
		return f.tell(c, p)
	})
}

func (c *call) personShown(m *officev1.GetPersonResponse) personShown {
	p := personShown{
		Person: c.personInfo(m.GetPerson()), Masked: m.GetMasked(), Partial: m.GetPartial(), Findings: map[string]int{},
		Kinds: []kindShown{}, Records: []recordShown{}, Contracts: []contractLine{}, Due: []dueShown{}, Measurements: []pressureShown{},
	}
	for _, r := range m.GetResidents() {
		p.Residents = append(p.Residents, c.personInfo(r.GetResident()))
	}
	for _, k := range m.GetKinds() {
		p.Kinds = append(p.Kinds, kindShown{kindName(record.Kind(k.GetKind())), k.GetRecords(), day(k.GetNewest())})
	}
	for _, r := range m.GetRecords() {
		p.Records = append(p.Records, recordShown{
			idText(r.GetRecordId()), kindName(record.Kind(r.GetKind())), day(r.GetDate()), r.GetStage(), r.GetLevel(), r.GetDoctorId(), r.GetAuthor(),
			r.GetDivisions(), r.GetFindings(), r.GetVoided(),
		})
	}
	for _, n := range m.GetFindings() {
		p.Findings[severityName(n.GetSeverity())] = int(n.GetFindings())
	}
	for _, one := range m.GetContracts() {
		p.Contracts = append(p.Contracts, contractLine{
			idText(one.GetRecordId()), day(one.GetSignedOn()), day(one.GetFrom()), day(one.GetTo()), one.GetDoctorId(), one.GetCurrent(),
		})
	}
	for _, d := range m.GetDue() {
		p.Due = append(p.Due, dueShown{d.GetRuleId(), kindName(record.Kind(d.GetKind())), day(d.GetOn()), d.GetOverdue(), d.GetReasonZh(), d.GetReasonEn()})
	}
	for _, one := range m.GetMeasurements() {
		p.Measurements = append(p.Measurements, pressureShown{day(one.GetOn()), one.SystolicMmhg, one.DiastolicMmhg, one.FastingGlucoseMmolPerLX10})
	}
	return p
}

// day writes a date; "" for none.
func day(d int32) string {
	if d == 0 {
		return ""
	}
	return care.Date(d).String()
}

func (f peopleShow) tell(c *call, p personShown) error {
	c.line("people_person", p.Person.Name, c.sex(p.Person.Sex), c.age(p.Person), p.Person.BirthDate, p.Person.Person)
	c.line("people_numbers", p.Person.Number, p.Person.Phone, p.Person.Archive)
	c.line("people_where", strings.Join(p.Person.Divisions, " "), strings.Join(p.Person.Doctors, " "), c.personState(p.Person))
	if len(p.Residents) > 1 {
		c.line("people_linked", len(p.Residents))
		for _, r := range p.Residents {
			c.line("people_resident", r.Residents[0], r.Name, r.BirthDate, r.Number, strings.Join(r.Divisions, " "))
		}
	}
	f.tellState(c, p)
	if chart := pressureChart(p.Measurements, c.Columns); len(chart) > 0 {
		c.line("people_pressure")
		for _, line := range chart {
			fmt.Fprintln(c.Stdout, line)
		}
	}
	t := terminal.Table{Columns: c.tableColumns(), Head: []string{
		"id", c.say("head_kind"), c.say("head_date"), c.say("head_stage"), c.say("head_staff"), c.say("head_findings"),
	}}
	for _, r := range p.Records {
		stage := c.stage(r.Stage, int(r.Level))
		if r.Voided {
			stage = c.say("people_void")
		}
		t.Add(r.ID, c.kind(r.Kind), r.Date, stage, r.Doctor, r.Findings)
	}
	fmt.Fprintln(c.Stdout)
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	if p.More {
		c.line("people_more_records", f.Limit)
	}
	if p.Partial {
		c.note("people_partial")
	}
	return nil
}

// tellState writes contracts, findings and what is due.
func (f peopleShow) tellState(c *call, p personShown) {
	for _, one := range p.Contracts {
		key := "people_contract_past"
		if one.Current {
			key = "people_contract"
		}
		c.line(key, one.From, one.To, one.Doctor)
	}
	var found []string
	for _, name := range []string{"error", "warning", "suspicion", "info"} {
		if n := p.Findings[name]; n > 0 {
			found = append(found, fmt.Sprintf("%d %s", n, c.say("rules_severity_"+name)))
		}
	}
	if len(found) > 0 {
		c.line("people_findings", strings.Join(found, ", "))
	}
	for _, d := range p.Due {
		reason, key := d.ReasonEN, "people_due"
		if c.words.Language() == words.Chinese {
			reason = d.ReasonZH
		}
		if d.Overdue {
			key = "people_overdue"
		}
		c.line(key, d.On, c.kind(d.Kind), reason)
	}
}

const (
	chartRows  = 6
	chartLeast = 3 // measurements, or there is nothing to see
	chartStep  = 7 // columns a measurement takes
)

// pressureChart draws the blood pressures of the last visits, the oldest on the left: ▲ systolic, ▼ diastolic, in mmHg. Its lines
// fit into so many columns; none when there is too little to draw.
func pressureChart(all []pressureShown, columns int) []string {
	var shown []pressureShown
	for _, m := range all {
		if m.Systolic != nil && m.Diastolic != nil {
			shown = append(shown, m)
		}
	}
	most := max(0, (columns-8)/chartStep)
	if shown = shown[max(0, len(shown)-most):]; len(shown) < chartLeast {
		return nil
	}
	lowest, highest := *shown[0].Diastolic, *shown[0].Systolic
	for _, m := range shown {
		lowest, highest = min(lowest, *m.Diastolic, *m.Systolic), max(highest, *m.Systolic, *m.Diastolic)
	}
	span := max(highest-lowest, 1)
	rowOf := func(v int32) int { return int((highest - v) * (chartRows - 1) / span) }
	var out []string
	for row := range chartRows {
		var b strings.Builder
		fmt.Fprintf(&b, "  %3d ┤", highest-span*int32(row)/(chartRows-1))
		for _, m := range shown {
			mark := "  "
			if rowOf(*m.Diastolic) == row {
				mark = "▼ "
			}
			if rowOf(*m.Systolic) == row {
				mark = "▲ "
			}
			b.WriteString("  " + mark + "   ")
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	var values, days strings.Builder
	for _, m := range shown {
		values.WriteString(terminal.Pad(fmt.Sprintf("%d/%d", *m.Systolic, *m.Diastolic), chartStep))
		days.WriteString(terminal.Pad(m.On[2:7], chartStep))
	}
	return append(out, "       "+strings.TrimRight(values.String(), " "), "       "+strings.TrimRight(days.String(), " "))
}
