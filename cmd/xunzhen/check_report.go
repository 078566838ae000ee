// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// tellProven writes what a proof shows, save by save, for somebody who reads it on
// paper.
func (c *call) tellProven(r evidence.Report) error {
	p := provenText{call: c, report: r, numbers: map[causal.Dot]int{}}
	for i, s := range r.Saves {
		p.numbers[s.Dot] = i + 1
	}
	if err := p.head(); err != nil {
		return err
	}
	for _, s := range r.Saves {
		if err := p.save(s); err != nil {
			return err
		}
	}
	if err := p.acts(); err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout)
	c.line("check_holds", r.Checkpoint.Shard)
	if r.Only.IsZero() {
		c.line("check_limits")
	} else {
		c.line("check_limits_one")
	}
	return nil
}

// provenText writes one report.
type provenText struct {
	*call
	report  evidence.Report
	numbers map[causal.Dot]int // of the saves, from 1
}

func (p *provenText) head() error {
	r := p.report
	fmt.Fprintln(p.Stdout, p.kind(kindName(r.Record.Kind()))+"  "+r.Record.String())
	t := terminal.Table{Indent: 2, Columns: p.tableColumns()}
	t.Add(p.say("proof_ledger"), p.say("proof_ledger_is", int64(r.Checkpoint.Size), r.Checkpoint.Epoch.Number, p.at(r.MadeAt)))
	if !r.Only.IsZero() {
		t.Add(p.say("proof_about"), p.say("proof_about_one", p.numbers[r.Only]))
	}
	return t.Write(p.Stdout)
}

func (p *provenText) save(s evidence.Save) error {
	fmt.Fprintln(p.Stdout)
	p.line("proof_save", p.numbers[s.Dot], len(p.report.Saves), s.Dot.String())
	t := terminal.Table{Indent: 2, Columns: p.tableColumns()}
	if s.Unreadable {
		t.Add(p.say("proof_saved_by"), p.say("proof_unreadable", s.Dot.Replica.String()))
	} else {
		t.Add(p.say("proof_saved_by"), s.Revision.Author)
		t.Add(p.say("proof_captured"), p.say("proof_by_saver", p.atMs(s.Revision.ClockMs)))
	}
	t.Add(p.say("proof_installation"), p.installation(s))
	t.Add(p.say("proof_received"), p.say("proof_by_centre", p.at(s.ReceivedAt), int64(s.Leaf)))
	for i, v := range s.Verdicts {
		text := p.verdictText(v.Verdict.String())
		if i > 0 {
			text = p.say("proof_since", p.at(v.At), int64(v.Leaf), text)
		}
		t.Add(p.say("proof_verdict"), text)
	}
	if len(s.Missing) > 0 {
		t.Add(p.say("proof_note"), p.say("proof_missing", len(s.Missing)))
	}
	for _, change := range s.Changes {
		t.Add(p.pathLabel(p.report.Record.Kind(), change.Path), p.change(s, change))
	}
	return t.Write(p.Stdout)
}

func (p *provenText) installation(s evidence.Save) string {
	cert := s.Certificate
	name := p.say("role_" + cert.Role.String())
	if cert.Label != "" && cert.Role != segment.RoleCentre {
		name += " " + cert.Label
	}
	if len(cert.Staff) == 0 {
		return p.say("proof_installation_of", name, s.Dot.Replica.String())
	}
	return p.say("proof_installation_for", name, s.Dot.Replica.String(), strings.Join(cert.Staff, ", "))
}

// change says a value and what became of it.
func (p *provenText) change(s evidence.Save, change evidence.Change) string {
	text := ""
	switch {
	case s.Erased:
		text = p.say("proof_erased")
	case s.Hidden:
		text = p.say("proof_hidden")
	default:
		text = p.valueText(p.report.Record.Kind(), change.Path, change.Value)
	}
	switch {
	case !s.Verdict().Admitted():
		return text + p.say("proof_no_part")
	case len(change.ReplacedBy) > 0:
		return text + p.say("proof_replaced", p.saves(change.ReplacedBy))
	case change.Path == record.PathScope || change.Path == record.PathSubject:
		return text
	}
	return text + p.say("proof_stands")
}

func (p *provenText) saves(dots []causal.Dot) string {
	var out []string
	for _, d := range dots {
		out = append(out, fmt.Sprint(p.numbers[d]))
	}
	return strings.Join(out, ", ")
}

func (p *provenText) acts() error {
	if len(p.report.Acts) == 0 {
		return nil
	}
	fmt.Fprintln(p.Stdout)
	p.line("proof_acts")
	t := terminal.Table{Indent: 2, Columns: p.tableColumns()}
	for _, a := range p.report.Acts {
		t.Add(p.at(a.ReceivedAt), p.act(a))
	}
	return t.Write(p.Stdout)
}

func (p *provenText) act(a evidence.Act) string {
	switch {
	case a.Kind == evidence.ActFence && a.Lifted:
		return p.say("act_lift", a.Replica.String(), a.Author, a.Reason, int64(a.Leaf))
	case a.Kind == evidence.ActFence:
		return p.say("act_fence", a.Replica.String(), a.Author, a.Reason, int64(a.Leaf))
	}
	return p.say("act_"+a.Kind.String(), p.numbers[a.Target], a.Author, a.Reason, int64(a.Leaf))
}
