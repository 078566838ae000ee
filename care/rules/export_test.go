// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/xunzhen/xunzhen/care"
)

const KindVitalEvent = kindVitalEvent

// QuickAgainstCEL evaluates every condition and number of the pack for one form and
// for the person twice: quickly, and by CEL. It returns what differs, and how many were
// left open of how many.
func (p *Pack) QuickAgainstCEL(person *Person, form Entry, asOf care.Date) (differ []string, left map[string]int, total int) {
	left = map[string]int{}
	v := p.visit(person.With(form), asOf)
	compare := func(s *scope, name string, e expression) {
		if e.truth == nil && e.number == nil {
			return
		}
		total++
		var quick any
		if e.truth != nil {
			if t := e.truth(s); t != open {
				quick = types.Bool(t == yes)
			}
		} else if n, ok := e.number(s); ok {
			quick = types.Int(n)
		}
		if quick == nil {
			left[name]++
			return
		}
		s.defined = make([]ref.Val, len(s.defined)) // definitions anew
		slow, err := s.eval(e)
		if err != nil || slow != quick {
			differ = append(differ, fmt.Sprintf("%s: quickly %v, by CEL %v (%v)", name, quick, slow, err))
		}
	}
	if k, at := v.find(form); k != nil {
		s := v.scopeOf(k, at)
		for _, d := range k.definitions {
			compare(s, k.name+" "+d.name, d.expr)
		}
		for _, r := range k.rules {
			compare(s, k.name+" "+r.row.GetId(), r.when)
			for _, value := range r.message.values {
				compare(s, k.name+" "+r.row.GetId()+" value", value.expr)
			}
		}
		for _, r := range k.proposals {
			compare(s, k.name+" "+r.row.GetId(), r.when)
			compare(s, k.name+" "+r.row.GetId()+" value", r.value)
		}
	}
	s := v.scopeOfPerson()
	for _, r := range p.populations {
		compare(s, r.row.GetId(), r.when)
	}
	for _, r := range p.due {
		for _, e := range []expression{r.when, r.on, r.grace, r.show} {
			compare(s, r.row.GetId(), e)
		}
	}
	return differ, left, total
}
