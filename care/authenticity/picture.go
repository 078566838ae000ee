// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"cmp"
	"slices"

	"github.com/xunzhen/xunzhen/care"
)

// The steps of systolic pressures in a Picture.
const (
	FirstStep = 80 // mmHg
	StepWidth = 5
	steps     = 28
)

// Picture is what people look at of a doctor's visits, without a rule.
type Picture struct {
	SystolicDigits, DiastolicDigits [10]uint32
	SystolicSteps                   [steps]uint32 // the ends with what lies beyond
	StartHours                      [24]uint32    // of those begun on the spot
	Days                            []DayCount    // those with most visits first
}

// DayCount is how many visits a day has.
type DayCount struct {
	Day    care.Date
	Visits int
}

// PictureOf counts visits. A measurement on two forms of one day counts once.
func PictureOf(visits []Visit) Picture {
	var p Picture
	all := only(pointers(visits), func(v *Visit) bool { return !v.Legacy() })
	for _, v := range once(all, Systolic) {
		n, _ := v.Get(Systolic)
		p.SystolicDigits[n%10]++
		p.SystolicSteps[min(max((int(n)-FirstStep)/StepWidth, 0), steps-1)]++
	}
	for _, v := range once(all, Diastolic) {
		n, _ := v.Get(Diastolic)
		p.DiastolicDigits[n%10]++
	}
	for _, v := range all {
		if v.OnSite() {
			hour, _ := hourOf(v.Began, 0)
			p.StartHours[hour]++
		}
	}
	for day, of := range grouped(all, func(v *Visit) care.Date { return v.Day }) {
		p.Days = append(p.Days, DayCount{day, len(of)})
	}
	slices.SortFunc(p.Days, func(a, b DayCount) int { return cmp.Or(cmp.Compare(b.Visits, a.Visits), cmp.Compare(b.Day, a.Day)) })
	return p
}

// Metres returns how far apart two points are, and whether that can be said: both are set, in
// one system of coordinates. What is nearer than their accuracies together is 0.
func Metres(a, b Point) (float64, bool) { return metres(a, b) }
