// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"math/bits"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// An Outcome is what one person, or one record that is about nobody, adds to one indicator.
type Outcome struct {
	Code     Code
	Division record.Division // where the person is managed on the last day, or was last; "" if nobody said
	Doctor   string          // in charge there, or who did it; "" if nobody said

	// Denominator and Numerator are 0 or 1 for a person. A record about many, such as a survey
	// of literacy, has its counts here.
	Denominator, Numerator int64
	// Amount is what is counted beside persons: person-times, people at an event, fen.
	Amount int64

	// Failed says why who is in the denominator does not count, each condition once, in the
	// order of the definition. Empty when Numerator is Denominator, or when nobody asked.
	Failed []Condition
}

// A Condition is one that did not hold.
type Condition struct {
	ID     string // for example "visits"; with the code it names one row of the manual
	Tag    Tag    // the fault as deployed systems call it
	ZH, EN string // with its values
	Record record.ID
}

// A Tag is a fault as counties write it into a person's list.
type Tag uint8

// The tags.
const (
	TagNone          Tag = iota
	TagNotDynamic        // 非动态使用
	TagBasic             // 个人基本信息填写不规范
	TagAged              // 老年人健康管理不规范
	TagAgedMedicine      // 无老年人中医药管理
	TagNotAccepted       // 未接受
	TagNotStandard       // 不规范
	TagNotControlled     // 未控制
	TagPopulation        // 人群标记错误 (E00)
	tagCount
)

var tagWords = [tagCount][2]string{
	{"", ""},
	{"非动态使用", "not in use"},
	{"个人基本信息填写不规范", "basic information not up to standard"},
	{"老年人健康管理不规范", "care for the aged not up to standard"},
	{"无老年人中医药管理", "no Chinese medicine care for the aged"},
	{"未接受", "not cared for"},
	{"不规范", "not up to standard"},
	{"未控制", "not controlled"},
	{"人群标记错误（E00）", "wrong population tag (E00)"},
}

// ZH returns the tag in Chinese, "" for none.
func (t Tag) ZH() string { return tagWords[min(t, tagCount-1)][0] }

// EN returns the tag in English, "" for none.
func (t Tag) EN() string { return tagWords[min(t, tagCount-1)][1] }

// A Tally is what outcomes add up to.
type Tally struct{ Numerator, Denominator, Amount int64 }

// Add takes in an outcome.
func (t *Tally) Add(o Outcome) {
	t.Numerator += o.Numerator
	t.Denominator += o.Denominator
	t.Amount += o.Amount
}

// Plus returns the sum of two tallies.
func (t Tally) Plus(o Tally) Tally {
	return Tally{t.Numerator + o.Numerator, t.Denominator + o.Denominator, t.Amount + o.Amount}
}

// Rate returns the numerator in hundredths of a percent of the denominator, half rounded up: 3582 is
// 35.82 %. It returns false for an empty denominator.
func (t Tally) Rate() (int64, bool) { return Rate(t.Numerator, t.Denominator) }

// Rate returns part in hundredths of a percent of whole, half rounded up, and false unless whole is
// positive and part is not negative.
func Rate(part, whole int64) (int64, bool) {
	if whole <= 0 || part < 0 {
		return 0, false
	}
	return scaled(part, 10_000, whole), true
}

// PointDifference returns how many hundredths of a percentage point now is above before, and false if
// one of them has no rate. It is exact to the last digit of the two rates that people are shown.
func PointDifference(now, before Tally) (int64, bool) {
	a, okA := now.Rate()
	b, okB := before.Rate()
	return a - b, okA && okB
}

// Change returns how many hundredths of a percent now is above before, half rounded away from nothing,
// and false where there was nothing before.
func Change(now, before int64) (int64, bool) {
	if before <= 0 || now < 0 {
		return 0, false
	}
	if now < before {
		return -scaled(before-now, 10_000, before), true
	}
	return scaled(now-before, 10_000, before), true
}

// scaled returns a × by / of, half rounded up, for a ≥ 0, by ≥ 0 and of > 0; what has no room is the
// largest number.
func scaled(a, by, of int64) int64 {
	high, low := bits.Mul64(uint64(a), uint64(by))
	low, carry := bits.Add64(low, uint64(of)/2, 0)
	high += carry
	if high >= uint64(of) {
		return 1<<63 - 1
	}
	q, _ := bits.Div64(high, low, uint64(of))
	return int64(min(q, 1<<63-1))
}
