// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/demo"
	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// Plan says what is to be written; the same plan writes the same forms.
type Plan struct {
	County    string    `json:"county"`    // 431124 or 130403: the divisions whose names there are
	Residents int       `json:"residents"` // at least 1
	Records   int       `json:"records"`   // in all, about; at least twice the residents
	Ends      care.Date `json:"ends"`      // the last day
	Seed      uint64    `json:"seed"`
}

// ErrPlan is wrapped for a plan that cannot be carried out.
var ErrPlan = errors.New("this cannot be written")

const (
	residentsEach = 900 // about, of a tablet
	fewestEach    = 250 // of a village
	// registersEach is how many records a resident has when it is registered: the resident, and
	// a third of a household.
	registersEach = 1.34
	// yearlyEach is how many records a resident has in a year, about: measured by the test.
	yearlyEach = 2.3
	mostYears  = 30
)

// complete checks a plan.
func (p Plan) complete() (Plan, error) {
	switch {
	case p.Residents < 1 || p.Residents > 5_000_000:
		return p, fmt.Errorf("%w: %d residents; 1 to 5,000,000 can be", ErrPlan, p.Residents)
	case p.Records < 2*p.Residents:
		return p, fmt.Errorf("%w: %d records of %d residents; at least two each are needed", ErrPlan, p.Records, p.Residents)
	case p.weeks() > mostYears*52:
		return p, fmt.Errorf("%w: %d records of %d residents take more than %d years", ErrPlan, p.Records, p.Residents, mostYears)
	case !p.Ends.Valid():
		return p, fmt.Errorf("%w: %d is no day", ErrPlan, p.Ends)
	}
	if _, villages, err := demo.Places(p.County); err != nil || len(villages) == 0 {
		return p, fmt.Errorf("%w: no divisions of county %s are known; 431124 and 130403 are", ErrPlan, p.County)
	}
	return p, nil
}

// weeks returns over how many weeks it takes to have so many records.
func (p Plan) weeks() int {
	perResident := float64(p.Records) / float64(max(p.Residents, 1))
	return max(int(math.Ceil((perResident-registersEach)/yearlyEach*52)), 1)
}

// place is a village with its residents and tablets.
type place struct {
	demo.Place
	number    int // from 0
	first     int // its first resident
	residents int
	tablets   int
	east      int32 // of the county's corner, in millionths of a degree
	north     int32
}

// planned is a plan spread over villages and weeks.
type planned struct {
	plan          Plan
	townships     []demo.Place
	villages      []place
	replicas      [][]causal.ReplicaID // by village and tablet
	begins        time.Time            // a Monday, midnight in China
	bureauReplica causal.ReplicaID
	ends          time.Time
}

// midnight returns when a day begins in China.
func midnight(d care.Date) time.Time {
	return time.Date(d.Year(), time.Month(d.Month()), d.Day(), 0, 0, 0, 0, china)
}

var china = time.FixedZone("", 8*3600)

// settle spreads the residents: villages are of unequal size, as they are.
func (c *planned) settle() {
	townships, villages, _ := demo.Places(c.plan.County) // complete has seen them
	villages = c.inhabited(villages)
	for _, t := range townships {
		if slices.ContainsFunc(villages, func(v demo.Place) bool { return v.Code[:9] == t.Code }) {
			c.townships = append(c.townships, t)
		}
	}
	weights, total := make([]float64, len(villages)), 0.0
	for i := range villages {
		weights[i] = 0.4 + 1.2*unit(mix(c.plan.Seed, 1, uint64(i)))
		total += weights[i]
	}
	first, sum := 0, 0.0
	for i, v := range villages {
		sum += weights[i]
		end := int(math.Round(sum / total * float64(c.plan.Residents)))
		p := place{Place: v, number: i, first: first, residents: end - first}
		p.tablets = max((p.residents+residentsEach/2)/residentsEach, 1)
		p.east, p.north = int32(i%23)*21_000, int32(i/23)*19_000
		c.villages = append(c.villages, p)
		first = end
	}
	for i := range c.villages {
		c.replicas = append(c.replicas, nil)
		for n := range c.villages[i].tablets {
			c.replicas[i] = append(c.replicas[i], causal.ReplicaOf(c.keyOf(uint64(i), uint64(n)).Public().(ed25519.PublicKey)))
		}
	}
	c.bureauReplica = causal.ReplicaOf(c.keyOf(1 << 40).Public().(ed25519.PublicKey))
	last := midnight(c.plan.Ends).AddDate(0, 0, 1)
	monday := last.AddDate(0, 0, -int((last.Weekday()+6)%7))
	c.begins = monday.AddDate(0, 0, -7*(c.plan.weeks()-1))
	c.ends = last
}

// inhabited returns the villages that a small county has, spread over all.
func (c *planned) inhabited(all []demo.Place) []demo.Place {
	n := max(c.plan.Residents/fewestEach, 4)
	if n >= len(all) {
		return all
	}
	var out []demo.Place
	for i := range n {
		out = append(out, all[i*len(all)/n])
	}
	return out
}

// monday returns when a week begins, the first one being 0.
func (c *planned) monday(week int) time.Time { return c.begins.AddDate(0, 0, 7*week) }

// days returns how many days the plan has.
func (c *planned) days() int { return int(c.ends.Sub(c.begins).Hours()/24 + 0.5) }

// weeks returns how many there are, the last one may be short.
func (c *planned) weeks() int { return c.plan.weeks() }

// mix makes one number of several: a splitmix64 step for each.
func mix(of ...uint64) uint64 {
	x := uint64(0x9e3779b97f4a7c15)
	for _, n := range of {
		x += n * 0xbf58476d1ce4e5b9
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// unit returns a number from 0 up to 1.
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }
