// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// findingsCommand lists what rules find about the records.
type findingsCommand struct {
	officeFlags
	Division string `help:"help_findings_division" placeholder:"CODE"`
	Rule     string `help:"help_findings_rule" placeholder:"ID"`
	Severity string `help:"help_findings_severity" enum:"error,warning,suspicion,info," default:"" placeholder:"error|warning|suspicion|info"`
	Resident string `help:"help_findings_resident" placeholder:"ID"`
	Record   string `help:"help_findings_record" placeholder:"ID"`
	Since    string `help:"help_findings_since" placeholder:"DATE"`
	Limit    int    `help:"help_findings_limit" default:"200" placeholder:"N"`
	Counts   bool   `help:"help_findings_counts"`
	Json     bool   `help:"help_json"`
}

// foundAll is a list of findings for programs.
type foundAll struct {
	Findings []foundOne   `json:"findings"`
	Counts   []foundCount `json:"counts"` // of all that was asked for, also behind the limit
	More     bool         `json:"more"`   // there are more than the limit
}

// foundOne is one finding.
type foundOne struct {
	Rule      string   `json:"rule"`
	Severity  string   `json:"severity"`
	Record    string   `json:"record,omitempty"` // empty: about the person as a whole
	Kind      string   `json:"kind,omitempty"`
	Resident  string   `json:"resident"`
	Divisions []string `json:"divisions"`
	Class     uint32   `json:"class"`
	Paths     []string `json:"paths"`
	MessageZH string   `json:"message_zh"`
	MessageEN string   `json:"message_en"`
	Since     string   `json:"since"` // the day since which it is found of the record
	Fault     bool     `json:"fault,omitempty"`
}

// foundCount is how often a rule finds something.
type foundCount struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Findings uint64 `json:"findings"`
}

// Run prints how often each rule finds something, and what.
func (f findingsCommand) Run(c *call) error {
	q, err := f.request()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		sets, counts, more, err := o.Findings(c.ctx, q, max(f.Limit, 1))
		if err != nil {
			return err
		}
		all := foundAll{Findings: []foundOne{}, Counts: []foundCount{}, More: more}
		for _, n := range counts {
			all.Counts = append(all.Counts, foundCount{n.GetRuleId(), severityName(n.GetSeverity()), n.GetFindings()})
		}
		for _, s := range sets {
			all.Findings = append(all.Findings, foundIn(s)...)
		}
		if f.Json {
			return c.json(all)
		}
		return f.tell(c, all)
	})
}

func (f findingsCommand) request() (*officev1.ListFindingsRequest, error) {
	q := &officev1.ListFindingsRequest{RuleId: f.Rule, Severity: severityOf(f.Severity), Division: f.Division}
	if d := record.Division(f.Division); !d.ValidPrefix() {
		return nil, problemf("problem_findings_division", f.Division)
	}
	if f.Since != "" {
		day, err := care.ParseDate(f.Since)
		if err != nil {
			return nil, problemf("problem_findings_since", f.Since)
		}
		q.Since = int32(day)
	}
	for _, one := range []struct {
		into *[]byte
		text string
	}{{&q.Resident, f.Resident}, {&q.Record, f.Record}} {
		if one.text == "" {
			continue
		}
		id, err := record.ParseID(one.text)
		if err != nil {
			return nil, problemf("problem_findings_id", one.text)
		}
		*one.into = id[:]
	}
	return q, nil
}

// severityName is how grave a finding is, as flags and programs have it.
func severityName(s carev1.Severity) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "SEVERITY_"))
}

func severityOf(name string) carev1.Severity {
	return carev1.Severity(carev1.Severity_value["SEVERITY_"+strings.ToUpper(name)])
}

func foundIn(s *officev1.FindingSet) []foundOne {
	var out []foundOne
	for _, one := range s.GetFindings() {
		f := foundOne{
			Rule: one.GetRuleId(), Severity: severityName(one.GetSeverity()), Resident: idText(s.GetSubjectId()), Divisions: s.GetDivisions(),
			Class: s.GetPrivacyClass(), Paths: one.GetPaths(), MessageZH: one.GetMessageZh(), MessageEN: one.GetMessageEn(),
			Since: care.Date(s.GetChangedOn()).String(), Fault: one.GetFault(),
		}
		if id := s.GetRecordId(); len(id) > 0 {
			f.Record, f.Kind = idText(id), kindName(record.ID(id).Kind())
		}
		out = append(out, f)
	}
	return out
}

func idText(id []byte) string {
	if len(id) != len(record.ID{}) {
		return ""
	}
	return record.ID(id).String()
}

func (f findingsCommand) tell(c *call, all foundAll) error {
	if len(all.Counts) == 0 {
		c.line("findings_none")
		return nil
	}
	t := terminal.Table{Columns: c.tableColumns(), Head: []string{c.say("head_rule"), c.say("head_severity"), c.say("head_findings")}}
	for _, n := range all.Counts {
		t.Add(n.Rule, c.say("rules_severity_"+n.Severity), n.Findings)
	}
	if err := t.Write(c.Stdout); err != nil || f.Counts {
		return err
	}
	c.line("findings_each")
	for _, one := range all.Findings {
		message := one.MessageEN
		if c.words.Language() == words.Chinese {
			message = one.MessageZH
		}
		where := one.Record
		if where == "" {
			where = one.Resident
		}
		c.line("findings_one", where, c.kind(one.Kind), strings.Join(one.Divisions, " "), one.Rule, c.say("rules_severity_"+one.Severity), message)
	}
	if all.More {
		c.line("findings_more", f.Limit)
	}
	return nil
}
