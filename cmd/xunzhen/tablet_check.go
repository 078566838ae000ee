// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/tablet"
)

// checkJSON is a form that was looked at, for programs.
type checkJSON struct {
	MustConfirm bool           `json:"must_confirm"`
	Findings    []findingJSON  `json:"findings"`
	Proposals   []proposalJSON `json:"proposals"`
	Filled      []proposalJSON `json:"filled,omitempty"`
}

// findingJSON is a finding for programs.
type findingJSON struct {
	Rule        string   `json:"rule"`
	Severity    string   `json:"severity"`
	Resident    string   `json:"resident,omitempty"`
	Record      string   `json:"record,omitempty"`
	Kind        string   `json:"kind,omitempty"`
	Paths       []string `json:"paths,omitempty"`
	MessageZH   string   `json:"message_zh"`
	MessageEN   string   `json:"message_en"`
	Fault       bool     `json:"fault,omitempty"`
	MustConfirm bool     `json:"must_confirm,omitempty"`
	Confirmable bool     `json:"confirmable,omitempty"`
	Centre      bool     `json:"centre,omitempty"`
	On          string   `json:"on,omitempty"`
}

// proposalJSON is a proposal for programs.
type proposalJSON struct {
	Rule     string `json:"rule"`
	Path     string `json:"path"`
	ValueZH  string `json:"value_zh"`
	ValueEN  string `json:"value_en"`
	ReasonZH string `json:"reason_zh"`
	ReasonEN string `json:"reason_en"`
	Field    string `json:"field"` // empty, same, other
	Computed bool   `json:"computed,omitempty"`
}

func checkFor(look *tablet.Check) checkJSON {
	return checkJSON{look.MustConfirm(), findingsFor(look.Findings()), proposalsFor(look.Proposals()), proposalsFor(look.Filled())}
}

func findingsFor(l *tablet.FindingList) []findingJSON {
	out := make([]findingJSON, l.Len())
	for i := range out {
		f := l.At(i)
		out[i] = findingJSON{
			Rule: f.RuleID, Severity: f.Severity, Resident: f.ResidentID, Record: f.RecordID, Kind: f.Kind, MessageZH: f.MessageZH, MessageEN: f.MessageEN,
			Fault: f.Fault, MustConfirm: f.MustConfirm, Confirmable: f.Confirmable, Centre: f.Centre, On: f.On,
		}
		for j := range f.Fields.Len() {
			out[i].Paths = append(out[i].Paths, f.Fields.At(j).Path)
		}
	}
	return out
}

func proposalsFor(l *tablet.ProposalList) []proposalJSON {
	out := make([]proposalJSON, l.Len())
	for i := range out {
		p := l.At(i)
		out[i] = proposalJSON{p.RuleID, p.Path, p.ValueZH, p.ValueEN, p.ReasonZH, p.ReasonEN, p.Field, p.Computed}
	}
	return out
}

// tellCheck tells what was found, without saving.
func (c *call) tellCheck(look *tablet.Check, asJSON bool) error {
	if asJSON {
		return c.json(checkFor(look))
	}
	if look.Findings().Len() == 0 {
		c.line("check_clean")
	}
	c.showCheck(c.Stdout, look)
	return nil
}

// showCheck shows what was filled in, found and proposed.
func (c *call) showCheck(w io.Writer, look *tablet.Check) {
	c.showProposals(w, "check_filled", look.Filled(), func(*tablet.Proposal) bool { return true })
	_ = c.listFindings(w, look.Findings()) // to where nobody listens, nothing need be told
	if c.showProposals(w, "check_proposed", look.Proposals(), func(p *tablet.Proposal) bool { return p.Field != tablet.FieldSame }) {
		fmt.Fprintln(w, c.say("check_fill"))
	}
}

// showProposals shows those that are wanted and reports whether one could be filled in.
func (c *call) showProposals(w io.Writer, head string, l *tablet.ProposalList, wanted func(*tablet.Proposal) bool) (open bool) {
	t := terminal.Table{Indent: 2, Columns: c.tableColumns()}
	n := 0
	for i := range l.Len() {
		p := l.At(i)
		if !wanted(p) {
			continue
		}
		n++
		open = open || p.Field == tablet.FieldEmpty
		why := c.either(p.ReasonZH, p.ReasonEN)
		if p.Field == tablet.FieldOther {
			why += " " + c.say("check_other")
		}
		t.Add(c.either(p.LabelZH, p.LabelEN), c.either(p.ValueZH, p.ValueEN), why)
	}
	if n > 0 {
		fmt.Fprintln(w, c.say(head))
		_ = t.Write(w) // as showCheck
	}
	return open
}

// mostMissing is how many empty fields are named; how many there are is said anyhow.
const mostMissing = 8

// listFindings lists findings, and in one line what is not filled in.
func (c *call) listFindings(w io.Writer, l *tablet.FindingList) error {
	t := terminal.Table{Indent: 2, Columns: c.tableColumns()}
	var missing []string
	empty := 0
	for i := range l.Len() {
		f := l.At(i)
		if f.Missing && f.Fields.Len() == 1 {
			empty++
			if empty <= mostMissing {
				missing = append(missing, c.either(f.Fields.At(0).LabelZH, f.Fields.At(0).LabelEN))
			}
			continue
		}
		t.Add(c.severity(f), c.either(f.MessageZH, f.MessageEN)+c.origin(f))
	}
	if empty > len(missing) {
		missing = append(missing, "…")
	}
	if empty > 0 {
		t.Add(c.say("severity_missing"), c.say("check_missing", empty, strings.Join(missing, formReader{c.words.Language()}.comma())))
	}
	return t.Write(w)
}

// severity says in a word how grave a finding is.
func (c *call) severity(f *tablet.Finding) string {
	if f.Fault {
		return c.say("severity_fault")
	}
	return c.say("severity_" + f.Severity)
}

// origin says that the centre found it, and since when.
func (c *call) origin(f *tablet.Finding) string {
	if !f.Centre {
		return ""
	}
	return " " + c.say("finding_centre", f.On)
}

// either returns the text in the reader's language.
func (c *call) either(zh, en string) string {
	if c.words.Language() == words.Chinese {
		return zh
	}
	return en
}
