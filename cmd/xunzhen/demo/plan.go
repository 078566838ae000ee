// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/xunzhen/xunzhen/care"
)

// Where the demo takes place: 道县, and two of its towns.
const (
	countyCode = "431124"
	townOne    = "431124101" // 梅花镇: tablets 1 and 2
	townTwo    = "431124102" // 寿雁镇: tablet 3, which sees the whole county
)

// plan says who is registered where, and who is met in which scene. It follows from
// the number of residents and a seed.
type plan struct {
	county string // its name
	towns  [2]string
	// capture are the people each tablet registers on the first day.
	capture [3][]person
	// scenes is how many records each scene of the second day is about.
	scenes int
	// twice is registered by two tablets.
	twice person
	// newcomers are registered by a tablet and by its copy.
	newcomers [2][]person
}

func newPlan(residents int, today care.Date, rnd *rand.Rand) (*plan, error) {
	divisions, err := readDivisions()
	if err != nil {
		return nil, err
	}
	p := &plan{
		county: nameOf(divisions, countyCode), towns: [2]string{nameOf(divisions, townOne), nameOf(divisions, townTwo)},
		scenes: max(1, residents/40),
	}
	villages := [3][]division{villagesOf(divisions, townOne), villagesOf(divisions, townOne), villagesOf(divisions, townTwo)}
	all, err := readMeasured()
	if err != nil {
		return nil, err
	}
	if residents > len(all) {
		return nil, fmt.Errorf("only %d people were measured", len(all))
	}
	p.people(all[:residents], villages, today, rnd)
	return p, nil
}

// people deals everybody out: in turn to the three tablets, the last ones to the
// scenes of the second day.
func (p *plan) people(all []measured, villages [3][]division, today care.Date, rnd *rand.Rand) {
	at := func(number, tablet int) person {
		of := villages[tablet]
		return newPerson(number, all[number], of[rnd.IntN(len(of))], today, rnd)
	}
	first := len(all) - 1 - 2*p.scenes
	for i := range first {
		p.capture[i%3] = append(p.capture[i%3], at(i, i%3))
	}
	for i := range 2 * p.scenes {
		p.newcomers[i%2] = append(p.newcomers[i%2], at(first+i, 1))
	}
	p.twice = at(len(all)-1, 0)
}

func nameOf(all []division, code string) string {
	for _, d := range all {
		if d.code == code {
			return d.name
		}
	}
	return code
}

func villagesOf(all []division, town string) (out []division) {
	for _, d := range all {
		if d.level == "village" && strings.HasPrefix(d.code, town) {
			out = append(out, d)
		}
	}
	return out
}
