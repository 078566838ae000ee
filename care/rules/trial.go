// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// An Outcome is what a pack says in the case of a test row, about its last form and its person.
type Outcome struct {
	Findings    []*carev1.Finding
	Proposals   []Proposal
	Due         []DueItem
	Populations []Membership
}

// Case returns the records of a test row, of which the last is looked at, voided
// ones included. Ids are made from the places of the forms, so that they are the
// same everywhere, and a form is captured a second after the one before it. It
// returns an error if a form cannot be read.
func (p *Pack) Case(row *carev1.RuleTest) (subject record.ID, entries []Entry, err error) {
	for i, f := range row.GetForms() {
		e, err := p.testEntry(i, f)
		if err != nil {
			return subject, nil, fmt.Errorf("%s: form %d: %w", row.GetName(), i+1, err)
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return subject, nil, fmt.Errorf("%s: no forms", row.GetName())
	}
	return testID(0, care.KindResident), entries, nil
}

func (p *Pack) testEntry(i int, f *carev1.TestForm) (Entry, error) {
	for kind, k := range p.kinds {
		if k.name != f.GetKind() {
			continue
		}
		m := k.new()
		if err := prototext.Unmarshal([]byte(f.GetForm()), m); err != nil {
			return Entry{}, err
		}
		at := time.UnixMilli(int64(1+i) * 1000)
		return Entry{ID: testID(1+i, kind), Kind: kind, Subject: testID(0, care.KindResident), Form: m, Voided: f.GetVoided(), CapturedAt: at}, nil
	}
	return Entry{}, fmt.Errorf("no kind is called %q", f.GetKind())
}

// testID returns a made-up id.
func testID(n int, kind record.Kind) record.ID {
	var name [8]byte
	binary.BigEndian.PutUint64(name[:], uint64(n))
	return record.DerivedID(kind, name[:])
}

// Try evaluates the case of a test row. Rows that could not be evaluated are among the findings.
func (p *Pack) Try(row *carev1.RuleTest) (Outcome, error) {
	subject, entries, err := p.Case(row)
	if err != nil {
		return Outcome{}, err
	}
	person, form := NewPerson(subject, entries), entries[len(entries)-1]
	asOf := care.Date(row.GetAsOf())
	out := Outcome{Findings: p.Check(person, form, asOf)}
	var faults [3][]*carev1.Finding
	out.Proposals, faults[0] = p.Proposals(person, form, asOf)
	out.Due, faults[1] = p.Due(person, asOf)
	out.Populations, faults[2] = p.Populations(person, asOf)
	out.Findings = append(out.Findings, slices.Concat(faults[:]...)...)
	return out, nil
}

// Test tries every test row and returns what is not as the rows expect, in their
// order; nil if all is.
func (p *Pack) Test() []error {
	var out []error
	for _, row := range p.tests {
		out = append(out, p.TestRow(row)...)
	}
	return out
}

// TestRow tries one test row. A rule that could not be evaluated is never expected.
func (p *Pack) TestRow(row *carev1.RuleTest) []error {
	got, err := p.Try(row)
	if err != nil {
		return []error{err}
	}
	var out []error
	for _, what := range p.unexpected(row, got) {
		out = append(out, fmt.Errorf("%s: %s", row.GetName(), what))
	}
	return out
}

// unexpected compares an outcome with what a row expects.
func (p *Pack) unexpected(row *carev1.RuleTest, got Outcome) (out []string) {
	found := map[string]bool{}
	var words []string
	for _, f := range got.Findings {
		found[f.GetRuleId()] = true
		words = append(words, f.GetMessageZh())
		if f.GetFault() {
			out = append(out, f.GetRuleId()+" could not be evaluated")
		}
	}
	due := map[string]bool{}
	for _, d := range got.Due {
		due[d.RuleID] = true
	}
	in := map[string]bool{}
	for _, m := range got.Populations {
		in[m.RuleID] = true
	}
	out = append(out, p.compare("finding", found, row.GetFindings(), row.GetNoFindings())...)
	out = append(out, p.compare("due", due, nil, row.GetNoDue())...)
	out = append(out, p.compare("population", in, row.GetPopulations(), row.GetNoPopulations())...)
	for _, want := range row.GetMessagesZh() {
		if !slices.Contains(words, want) {
			out = append(out, fmt.Sprintf("no message %q", want))
		}
	}
	for _, unwanted := range row.GetNoMessagesZh() {
		if slices.Contains(words, unwanted) {
			out = append(out, fmt.Sprintf("a message %q", unwanted))
		}
	}
	return append(append(out, offeredOtherwise(row, got.Proposals)...), dueOtherwise(row, got.Due)...)
}

// compare names what is missing and what should not be there. A row that the pack
// does not have is a slip of the pen in the test.
func (p *Pack) compare(what string, got map[string]bool, want, unwanted []string) (out []string) {
	known := map[string]bool{}
	eachSwitchable(p.content, func(r row) { known[r.GetId()] = true })
	for _, id := range slices.Concat(want, unwanted) {
		if !known[id] {
			out = append(out, fmt.Sprintf("the pack has no row %s", id))
		}
	}
	for _, id := range want {
		if !got[id] {
			out = append(out, fmt.Sprintf("no %s %s", what, id))
		}
	}
	for _, id := range unwanted {
		if got[id] {
			out = append(out, fmt.Sprintf("a %s %s", what, id))
		}
	}
	return out
}

func offeredOtherwise(row *carev1.RuleTest, got []Proposal) (out []string) {
	offered := map[string]string{}
	for _, p := range got {
		offered[p.Path] = p.Value.String()
	}
	for _, want := range row.GetProposals() {
		if v, ok := offered[want.GetPath()]; !ok || v != want.GetValue() {
			out = append(out, fmt.Sprintf("%s is offered %q, want %q", want.GetPath(), v, want.GetValue()))
		}
	}
	for _, path := range row.GetNoProposals() {
		if v, ok := offered[path]; ok {
			out = append(out, fmt.Sprintf("%s is offered %q", path, v))
		}
	}
	return out
}

func dueOtherwise(row *carev1.RuleTest, got []DueItem) (out []string) {
	for _, want := range row.GetDue() {
		i := slices.IndexFunc(got, func(d DueItem) bool { return d.RuleID == want.GetId() })
		switch {
		case i < 0:
			out = append(out, fmt.Sprintf("%s is not due", want.GetId()))
		case int32(got[i].On) != want.GetOn() || got[i].Overdue != want.GetOverdue():
			out = append(out, fmt.Sprintf("%s is due on %s, overdue %t", want.GetId(), got[i].On, got[i].Overdue))
		}
	}
	return out
}

// new returns an empty form of the kind.
func (k *kindPack) new() proto.Message { return k.typ.New().Interface() }
