// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// A Code names an indicator or a counter. A part after a dot is a part of the indicator before it:
// G02.08 is G02 among the disabled.
type Code string

// A Unit is what an indicator is read in.
type Unit uint8

// The units.
const (
	Percent          Unit = iota + 1 // numerator of denominator
	Count                            // the amount, or the numerator where nothing has an amount
	PercentagePoints                 // what a rate is above that of the year before
	Fen                              // the amount, in fen
)

// A Derivation says how an indicator follows from others.
type Derivation uint8

// The derivations.
const (
	Counted      Derivation = iota // it has outcomes of its own
	PointsOf                       // the rate of Of less that of the same day a year before
	QuartersOf                     // quarters whose part of Of has enough numerator, of the quarters that are over
	RegisteredOf                   // both numbers are registered statistics, Numerators by Stat
)

// An Indicator is what a county is assessed by, or a counter beside it.
type Indicator struct {
	Code           Code
	ZH, EN         string
	Unit           Unit
	PerPerson      bool // outcomes are of persons, each 0 or 1
	HigherIsBetter bool

	// Stat are the registered denominators, the first that a division has counts; nil if none.
	Stat []carev1.StatisticCode
	// Of is what a derived indicator comes from; "" for others.
	Of      Code
	Derived Derivation

	NumeratorZH, NumeratorEN     string
	DenominatorZH, DenominatorEN string
	AmountZH, AmountEN           string   // what Amount is, "" where nothing has one
	Thresholds                   []string // of the rule pack that decide, by id
	Source, Mark                 string   // Mark is C, K or D as the shared pages have it
}

// All returns every indicator and counter in the order of the specification. The slice is the caller's;
// what its elements point to is not.
func All() []Indicator { return slices.Clone(catalogue()) }

// Lookup returns an indicator by its code, and whether there is one.
func Lookup(code Code) (Indicator, bool) {
	at, ok := places()[code]
	if !ok {
		return Indicator{}, false
	}
	return catalogue()[at], true
}
