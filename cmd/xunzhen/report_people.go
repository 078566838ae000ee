// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// byRank returns figures with the best first; those without a place come last.
func byRank(all []*officev1.Figure) []*officev1.Figure {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b *officev1.Figure) int {
		return int(int64(a.GetRank()-1)&0xffffffff) - int(int64(b.GetRank()-1)&0xffffffff)
	})
	return out
}

// reportPeople prints who is behind a figure.
type reportPeople struct {
	reportFlags
	Code    string `arg:"" help:"help_report_code"`
	Failed  bool   `help:"help_report_failed" xor:"who"`
	Counted bool   `help:"help_report_counted" xor:"who"`
	Doctor  string `help:"help_report_doctor" placeholder:"ID"`
	Limit   int    `help:"help_report_limit" default:"50" placeholder:"N"`
}

// behindText is one person for programs.
type behindText struct {
	ID       string      `json:"id"`
	Name     string      `json:"name"`
	Number   string      `json:"number,omitempty"`
	Phone    string      `json:"phone,omitempty"`
	Division string      `json:"division"`
	Doctor   string      `json:"doctor"`
	Counts   bool        `json:"counts"`
	Amount   int64       `json:"amount,omitempty"`
	Failed   []whyFailed `json:"failed"`
}

type whyFailed struct {
	ID     string `json:"id"`
	ZH     string `json:"zh"`
	EN     string `json:"en"`
	Record string `json:"record,omitempty"`
}

// Run prints them.
func (f reportPeople) Run(c *call) error {
	query, p, err := f.query(c, "county", strings.ToUpper(f.Code))
	if err != nil {
		return err
	}
	q := &officev1.ListPeopleRequest{Query: query, Doctor: f.Doctor}
	switch {
	case f.Failed:
		q.Selection = officev1.PeopleSelection_PEOPLE_SELECTION_FAILED
	case f.Counted:
		q.Selection = officev1.PeopleSelection_PEOPLE_SELECTION_COUNTED
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		k, err := catalogueOf(c, o)
		if err != nil {
			return err
		}
		all, more, err := o.AssessedPeople(c.ctx, q, max(f.Limit, 1))
		if err != nil {
			return reportProblem(err, p)
		}
		if f.Json {
			return c.json(struct {
				People []behindText `json:"people"`
				More   bool         `json:"more"`
			}{behindTexts(all), more})
		}
		return f.tell(c, k, all, more)
	})
}

func behindTexts(all []*officev1.AssessedPerson) []behindText {
	out := []behindText{}
	for _, one := range all {
		b := behindText{
			ID: idText(one.GetId()), Name: one.GetName(), Number: one.GetNumber(), Phone: one.GetPhone(), Division: one.GetDivision(), Doctor: one.GetDoctor(),
			Counts: one.GetInNumerator(), Amount: one.GetAmount(), Failed: []whyFailed{},
		}
		for _, w := range one.GetFailed() {
			b.Failed = append(b.Failed, whyFailed{w.GetId(), w.GetZh(), w.GetEn(), idText(w.GetRecord())})
		}
		out = append(out, b)
	}
	return out
}

func (f reportPeople) tell(c *call, k catalogue, all []*officev1.AssessedPerson, more bool) error {
	code := strings.ToUpper(f.Code)
	c.line("report_people", code, k.title(c, code))
	if len(all) == 0 {
		c.line("report_nobody")
		return nil
	}
	t := reportTable{Table: terminal.Table{
		Columns: c.tableColumns(),
		Head:    []string{"", c.say("report_head_name"), c.say("report_head_division"), c.say("report_head_doctor"), c.say("report_head_id"), c.say("report_head_why")},
	}}
	for _, b := range behindTexts(all) {
		mark, why := "✓", []string{}
		if !b.Counts {
			mark = "✗"
		}
		for _, w := range b.Failed {
			text := w.EN
			if c.words.Language() == words.Chinese {
				text = w.ZH
			}
			if w.Record != "" {
				text += " (" + w.Record + ")"
			}
			why = append(why, text)
		}
		if b.Amount != 0 {
			mark = grouped(b.Amount)
		}
		t.Add(mark, b.Name, b.Division, b.Doctor, b.ID, strings.Join(why, "; "))
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	if more {
		c.line("report_more", f.Limit)
	}
	return nil
}
