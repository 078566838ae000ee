// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"time"

	"github.com/xunzhen/xunzhen/care"
)

// longestSeason bounds how many days are walked through.
const longestSeason = 4000

// WorkingDays returns on how many days from the first to the last, both included, is worked.
func (s Season) WorkingDays(first, last care.Date) int {
	if !first.Whole() || !last.Whole() {
		return 0
	}
	n := 0
	for d, i := first, 0; d <= last && i < longestSeason; d, i = d.AddDays(1), i+1 {
		if s.works(d) {
			n++
		}
	}
	return n
}

func (s Season) works(d care.Date) bool {
	weekday := time.Date(d.Year(), time.Month(d.Month()), d.Day(), 0, 0, 0, 0, time.UTC).Weekday()
	switch s.DaysAWeek {
	case 7:
		return true
	case 6:
		return weekday != time.Sunday
	}
	return weekday != time.Sunday && weekday != time.Saturday
}

// Progress is how far a part is beside the time that has passed.
type Progress struct {
	Quota, Done int64
	// Elapsed and Days are working days of the season, up to the day and in all.
	Elapsed, Days int
	Expected      int64 // of the quota by the days that have passed, rounded down
	// PerDay is how many a working day are needed from the next day on, rounded up; 0 where
	// nothing is left to do. Where no day is left, all that is left.
	PerDay int64
	Left   int  // working days that are left
	Red    bool // less than expected is done
	Over   bool // the season is over
}

// ProgressOf returns how far a part is at the end of a day. dueOn is the part's own day, 0 the
// season's.
func (s Season) ProgressOf(quota, done int64, dueOn, today care.Date) Progress {
	if dueOn == 0 {
		dueOn = s.To
	}
	p := Progress{Quota: quota, Done: done, Days: s.WorkingDays(s.From, dueOn), Over: today >= dueOn}
	p.Elapsed = s.WorkingDays(s.From, min(today, dueOn))
	p.Left = p.Days - p.Elapsed
	switch {
	case p.Over || p.Days == 0:
		p.Expected = quota
	default:
		p.Expected = quota * int64(p.Elapsed) / int64(p.Days)
	}
	p.Red = done < p.Expected
	if left := quota - done; left > 0 {
		p.PerDay = left
		if p.Left > 0 {
			p.PerDay = (left + int64(p.Left) - 1) / int64(p.Left)
		}
	}
	return p
}
