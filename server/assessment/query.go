// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Level says what a unit is.
type Level int

// Levels.
const (
	County Level = iota + 1
	Township
	Village
	Doctor
)

// Query selects figures.
type Query struct {
	Period     indicators.Period
	AsOf       care.Date // 0: the last day of the period, or today if that is earlier
	ReceivedBy care.Date // 0: everything that came
	// Divisions are prefixes within what the caller may see; an empty one is everything.
	Divisions []record.Division
	Level     Level
	Codes     []indicators.Code // nil: all
	Live      bool              // count anew what is frozen
	Sensitive bool              // the caller may see the class of mental illness and tuberculosis
}

// Unit is what a figure is about.
type Unit struct {
	Division record.Division // without filling zeros
	Doctor   string
}

// restricted reports whether an indicator says something about people of the sensitive class.
func restricted(code indicators.Code) bool {
	switch code {
	case "M01", "M02", "P01", "P02", "G02.06", "G02.07":
		return true
	}
	return false
}

// check returns the query with what was not given filled in.
func (q Query) check(today care.Date) (Query, error) {
	if !q.Period.Valid() {
		return q, problem(ProblemPeriod, "%d to %d is no period", q.Period.From, q.Period.To)
	}
	if q.Period.From > today {
		return q, problem(ProblemNotBegun, "%s has not begun: its first day is %s, today is %s", q.Period, q.Period.From, today)
	}
	for _, d := range []care.Date{q.AsOf, q.ReceivedBy} {
		if d != 0 && !d.Whole() {
			return q, problem(ProblemAsOf, "%d is no day", d)
		}
	}
	if q.AsOf != 0 && q.AsOf < q.Period.From {
		return q, problem(ProblemAsOf, "as of %s there was nothing of %s yet: it begins on %s", q.AsOf, q.Period, q.Period.From)
	}
	if q.AsOf > today {
		return q, problem(ProblemAsOf, "%s is yet to come: today is %s", q.AsOf, today)
	}
	for _, c := range q.Codes {
		if _, ok := indicators.Lookup(c); !ok {
			return q, problem(ProblemCode, "there is no indicator %q", c)
		}
	}
	for _, d := range q.Divisions {
		if !d.ValidPrefix() {
			return q, problem(ProblemUnit, "%q is no division", d)
		}
	}
	if q.Level == 0 {
		q.Level = County
	}
	return q, nil
}

// wanted returns the indicators that are asked for and may be seen, in order.
func (q Query) wanted() []indicators.Indicator {
	return slices.DeleteFunc(indicators.All(), func(one indicators.Indicator) bool {
		return q.Codes != nil && !slices.Contains(q.Codes, one.Code) || !q.Sensitive && restricted(one.Code)
	})
}

// needed returns the codes that have to be counted for the indicators: what is derived needs others.
func needed(all []indicators.Indicator) []indicators.Code {
	var out []indicators.Code
	for _, one := range all {
		switch one.Derived {
		case indicators.PointsOf:
			out = append(out, one.Of)
		case indicators.QuartersOf:
			out = append(out, quarterParts()...)
		case indicators.RegisteredOf:
		default:
			out = append(out, one.Code)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func quarterParts() []indicators.Code {
	return []indicators.Code{"X03.1", "X03.2", "X03.3", "X03.4"}
}

// unitOf returns the unit of a level in which somebody counts.
func unitOf(d record.Division, doctor string, l Level, county record.Division) Unit {
	at := trim(d)
	switch l {
	case Township:
		return Unit{Division: care.Above(at, care.LevelTownship)}
	case Village:
		return Unit{Division: at}
	case Doctor:
		return Unit{Doctor: doctor}
	}
	return Unit{Division: county}
}

// trim returns a division without the zeros that fill it up to 12 digits.
func trim(d record.Division) record.Division {
	if len(d) == 12 && d[9:] == "000" {
		if d = d[:9]; d[6:] == "000" {
			d = d[:6]
		}
	}
	return d
}
