// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cel.dev/cel-go/cel"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// A Membership says that a person belongs to a population on a day.
type Membership struct {
	RuleID     string
	Population carev1.PopulationCode
	ZH, EN     string
}

type populationRule struct {
	row  *carev1.PopulationRule
	when expression
}

func (c *compiler) population(row *carev1.PopulationRule) {
	if row.GetPopulation() == 0 {
		c.fault(row, row.GetId(), "names no population")
	}
	one := &populationRule{row, c.expression(nil, row, "when", row.GetWhen(), cel.BoolType)}
	if !row.GetOff() {
		c.pack.populations = append(c.pack.populations, one)
	}
}

// Populations returns the populations that a person belongs to on asOf, in the
// order of the pack. Faults are findings about rows that could not be evaluated.
func (p *Pack) Populations(person *Person, asOf care.Date) (in []Membership, faults []*carev1.Finding) {
	s := p.visit(person, asOf).scopeOfPerson()
	for _, r := range p.populations {
		holds, err := s.holds(r.when)
		switch {
		case err != nil:
			faults = append(faults, s.fault(r.row.GetId()))
		case holds:
			in = append(in, Membership{r.row.GetId(), r.row.GetPopulation(), r.row.GetZh(), r.row.GetEn()})
		}
	}
	return in, faults
}
