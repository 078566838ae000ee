// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"fmt"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Check returns what the pack finds about one form, before or after it is saved:
// as if it stood in the place of the person's record with its id, or in addition.
// Findings are in the order of the pack, those of one rule in the order of the
// form; none for a voided entry or a kind that the pack does not know.
func (p *Pack) Check(person *Person, form Entry, asOf care.Date) []*carev1.Finding {
	if form.Voided || form.Form == nil {
		return nil
	}
	v := p.visit(person.With(form), asOf)
	k, at := v.find(form)
	if k == nil {
		return nil
	}
	return v.scopeOf(k, at).findings()
}

// Findings returns what the pack finds about all records of a person, in the order
// of their ids and then as Check does.
func (p *Pack) Findings(person *Person, asOf care.Date) []*carev1.Finding {
	v := p.visit(person, asOf)
	var out []*carev1.Finding
	for _, kind := range person.kinds() {
		k, ok := p.kinds[kind]
		if !ok {
			continue
		}
		for at := range person.timelines[kind] {
			out = append(out, v.scopeOf(k, at).findings()...)
		}
	}
	slices.SortStableFunc(out, func(a, b *carev1.Finding) int { return slices.Compare(a.GetRecordId(), b.GetRecordId()) })
	return out
}

// find returns the kind of an entry and its place in its timeline; nil for an unknown kind.
func (v *visit) find(e Entry) (*kindPack, int) {
	k := v.pack.kinds[e.Kind]
	return k, slices.IndexFunc(v.person.timelines[e.Kind], func(t timed) bool { return t.ID == e.ID })
}

// A ranked finding knows the place of its rule in the pack.
type ranked struct {
	place   int
	finding *carev1.Finding
}

// findings evaluates every rule about the form.
func (s *scope) findings() []*carev1.Finding {
	var all []ranked
	for _, r := range s.k.rules {
		if f := s.evaluate(r); f != nil {
			all = append(all, ranked{r.place, f})
		}
	}
	all = append(all, s.schemaFindings()...)
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.place, b.place) })
	out := make([]*carev1.Finding, len(all))
	for i, f := range all {
		out[i] = f.finding
	}
	return out
}

// evaluate returns the finding of one rule, nil if there is none. A rule that
// cannot be evaluated is a finding itself.
func (s *scope) evaluate(r *rule) *carev1.Finding {
	holds, err := s.holds(r.when)
	if err == nil && !holds {
		return nil
	}
	var zh, en string
	if err == nil {
		zh, en, err = r.message.words(s)
	}
	if err != nil {
		return s.fault(r.row.GetId())
	}
	return s.finding(r, zh, en, r.paths)
}

func (s *scope) finding(r *rule, zh, en string, paths []string) *carev1.Finding {
	f := s.bare(r.row.GetId())
	f.Severity, f.MessageZh, f.MessageEn, f.Paths = r.row.GetSeverity(), zh, en, paths
	return f
}

// fault returns the finding that a row could not be evaluated: a fault of the pack.
func (s *scope) fault(id string) *carev1.Finding {
	f := s.bare(id)
	f.Fault, f.Severity = true, carev1.Severity_SEVERITY_WARNING
	f.MessageZh = fmt.Sprintf("规则 %s 无法计算，请联系管理员检查规则包", id)
	f.MessageEn = fmt.Sprintf("rule %s could not be evaluated: the rule pack needs to be looked at", id)
	return f
}

func (s *scope) bare(id string) *carev1.Finding {
	f := &carev1.Finding{RuleId: id, SubjectId: s.visit.person.id[:], AsOf: int32(s.asOf), PackSha256: s.pack.hash[:]}
	if s.k != nil {
		f.RecordId = s.entry.ID[:]
	}
	return f
}

// kinds returns the kinds that the person has records of, in order.
func (p *Person) kinds() []record.Kind {
	var out []record.Kind
	for kind := range p.timelines {
		out = append(out, kind)
	}
	slices.Sort(out)
	return out
}
