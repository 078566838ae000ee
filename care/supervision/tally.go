// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"math"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// Tally counts checks. The sum of two tallies is that of their checks.
type Tally struct {
	Drawn   int // all
	Tried   int // of whom something is recorded about reaching them
	Reached int // who answered or refused
	// Lost are those who were tried and did not answer (失访), of any reason.
	Lost, Refused, NotReached, WrongAddress int
	True, Untrue, Undecided                 int // of those who answered
	Standard, NotStandard                   int
}

// Count returns the tally of one check, as far as it is filled in.
func Count(f *carev1.Verification) Tally {
	t := Tally{Drawn: 1}
	switch f.GetContact() {
	case carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED:
		t.Tried, t.Reached = 1, 1
		switch f.GetTruthVerdict() {
		case carev1.VerificationVerdict_VERIFICATION_VERDICT_TRUE:
			t.True = 1
		case carev1.VerificationVerdict_VERIFICATION_VERDICT_UNTRUE:
			t.Untrue = 1
		default:
			t.Undecided = 1
		}
	case carev1.VerificationContact_VERIFICATION_CONTACT_REFUSED:
		t.Tried, t.Reached, t.Lost, t.Refused = 1, 1, 1, 1
	case carev1.VerificationContact_VERIFICATION_CONTACT_NOT_REACHED:
		t.Tried, t.Lost, t.NotReached = 1, 1, 1
	case carev1.VerificationContact_VERIFICATION_CONTACT_WRONG_ADDRESS:
		t.Tried, t.Lost, t.WrongAddress = 1, 1, 1
	}
	switch f.GetStandardVerdict() {
	case carev1.StandardVerdict_STANDARD_VERDICT_STANDARD:
		t.Standard = 1
	case carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD:
		t.NotStandard = 1
	}
	return t
}

// Plus returns the sum.
func (t Tally) Plus(o Tally) Tally {
	return Tally{
		t.Drawn + o.Drawn, t.Tried + o.Tried, t.Reached + o.Reached,
		t.Lost + o.Lost, t.Refused + o.Refused, t.NotReached + o.NotReached, t.WrongAddress + o.WrongAddress,
		t.True + o.True, t.Untrue + o.Untrue, t.Undecided + o.Undecided, t.Standard + o.Standard, t.NotStandard + o.NotStandard,
	}
}

// Truth is A01: of those with whom it could be told. Who was lost is not in it.
// Source: indicators.md §4 [C:P5, P6].
func (t Tally) Truth() Rate { return RateOf(t.True, t.True+t.Untrue) }

// UpToStandard is A02.
func (t Tally) UpToStandard() Rate { return RateOf(t.Standard, t.Standard+t.NotStandard) }

// Contact is A03: of all who were drawn, those who were reached. Source: indicators.md §4 [C:P5, P6].
func (t Tally) Contact() Rate { return RateOf(t.Reached, t.Drawn) }

// Rate is a share with what can be said of the whole by it.
type Rate struct {
	Of, Among int
	// Low and High are the 95 % interval of Wilson; with nobody among it from 0 to 1.
	Low, High float64
}

// fewChecks is below what a rate says little: even when all are alike, its interval is wider than
// a tenth. 35 of 35 has one from 0.90 on [D].
const fewChecks = 35

// wilsonZ is the 97.5 % point of the normal distribution.
const wilsonZ = 1.959963984540054

// RateOf returns the rate of so many among so many. It requires 0 ≤ of ≤ among.
func RateOf(of, among int) Rate {
	r := Rate{Of: of, Among: among, High: 1}
	if among == 0 {
		return r
	}
	n, p, z2 := float64(among), float64(of)/float64(among), wilsonZ*wilsonZ
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := wilsonZ / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	r.Low, r.High = max(0, centre-half), min(1, centre+half)
	return r
}

// Value returns the share, and false where there is nobody among whom: then there is no rate.
func (r Rate) Value() (float64, bool) {
	if r.Among == 0 {
		return 0, false
	}
	return float64(r.Of) / float64(r.Among), true
}

// Few reports whether there are so few that ranking by the rate would be by chance.
func (r Rate) Few() bool { return r.Among < fewChecks }

// Figure is a reported indicator of a unit, as whoever counts indicators gives it.
type Figure struct {
	Code                   string
	Numerator, Denominator int64
}

// Adjusted is a figure with its numerator taken times the truth rate of its unit.
type Adjusted struct {
	Figure
	Truth Rate
	// Numerator, with the bounds that the interval of the truth rate gives; not rounded.
	Value, Low, High float64
	// OK says that there is a denominator and a truth rate: else there is nothing to show.
	OK bool
}

// Adjust returns adjusted = reported × truth rate, as shares of the denominator. It makes no
// figure greater. Source: rules.md §5.3, last line; whether a figure is adjusted is configuration.
func Adjust(f Figure, truth Rate) Adjusted {
	a := Adjusted{Figure: f, Truth: truth}
	share, ok := truth.Value()
	if !ok || f.Denominator <= 0 {
		return a
	}
	reported := float64(f.Numerator) / float64(f.Denominator)
	a.Value, a.Low, a.High, a.OK = reported*share, reported*truth.Low, reported*truth.High, true
	return a
}

// Ranked is a unit with its tally and its place among others.
type Ranked struct {
	Unit  string
	Tally Tally
	Place int // 1 is the best; units with equal rates share it; 0: no rate
}
