// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// authenticityCommands are about what makes records doubtful.
type authenticityCommands struct {
	List   doubtsCommand      `cmd:"" help:"help_authenticity_list"`
	Show   doubtCommand       `cmd:"" help:"help_authenticity_show"`
	Doctor doctorCommand      `cmd:"" help:"help_authenticity_doctor"`
	Rule   ruleOnDoubtCommand `cmd:"" help:"help_authenticity_rule"`
	Book   doubtBookCommand   `cmd:"" help:"help_authenticity_book"`
}

// doubtsCommand lists findings.
type doubtsCommand struct {
	officeFlags
	Division string `help:"help_authenticity_division" placeholder:"CODE"`
	Rule     string `help:"help_authenticity_rule_id" placeholder:"ID"`
	Doctor   string `help:"help_authenticity_doctor_id" placeholder:"ID"`
	Quarter  string `help:"help_authenticity_quarter" placeholder:"2026Q3"`
	Severity string `help:"help_authenticity_severity" enum:"error,warning,suspicion," default:"" placeholder:"error|warning|suspicion"`
	Resident string `help:"help_authenticity_resident" placeholder:"ID"`
	Open     bool   `help:"help_authenticity_open"`
	Decision string `help:"help_authenticity_decision_is" enum:"cleared,confirmed,under_investigation," default:"" placeholder:"cleared|confirmed|under_investigation"`
	Limit    int    `help:"help_authenticity_limit" default:"100" placeholder:"N"`
	Counts   bool   `help:"help_authenticity_counts"`
	Json     bool   `help:"help_json"`
}

// doubtsJSON is a list of findings for programs.
type doubtsJSON struct {
	Findings []doubtJSON      `json:"findings"`
	Counts   []doubtCountJSON `json:"counts"` // of all that was asked for
	More     bool             `json:"more"`
	Waiting  uint64           `json:"waiting"`
}

// doubtCountJSON is how often a rule sees something.
type doubtCountJSON struct {
	Rule     string `json:"rule"`
	Findings uint64 `json:"findings"`
	Open     uint64 `json:"open"`
}

// Run prints how often each rule sees something, and what.
func (f doubtsCommand) Run(c *call) error {
	q, err := f.request()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		found, first, more, err := o.Doubts(c.ctx, q, max(f.Limit, 1))
		if err != nil {
			return err
		}
		if f.Json {
			all := doubtsJSON{Findings: []doubtJSON{}, Counts: []doubtCountJSON{}, More: more, Waiting: first.GetWaiting()}
			for _, one := range first.GetCounts() {
				all.Counts = append(all.Counts, doubtCountJSON{one.GetRuleId(), one.GetFindings(), one.GetOpen()})
			}
			for _, one := range found {
				all.Findings = append(all.Findings, doubtOf(one))
			}
			return c.json(all)
		}
		return f.tell(c, found, first, more)
	})
}

func (f doubtsCommand) request() (*officev1.ListAuthenticityRequest, error) {
	q := &officev1.ListAuthenticityRequest{
		Division: f.Division, RuleId: f.Rule, DoctorId: f.Doctor, Quarter: f.Quarter, Severity: severityOf(f.Severity), Open: f.Open, Decision: decisionOf(f.Decision),
	}
	if !record.Division(f.Division).ValidPrefix() {
		return nil, problemf("problem_doubt_division", f.Division)
	}
	if _, ok := authenticity.ParseQuarter(f.Quarter); f.Quarter != "" && !ok {
		return nil, problemf("problem_doubt_quarter", f.Quarter)
	}
	if f.Resident != "" {
		id, err := record.ParseID(f.Resident)
		if err != nil {
			return nil, problemf("problem_doubt_resident", f.Resident)
		}
		q.Resident = id[:]
	}
	return q, nil
}

func decisionOf(name string) carev1.AuthenticityDecision {
	return carev1.AuthenticityDecision(carev1.AuthenticityDecision_value["AUTHENTICITY_DECISION_"+strings.ToUpper(name)])
}

func decisionName(d carev1.AuthenticityDecision) string {
	return strings.ToLower(strings.TrimPrefix(d.String(), "AUTHENTICITY_DECISION_"))
}

func (f doubtsCommand) tell(c *call, found []*officev1.AuthenticityFinding, first *officev1.ListAuthenticityResponse, more bool) error {
	if first.GetWaiting() > 0 {
		c.line("doubts_waiting", first.GetWaiting())
	}
	if len(first.GetCounts()) == 0 {
		c.line("doubts_none")
		return nil
	}
	t := terminal.Table{
		Columns: c.tableColumns(), Head: []string{c.say("head_doubt_rule"), c.say("head_severity"), c.say("head_doubt_count"), c.say("head_doubt_open"), c.say("head_doubt_says")},
		Right: []bool{false, false, true, true},
	}
	for _, n := range first.GetCounts() {
		rule, _ := authenticity.Lookup(n.GetRuleId())
		t.Add(n.GetRuleId(), c.say("rules_severity_"+severityName(rule.Severity)), n.GetFindings(), n.GetOpen(), c.either(rule.ZH, rule.EN))
	}
	if err := t.Write(c.Stdout); err != nil || f.Counts {
		return err
	}
	c.line("findings_each")
	t = terminal.Table{
		Columns: c.tableColumns(),
		Head:    []string{c.say("head_doubt"), c.say("head_doubt_rule"), c.say("head_doubt_doctor"), c.say("head_doubt_quarter"), c.say("head_doubt_ruling"), c.say("head_doubt_what")},
	}
	for _, one := range found {
		t.Add(idText(one.GetId()), one.GetRuleId(), one.GetDoctorId(), one.GetQuarter(), c.ruling(one.GetRuling()), c.either(one.GetMessageZh(), one.GetMessageEn()))
	}
	if more {
		defer c.line("doubts_more", f.Limit)
	}
	return t.Write(c.Stdout)
}

func (c *call) ruling(r *officev1.AuthenticityRuled) string {
	if r == nil {
		return ""
	}
	return c.decision(r.GetDecision())
}

// decision returns what people call a decision.
func (c *call) decision(d carev1.AuthenticityDecision) string {
	switch d {
	case carev1.AuthenticityDecision_AUTHENTICITY_DECISION_CLEARED:
		return c.say("doubt_cleared")
	case carev1.AuthenticityDecision_AUTHENTICITY_DECISION_CONFIRMED:
		return c.say("doubt_confirmed")
	case carev1.AuthenticityDecision_AUTHENTICITY_DECISION_UNDER_INVESTIGATION:
		return c.say("doubt_under_investigation")
	}
	return d.String()
}

// ruleOnDoubtCommand saves what the office makes of a finding.
type ruleOnDoubtCommand struct {
	officeFlags
	ID       string `arg:"" help:"help_authenticity_finding" placeholder:"ID"`
	Decision string `help:"help_authenticity_decision" required:"" enum:"cleared,confirmed,under_investigation" placeholder:"cleared|confirmed|under_investigation"`
	Reason   string `help:"help_authenticity_reason" required:"" placeholder:"TEXT"`
	Author   string `help:"help_authenticity_author" required:"" placeholder:"ID"`
}

// Run saves it.
func (f ruleOnDoubtCommand) Run(c *call) error {
	id, err := record.ParseID(f.ID)
	if err != nil {
		return problemf("problem_doubt_id", f.ID)
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		err := o.RuleDoubt(c.ctx, &officev1.RuleAuthenticityRequest{Id: id[:], Author: f.Author, Decision: decisionOf(f.Decision), Reason: f.Reason})
		if err != nil {
			return err
		}
		c.line("doubt_saved", c.decision(decisionOf(f.Decision)))
		return nil
	})
}

// doubtBookCommand lists the rules.
type doubtBookCommand struct {
	Json bool `help:"help_json"`
}

// bookJSON is a rule for programs.
type bookJSON struct {
	Rule       string `json:"rule"`
	Severity   string `json:"severity"`
	ZH         string `json:"zh"`
	EN         string `json:"en"`
	InnocentZH string `json:"innocent_zh"`
	InnocentEN string `json:"innocent_en"`
	Tested     bool   `json:"tested"` // it has a p-value
}

// Run prints them.
func (f doubtBookCommand) Run(c *call) error {
	t := terminal.Table{
		Columns: c.tableColumns(), Head: []string{c.say("head_doubt_rule"), c.say("head_severity"), c.say("head_doubt_says"), c.say("head_doubt_innocent")},
	}
	all := []bookJSON{}
	for _, r := range authenticity.Book() {
		t.Add(r.ID, c.say("rules_severity_"+severityName(r.Severity)), c.either(r.ZH, r.EN), c.either(r.InnocentZH, r.InnocentEN))
		all = append(all, bookJSON{r.ID, severityName(r.Severity), r.ZH, r.EN, r.InnocentZH, r.InnocentEN, r.Tested})
	}
	if f.Json {
		return c.json(all)
	}
	return t.Write(c.Stdout)
}

// dateText returns a civil date, empty for none.
func dateText(d int32) string {
	if d == 0 {
		return ""
	}
	return care.Date(d).String()
}
