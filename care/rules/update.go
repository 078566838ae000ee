// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"slices"

	"cel.dev/cel-go/common/ast"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// reads is what the result of a rule depends on besides the form and the person.
type reads struct {
	kinds map[record.Kind]bool // whose forms it looks at
	today bool                 // as_of
}

// readsOf returns what an expression over forms of k depends on.
func (c *compiler) readsOf(k *kindPack, checked *ast.AST) reads {
	out := reads{kinds: map[record.Kind]bool{}}
	for _, r := range checked.ReferenceMap() {
		switch name := r.Name; {
		case name == "as_of":
			out.today = true
		case k != nil && (name == "previous" || name == "history"):
			out.kinds[k.kind] = true
		case c.pack.lists[name] != nil:
			out.kinds[c.pack.lists[name].kind] = true
		case k != nil:
			if i, ok := k.defined[name]; ok {
				out.add(k.definitions[i].expr.reads)
			}
		}
	}
	return out
}

func (r *reads) add(more reads) {
	if r.kinds == nil {
		r.kinds = map[record.Kind]bool{}
	}
	for kind := range more.kinds {
		r.kinds[kind] = true
	}
	r.today = r.today || more.today
}

// Update returns what Findings returns, evaluating only what may have changed: before
// is what Findings or Update of a pack with the same hash returned last, and changed
// are the records that were added, edited, voided or taken back since. It takes
// before over: its findings are in the result or must not be used any more.
func (p *Pack) Update(before []*carev1.Finding, person *Person, changed []record.ID, asOf care.Date) []*carev1.Finding {
	u := update{scopes: p.visit(person, asOf), changed: map[record.ID]bool{}, kinds: map[record.Kind]bool{}}
	for _, id := range changed {
		u.changed[id] = true
		u.kinds[id.Kind()] = true
	}
	for _, f := range before {
		if !bytes.Equal(f.GetPackSha256(), p.hash[:]) || !bytes.Equal(f.GetSubjectId(), person.id[:]) {
			return p.Findings(person, asOf)
		}
		u.nextDay = u.nextDay || f.GetAsOf() != int32(asOf)
	}
	if len(before) == 0 || u.kinds[care.KindResident] || u.kinds[kindVitalEvent] {
		return p.Findings(person, asOf)
	}
	return u.findings(before)
}

// kindVitalEvent is the kind that says who died or left, besides the resident's own form.
const kindVitalEvent record.Kind = 42

// An update is one call of Update.
type update struct {
	scopes  *visit
	changed map[record.ID]bool
	kinds   map[record.Kind]bool
	nextDay bool // before is of another day
}

// findings goes over the records in order of their ids, as Findings does.
func (u *update) findings(before []*carev1.Finding) []*carev1.Finding {
	places := u.scopes.places()
	out := make([]*carev1.Finding, 0, len(before))
	for _, e := range u.scopes.person.entries {
		for len(before) > 0 && bytes.Compare(before[0].GetRecordId(), e.ID[:]) < 0 {
			before = before[1:] // of a record that is gone
		}
		n := 0
		for n < len(before) && bytes.Equal(before[n].GetRecordId(), e.ID[:]) {
			n++
		}
		old := before[:n:n]
		before = before[n:]
		k, ok := u.scopes.pack.kinds[e.Kind]
		switch {
		case !ok:
		case u.changed[e.ID]:
			out = append(out, u.scopes.scopeOf(k, places[e.ID]).findings()...)
		default:
			out = append(out, u.some(k, places[e.ID], old)...)
		}
	}
	return out
}

// places returns where each record stands in its timeline.
func (v *visit) places() map[record.ID]int {
	out := make(map[record.ID]int, len(v.person.entries))
	for _, line := range v.person.timelines {
		for i := range line {
			out[line[i].ID] = i
		}
	}
	return out
}

// some evaluates the rules of a record that may say something else now, and keeps the rest.
func (u *update) some(k *kindPack, at int, old []*carev1.Finding) []*carev1.Finding {
	var s *scope
	for i := range old {
		old[i].AsOf = int32(u.scopes.asOf)
	}
	for _, r := range k.rules {
		if !u.affects(r) {
			continue
		}
		if s == nil {
			s = u.scopes.scopeOf(k, at)
		}
		old = replaced(old, k, r, s.evaluate(r))
	}
	return old
}

func (u *update) affects(r *rule) bool {
	if u.nextDay && r.reads.today {
		return true
	}
	for kind := range r.reads.kinds {
		if u.kinds[kind] {
			return true
		}
	}
	return false
}

// replaced returns findings, which are in the order of the pack, with found in the
// place of what the rule had found, nil for nothing.
func replaced(findings []*carev1.Finding, k *kindPack, r *rule, found *carev1.Finding) []*carev1.Finding {
	i := 0
	for i < len(findings) && k.ranks[findings[i].GetRuleId()] < r.place {
		i++
	}
	was := i < len(findings) && findings[i].GetRuleId() == r.row.GetId()
	switch {
	case was && found != nil:
		findings[i] = found
	case was:
		return slices.Concat(findings[:i], findings[i+1:])
	case found != nil:
		return slices.Concat(findings[:i], []*carev1.Finding{found}, findings[i:])
	}
	return findings
}
