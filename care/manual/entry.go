// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"cmp"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// A sort is one of the four sorts of rows of a pack that have expressions.
type sort int

const (
	ofRule sort = iota
	ofProposal
	ofPopulation
	ofDue
)

// An entry is a row of the pack that has expressions.
type entry struct {
	sort       sort
	id         string
	kinds      []string // that it is about; none for a population
	severity   carev1.Severity
	population carev1.PopulationCode
	paths      []string
	off        bool
	zh, en     string
	source     *carev1.RuleSource
	formulas   []formula
	reads      map[string]reading // by the kind whose definitions it uses, "" where it may use none
}

// A formula is an expression with what it is for.
type formula struct{ name, expression string }

// entriesOf returns the rows that have expressions, in the order of the pack.
func (b *book) entriesOf(pack *carev1.RulePackContent) []entry {
	var out []entry
	for _, r := range filter(pack.GetRules(), func(r *carev1.Rule) bool { return r.GetCheck() == 0 }) {
		out = append(out, entry{
			sort: ofRule, id: r.GetId(), kinds: r.GetKinds(), severity: r.GetSeverity(), paths: r.GetPaths(), off: r.GetOff(),
			zh: r.GetZh(), en: r.GetEn(), source: r.GetSource(), formulas: formulas(r.GetValues(), formula{"when", r.GetWhen()}),
		})
	}
	for _, p := range pack.GetProposals() {
		out = append(out, entry{
			sort: ofProposal, id: p.GetId(), kinds: []string{p.GetKind()}, paths: []string{p.GetPath()}, off: p.GetOff(),
			zh: p.GetZh(), en: p.GetEn(), source: p.GetSource(),
			formulas: formulas(p.GetValues(), formula{"when", p.GetWhen()}, formula{"value", p.GetValue()}),
		})
	}
	for _, p := range pack.GetPopulations() {
		out = append(out, entry{
			sort: ofPopulation, id: p.GetId(), population: p.GetPopulation(), off: p.GetOff(),
			zh: p.GetZh(), en: p.GetEn(), source: p.GetSource(), formulas: formulas(nil, formula{"when", p.GetWhen()}),
		})
	}
	for _, d := range pack.GetDue() {
		out = append(out, entry{
			sort: ofDue, id: d.GetId(), kinds: []string{d.GetKind()}, off: d.GetOff(), zh: d.GetZh(), en: d.GetEn(), source: d.GetSource(),
			formulas: formulas(d.GetValues(), formula{"when", d.GetWhen()}, formula{"due_on", d.GetDueOn()},
				formula{"grace_days", d.GetGraceDays()}, formula{"ahead_days", d.GetAheadDays()}),
		})
	}
	for i := range out {
		out[i].reads = b.readsOf(out[i])
	}
	return out
}

func (b *book) readsOf(e entry) map[string]reading {
	var expressions []string
	for _, f := range e.formulas {
		expressions = append(expressions, f.expression)
	}
	if e.sort > ofProposal {
		return map[string]reading{"": b.reads("", expressions...)}
	}
	out := map[string]reading{}
	for _, kind := range e.kinds {
		out[kind] = b.reads(kind, expressions...)
	}
	return out
}

// uses reports whether a row uses a threshold: in its words, in an expression, or in a
// definition that one uses.
func (e entry) uses(threshold string) bool {
	if strings.Contains(e.zh+e.en, "{t."+threshold+"}") {
		return true
	}
	for _, r := range e.reads {
		if slices.Contains(r.thresholds, threshold) {
			return true
		}
	}
	return false
}

// formulas returns the expressions that are there, those of values behind the others.
func formulas(values []*carev1.MessageValue, first ...formula) []formula {
	out := filter(first, func(f formula) bool { return f.expression != "" })
	for _, v := range values {
		out = append(out, formula{"{" + v.GetId() + "}", v.GetExpression()})
	}
	return out
}

// entry writes a row of the pack.
func (s rulesSheet) entry(e entry) {
	s.heading(4, e.id)
	head := []string{"**" + s.begins(e) + "**" + s.l.off(e.off)}
	if len(e.kinds) > 0 {
		head = append(head, s.kindLinks(e.kinds))
	}
	if fields := s.entryFields(e); fields != "" {
		head = append(head, fields)
	}
	s.block(strings.Join(head, " · "))
	s.block("> " + cmp.Or(s.words(s.l, e.zh, e.en), "—"))
	var lines []string
	for _, f := range e.formulas {
		lines = append(lines, layOut(f.name+": "+f.expression, "")...)
	}
	s.block(fence(lines))
	facts := []string{s.l.say("来源：", "Source: ") + s.l.source(e.source)}
	if numbers := s.entryThresholds(e); numbers != "" {
		facts = slices.Insert(facts, 0, s.l.say("阈值：", "Thresholds: ")+numbers)
	}
	s.list(facts)
}

// begins says what sort of row it is.
func (s rulesSheet) begins(e entry) string {
	switch e.sort {
	case ofRule:
		return s.l.severity(e.severity)
	case ofProposal:
		return s.l.say("提议", "Offers")
	case ofPopulation:
		return s.l.say("人群 ", "Population ") + strings.Join(codesNamed(e.population.Descriptor(), []int32{int32(e.population)}, s.l), "")
	}
	return s.l.say("到期", "Due")
}

// entryFields lists the fields that a row is about, with their labels where it is
// about one kind.
func (s rulesSheet) entryFields(e entry) string {
	var out []string
	for _, path := range e.paths {
		if len(e.kinds) == 1 && s.named[e.kinds[0]] != nil {
			out = append(out, s.fieldNamed(s.l, s.named[e.kinds[0]], path))
		} else {
			out = append(out, code(path))
		}
	}
	return strings.Join(out, s.l.comma())
}

// entryThresholds lists the thresholds that a row uses.
func (s rulesSheet) entryThresholds(e entry) string {
	var out []string
	for _, t := range s.pack.GetThresholds() {
		if e.uses(t.GetId()) {
			out = append(out, link(text(s.l.say(t.GetZh(), t.GetEn())), "#"+anchor(t.GetId()))+" "+s.worth(t))
		}
	}
	return strings.Join(out, s.l.semicolon())
}
