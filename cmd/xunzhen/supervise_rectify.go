// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// superviseRectify gives out faults to be put right.
type superviseRectify struct {
	officeFlags
	Round    string   `help:"help_rectify_round" placeholder:"CODE"`
	Check    []string `help:"help_rectify_check" placeholder:"ID"`
	Record   string   `help:"help_rectify_record" placeholder:"ID"`
	RuleID   string   `name:"rule" help:"help_rectify_rule" placeholder:"RULE"`
	Findings bool     `help:"help_rectify_findings"`
	Fault    string   `help:"help_rectify_fault" placeholder:"TEXT"`
	Unit     string   `help:"help_rectify_unit" placeholder:"CODE"`
	Division string   `help:"help_rectify_division" placeholder:"CODE"`
	Doctor   string   `help:"help_rectify_doctor" placeholder:"ID"`
	Due      string   `help:"help_rectify_due" required:"" placeholder:"DATE"`
	Author   string   `help:"help_supervise_author" required:"" placeholder:"ID"`
	DryRun   bool     `help:"help_supervise_dry_run"`
	Json     bool     `help:"help_json"`
}

// faultJSON is a rectification for programs.
type faultJSON struct {
	ID        string       `json:"id"`
	Resident  string       `json:"resident,omitempty"`
	Record    string       `json:"record,omitempty"`
	Kind      string       `json:"kind,omitempty"`
	Unit      string       `json:"unit"`
	Doctor    string       `json:"doctor"`
	Division  string       `json:"division"`
	Source    string       `json:"source"`
	Rule      string       `json:"rule,omitempty"`
	Fault     string       `json:"fault"`
	State     string       `json:"state"`
	DueOn     string       `json:"due_on"`
	DaysLeft  int32        `json:"days_left"`
	Overdue   bool         `json:"overdue"`
	Late      bool         `json:"late_answer"`
	OnTablet  bool         `json:"changed_on_tablet"`
	Conflict  bool         `json:"conflict"`
	Missing   []string     `json:"missing_revisions"`
	Carried   int          `json:"carried"`
	Answers   []answerJSON `json:"answers"`
	Decisions []rulingJSON `json:"rulings"`
}

type answerJSON struct {
	Key      string `json:"key"`
	By       string `json:"by"`
	Action   string `json:"action"`
	Text     string `json:"text"`
	Revision string `json:"revision,omitempty"`
}

type rulingJSON struct {
	By       string `json:"by"`
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
}

// Run gives out what the flags say: of checks, of a round's checks with faults, of findings of a
// rule, or what was seen on the spot.
func (f superviseRectify) Run(c *call) error {
	due, err := c.day(f.Due)
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		faults, err := f.faults(c, o, county)
		if err != nil {
			return err
		}
		if len(faults) == 0 {
			c.line("rectify_none")
			return nil
		}
		all, before := []faultJSON{}, uint32(0)
		for part := range slices.Chunk(faults, 500) {
			reply, err := o.IssueRectifications(c.ctx, &officev1.IssueRectificationsRequest{Author: f.Author, Faults: part, DueOn: due, DryRun: f.DryRun})
			if err != nil {
				return err
			}
			if err := c.refuse(reply.GetProblems()); err != nil {
				return err
			}
			for _, r := range reply.GetRectifications() {
				all = append(all, faultOf(r))
			}
			before += reply.GetBefore()
		}
		if f.Json {
			return c.json(all)
		}
		if err := c.tellFaults(all); err != nil {
			return err
		}
		c.line("rectify_issued", len(all)-int(before), before)
		if f.DryRun {
			c.line("supervise_dry")
		}
		return nil
	})
}

func (f superviseRectify) faults(c *call, o *office.Office, county office.ServingCounty) ([]*officev1.NewRectification, error) {
	one := &officev1.NewRectification{RuleId: f.RuleID, Fault: f.Fault, OrganisationCode: f.Unit, Division: f.Division, DoctorId: f.Doctor}
	if f.Round != "" {
		one.RoundId = roundID(county, f.Round)
	}
	switch {
	case f.Findings:
		return f.found(c, o)
	case len(f.Check) > 0:
		return checksOf(f.Check, f.Fault)
	case f.Record != "":
		id, err := record.ParseID(f.Record)
		if err != nil {
			return nil, problemf("problem_no_record", f.Record)
		}
		one.TargetRecordId = id[:]
	case f.Fault == "" && f.Round != "":
		return f.ofRound(c, o, county)
	}
	return []*officev1.NewRectification{one}, nil
}

func checksOf(ids []string, fault string) (out []*officev1.NewRectification, err error) {
	for _, text := range ids {
		id, err := record.ParseID(text)
		if err != nil {
			return nil, problemf("problem_no_record", text)
		}
		out = append(out, &officev1.NewRectification{VerificationId: id[:], Fault: fault})
	}
	return out, nil
}

// ofRound returns the checks of a round that found something untrue or not up to standard.
func (f superviseRectify) ofRound(c *call, o *office.Office, county office.ServingCounty) (out []*officev1.NewRectification, err error) {
	sheets, _, err := o.CallSheets(c.ctx, &officev1.ListCallSheetsRequest{RoundId: roundID(county, f.Round), Division: f.Division}, 10_000)
	for _, s := range sheets {
		form := s.GetForm()
		if form.GetTruthVerdict() == carev1.VerificationVerdict_VERIFICATION_VERDICT_UNTRUE || form.GetStandardVerdict() == carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD {
			out = append(out, &officev1.NewRectification{VerificationId: s.GetVerificationId()})
		}
	}
	return out, err
}

// found returns the findings of a rule.
func (f superviseRectify) found(c *call, o *office.Office) (out []*officev1.NewRectification, err error) {
	if f.RuleID == "" {
		return nil, problemf("problem_rectify_rule")
	}
	sets, _, _, err := o.Findings(c.ctx, &officev1.ListFindingsRequest{RuleId: f.RuleID, Division: f.Division}, 5000)
	for _, s := range sets {
		for _, one := range s.GetFindings() {
			if len(s.GetRecordId()) == 0 || s.GetPrivacyClass() == uint32(record.ClassSensitive) {
				continue
			}
			out = append(out, &officev1.NewRectification{TargetRecordId: s.GetRecordId(), RuleId: one.GetRuleId(), Fault: c.either(one.GetMessageZh(), one.GetMessageEn())})
			break
		}
	}
	return out, err
}

func faultOf(r *officev1.RectificationView) faultJSON {
	m := r.GetForm()
	out := faultJSON{
		ID: idText(r.GetId()), Resident: idText(r.GetResidentId()), Record: idText(m.GetTargetRecordId()), Unit: m.GetOrganisationCode(), Doctor: m.GetDoctorId(),
		Division: r.GetDivision(), Source: strings.ToLower(strings.TrimPrefix(m.GetSource().String(), "RECTIFICATION_SOURCE_")), Rule: m.GetRuleId(), Fault: m.GetFault(),
		State: r.GetState(), DueOn: care.Date(r.GetDueOn()).String(), DaysLeft: r.GetDaysLeft(), Overdue: r.GetOverdue(), Late: r.GetLateAnswer(),
		OnTablet: r.GetChangedOnTablet(), Conflict: r.GetConflict(), Missing: r.GetMissingRevisions(), Carried: len(m.GetCarried()), Answers: []answerJSON{}, Decisions: []rulingJSON{},
	}
	if len(m.GetTargetRecordId()) == 16 {
		out.Kind = kindName(record.ID(m.GetTargetRecordId()).Kind())
	}
	for _, key := range supervision.Answers(m) {
		a := m.GetAnswers()[key]
		out.Answers = append(out.Answers, answerJSON{key, a.GetAnsweredById(), strings.ToLower(strings.TrimPrefix(a.GetAction().String(), "RECTIFICATION_ACTION_")), a.GetText(), a.GetRevision()})
	}
	for _, key := range supervision.Rulings(m) {
		r := m.GetRulings()[key]
		out.Decisions = append(out.Decisions, rulingJSON{r.GetRuledById(), strings.ToLower(strings.TrimPrefix(r.GetDecision().String(), "RECTIFICATION_DECISION_")), r.GetReason()})
	}
	return out
}

func (c *call) tellFaults(all []faultJSON) error {
	if len(all) == 0 {
		c.line("faults_none")
		return nil
	}
	t := terminal.Table{Columns: c.tableColumns(), Head: []string{c.say("head_state"), c.say("head_due"), "", c.say("supervise_head_doctor"), c.say("supervise_head_unit"), "id", c.say("supervise_head_fault")}}
	for _, r := range all {
		left := ""
		if r.State == "open" || r.State == "returned" {
			left = c.late(int(r.DaysLeft), r.Overdue)
		}
		t.Add(c.say("rectify_state_"+r.State)+c.faultMarks(r), r.DueOn, left, r.Doctor, r.Unit, r.ID, r.Fault)
	}
	return t.Write(c.Stdout)
}

// faultMarks are what is odd about one.
func (c *call) faultMarks(r faultJSON) string {
	var marks []string
	for _, m := range []struct {
		is  bool
		key string
	}{{r.Late, "rectify_late"}, {r.OnTablet, "rectify_on_tablet"}, {r.Conflict, "rectify_conflict"}, {len(r.Missing) > 0, "rectify_missing"}, {r.Carried > 0, "rectify_carried"}} {
		if m.is {
			marks = append(marks, c.say(m.key))
		}
	}
	if len(marks) == 0 {
		return ""
	}
	return " (" + strings.Join(marks, ", ") + ")"
}

// superviseFaults lists rectifications.
type superviseFaults struct {
	officeFlags
	Round    string `help:"help_faults_round" placeholder:"CODE"`
	Division string `help:"help_supervise_sheets_division" placeholder:"CODE"`
	Doctor   string `help:"help_supervise_doctor" placeholder:"ID"`
	State    string `help:"help_faults_state" enum:"open,answered,returned,closed,withdrawn," default:"" placeholder:"open|answered|returned|closed|withdrawn"`
	Overdue  bool   `help:"help_faults_overdue"`
	All      bool   `help:"help_faults_all"`
	Limit    int    `help:"help_limit" default:"200" placeholder:"N"`
	Json     bool   `help:"help_json"`
}

// Run prints a table with what was answered, or JSON.
func (f superviseFaults) Run(c *call) error {
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		q := &officev1.ListRectificationsRequest{
			Division: f.Division, DoctorId: f.Doctor, State: f.State, OverdueOnly: f.Overdue, UnsettledOnly: !f.All && f.State == "",
		}
		if f.Round != "" {
			q.RoundId = roundID(county, f.Round)
		}
		found, more, err := o.Rectifications(c.ctx, q, max(f.Limit, 1))
		if err != nil {
			return err
		}
		all := []faultJSON{}
		for _, r := range found {
			all = append(all, faultOf(r))
		}
		if f.Json {
			return c.json(all)
		}
		if err := c.tellFaults(all); err != nil {
			return err
		}
		for _, r := range all {
			for _, a := range r.Answers {
				c.line("faults_answer", r.ID, a.By, c.say("rectify_action_"+a.Action), a.Text, a.Revision)
			}
		}
		if more {
			c.note("supervise_more", f.Limit)
		}
		return nil
	})
}

// superviseRule rules on an answer.
type superviseRule struct {
	officeFlags
	ID       string `arg:"" help:"help_id" placeholder:"ID"`
	Close    bool   `help:"help_rule_close" xor:"decision"`
	Return   bool   `help:"help_rule_return" xor:"decision"`
	Withdraw bool   `help:"help_rule_withdraw" xor:"decision"`
	Reason   string `help:"help_rule_reason" placeholder:"TEXT"`
	Due      string `help:"help_rule_due" placeholder:"DATE"`
	Author   string `help:"help_supervise_author" required:"" placeholder:"ID"`
	Json     bool   `help:"help_json"`
}

// Run rules over the answers that the centre has now.
func (f superviseRule) Run(c *call) error {
	id, err := record.ParseID(f.ID)
	if err != nil {
		return problemf("problem_no_record", f.ID)
	}
	due, err := c.day(f.Due)
	if err != nil {
		return err
	}
	q := &officev1.RuleRectificationRequest{Author: f.Author, Id: id[:], Reason: f.Reason, DueOn: due}
	switch {
	case f.Close:
		q.Decision = carev1.RectificationDecision_RECTIFICATION_DECISION_CLOSED
	case f.Return:
		q.Decision = carev1.RectificationDecision_RECTIFICATION_DECISION_RETURNED
	case f.Withdraw:
		q.Decision = carev1.RectificationDecision_RECTIFICATION_DECISION_WITHDRAWN
	default:
		return problemf("problem_rule_decision")
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		shown, err := registersAt(c, o, id)
		if err != nil {
			return err
		}
		m, err := care.Message(supervision.KindRectification, shown)
		if err != nil {
			return problemf("problem_no_record", f.ID)
		}
		form, _ := m.(*carev1.Rectification)
		q.Seen = supervision.Answers(form)
		reply, err := o.RuleRectification(c.ctx, q)
		if err != nil {
			return err
		}
		if err := c.refuse(reply.GetProblems()); err != nil {
			return err
		}
		one := faultOf(reply.GetRectification())
		if f.Json {
			return c.json(one)
		}
		c.line("rectify_ruled", f.ID, c.say("rectify_state_"+one.State))
		return nil
	})
}
