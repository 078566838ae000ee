// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
)

// window is a period as it stands on its last day that counts.
type window struct {
	period indicators.Period
	last   care.Date // the earlier of the end of the period and the day on which it is asked
}

// on returns a period as it stands on a day.
func on(p indicators.Period, day care.Date) window { return window{p, min(p.To, day)} }

// lastYear returns the same window a year earlier: a year that is under way is held against the
// same days of the year before, not against the whole of it.
func (w window) lastYear() window {
	return window{w.period.LastYear(), indicators.Period{From: w.last, To: w.last}.LastYear().To}
}

// begun reports whether there is a day of it.
func (w window) begun() bool { return w.period.Valid() && w.period.From <= w.last }

func (w window) question() indicators.Question {
	return indicators.Question{Period: w.period, AsOf: w.last}
}

// parts returns a year, its halves and its quarters.
func parts(year int) []indicators.Period {
	all := []indicators.Period{indicators.Year(year), indicators.HalfYear(year), secondHalf(year)}
	for q := 1; q <= 4; q++ {
		all = append(all, indicators.Quarter(year, q))
	}
	return all
}

func secondHalf(year int) indicators.Period {
	return indicators.Period{From: indicators.Quarter(year, 3).From, To: indicators.Quarter(year, 4).To}
}

// windowsOn returns the windows that are counted on a day, each once: all that have begun of this
// year and what they are held against, those of the last year, and the year and halves that
// those are held against.
func windowsOn(day care.Date) []window {
	var all []window
	seen := map[window]bool{}
	add := func(w window) {
		if w.begun() && !seen[w] {
			seen[w] = true
			all = append(all, w)
		}
	}
	for _, p := range parts(day.Year()) {
		if w := on(p, day); w.begun() {
			add(w)
			add(w.lastYear())
		}
	}
	for _, p := range parts(day.Year() - 1) {
		add(on(p, day))
	}
	for _, p := range parts(day.Year() - 1)[:3] {
		add(on(p, day).lastYear())
	}
	return all
}

// freezable reports whether a period is a half-year or a year of the assessment.
func freezable(p indicators.Period) bool {
	y := p.From.Year()
	return p == indicators.Year(y) || p == indicators.HalfYear(y) || p == secondHalf(y)
}
