// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/xunzhen/xunzhen/care"
)

// What expressions can call besides the standard library of CEL. Every function
// is total: no date and no text that a form may hold makes an error. The browser
// has the same ones.
//
//	whole(d)            whether d is a day of the calendar
//	days_between(a, b)  days from a to b, negative if b is earlier
//	add_days(d, n)      the day n days after d
//	add_months(d, n)    the same day n months later, or the last of that month
//	age_on(born, d)     full years, -1 unless both are whole and born is not after d
//	months_on(born, d)  full months, -1 likewise
//	round_div(a, b)     a / b for b > 0 and a ≥ 0, half rounded up; 0 otherwise
//	id_birth(s)         the birth date in a resident number, 0 if s is none
//	id_sex(s)           the sex in a resident number, 0 if s is none
//
// A date whose day or month is not known counts as the first; what lies outside
// 0001-01-01..9999-12-31 counts as the nearer end.
func functions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function("whole", cel.Overload("whole_int", []*cel.Type{cel.IntType}, cel.BoolType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(dateOf(v.(types.Int)).Whole()) }))),
		intFunction("days_between", func(a, b int64) int64 { return dayNumber(b) - dayNumber(a) }),
		intFunction("add_days", addDays),
		intFunction("add_months", addMonths),
		intFunction("age_on", ageOn),
		intFunction("months_on", monthsOn),
		intFunction("round_div", roundDiv),
		textFunction("id_birth", func(n care.ResidentNumber) int64 { return int64(n.BirthDate()) }),
		textFunction("id_sex", func(n care.ResidentNumber) int64 { return int64(n.Sex()) }),
	}
}

func intFunction(name string, f func(a, b int64) int64) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_int_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType,
		cel.BinaryBinding(func(a, b ref.Val) ref.Val { return types.Int(f(int64(a.(types.Int)), int64(b.(types.Int)))) })))
}

func textFunction(name string, f func(care.ResidentNumber) int64) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_string", []*cel.Type{cel.StringType}, cel.IntType,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			n, err := care.ParseResidentNumber(string(v.(types.String)))
			if err != nil {
				return types.IntZero
			}
			return types.Int(f(n))
		})))
}

const firstDate, lastDate = 10101, 99991231

// dateOf returns v as a date, 0 for what no form can hold.
func dateOf(v types.Int) care.Date {
	if v < firstDate || v > lastDate {
		return 0
	}
	return care.Date(v)
}

// dayNumber returns the days from 1970-01-01 to d in the proleptic Gregorian calendar.
func dayNumber(d int64) int64 {
	d = min(max(d, firstDate), lastDate)
	y, m, day := d/10000, min(max(d/100%100, 1), 12), max(d%100, 1)
	if m <= 2 {
		y--
	}
	era := y / 400
	ofEra := y - era*400
	ofYear := (153*((m+9)%12)+2)/5 + day - 1
	return era*146097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468
}

// dateAt is the inverse of dayNumber.
func dateAt(n int64) int64 {
	n += 719468
	era := n / 146097
	ofEra := n - era*146097
	year := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*year + year/4 - year/100)
	m := (5*ofYear + 2) / 153
	day := ofYear - (153*m+2)/5 + 1
	y := year + era*400
	if m >= 10 {
		y++
	}
	return y*10000 + ((m+2)%12+1)*100 + day
}

// furthest is more days than the calendar has.
const furthest = 4_000_000

func addDays(d, n int64) int64 {
	n = min(max(n, -furthest), furthest)
	return dateAt(min(max(dayNumber(d)+n, dayNumber(firstDate)), dayNumber(lastDate)))
}

func addMonths(d, n int64) int64 {
	d = dateAt(dayNumber(d))
	months := d/10000*12 + d/100%100 - 1 + min(max(n, -furthest), furthest)
	months = min(max(months, 12), 9999*12+11)
	first := months/12*10000 + (months%12+1)*100
	for day := d % 100; day > 28; day-- {
		if care.Date(first + day).Whole() {
			return first + day
		}
	}
	return first + min(d%100, 28)
}

func ageOn(born, d int64) int64 {
	m := monthsOn(born, d)
	if m < 0 {
		return -1
	}
	return m / 12
}

// monthsOn counts as care.Date.AgeOn does: who is born on the 31st is a month
// older on the first day whose number is not smaller.
func monthsOn(born, d int64) int64 {
	a, b := dateOf(types.Int(born)), dateOf(types.Int(d))
	if !a.Whole() || !b.Whole() || b < a {
		return -1
	}
	months := (b.Year()-a.Year())*12 + b.Month() - a.Month()
	if b.Day() < a.Day() {
		months--
	}
	return int64(months)
}

func roundDiv(a, b int64) int64 {
	if a < 0 || b <= 0 {
		return 0
	}
	q, rest := a/b, a%b
	if rest >= b-rest {
		q++
	}
	return q
}
