// SPDX-License-Identifier: Apache-2.0

package trial

// Style is how a doctor works.
type Style string

// How doctors work.
const (
	Honest      Style = "honest"
	Copied      Style = "copied visits"         // most pressures, pulses and weights are those of last time
	Cloned      Style = "one sheet for many"    // measurements of one patient written for the others of the day
	Panels      Style = "cloned laboratory"     // one panel for five persons
	Digits      Style = "digit preference"      // pressures and glucoses made up, with favourite last digits
	Narrow      Style = "minimal variance"      // pressures all near 132
	Heaped      Style = "threshold heaping"     // what is above the target is written below it
	Controlled  Style = "everybody controlled"  // whatever was measured
	Crowded     Style = "forty homes a day"     // more than anybody can
	Travelling  Style = "impossible travel"     // from one end of the township to the other in minutes
	OnePen      Style = "one pen for ten homes" // all home visits at the clinic, one after the other
	Far         Style = "homes from afar"       // positions kilometres from the homes
	Midnight    Style = "midnight batches"      // visits "begun" before midnight
	Typed       Style = "typed in one evening"  // the quarter's records in one hour
	Overdue     Style = "typed months later"
	Rushed      Style = "last days of the year"
	Festive     Style = "festival services"
	Early       Style = "four visits by May"
	Gridded     Style = "one day of the month" // and always on the day planned
	Dead        Style = "visits to the dead"
	Hospital    Style = "visits in hospital"
	Twice       Style = "double archives"
	Phones      Style = "invented telephones"
	Photos      Style = "reused photographs"
	Clock       Style = "clock set back and forth"
	Borrowed    Style = "borrowed name" // nobody of the staff list
	TwoVillages Style = "two villages at once"
	AllNormal   Style = "everything normal" // electrocardiograms and ultrasounds
	Telephoned  Style = "telephone as touch"
	Untrue      Style = "untrue archives" // tags and diagnoses that do not fit
)

// Catches are the rules that are for a style: one of them is to find its doctors.
var catches = map[Style][]string{
	Copied: {"A02.vector", "A02.repeat", "A02.pressure", "A02.weight"}, Cloned: {"A03.vector"}, Panels: {"A03.labs"},
	Digits: {"A04.systolic", "A04.diastolic", "A04.glucose"}, Narrow: {"A05.spread", "A05.band"}, Controlled: {"A05.controlled"}, Heaped: {"A06.heap"},
	Crowded: {"A07.home_visits", "A07.overlap"}, Travelling: {"A08.speed"}, OnePen: {"A08.same_point", "A07.rapid", "A07.overlap"}, Far: {"A08.away"},
	Midnight: {"A09.night"}, Typed: {"A09.batch", "A09.late"}, Overdue: {"A09.overdue"}, Rushed: {"A09.rush"}, Festive: {"A09.festival"},
	Early: {"A10.early"}, Gridded: {"A10.grid", "A10.planned"}, Dead: {"A01.death"}, Hospital: {"A01.hospital"},
	Twice: {"A11.similar", "A11.number"}, Phones: {"A12.shared", "A12.series"}, Photos: {"A17.reuse", "A17.time"},
	Clock: {"A18.ahead", "A18.back"}, Borrowed: {"A19.staff"}, TwoVillages: {"A19.villages"}, AllNormal: {"A20.ecg", "A20.ultrasound"},
	Telephoned: {"A16.touch", "A16.phone", "A16.absent"}, Untrue: {"A13.height", "A13.weight", "A14.pressure", "A15.hypertension", "A15.aged_untagged"},
}

// Catches returns the rules that are for a style; nil for Honest.
func Catches(s Style) []string { return catches[s] }

// Fabricating returns every style but Honest, in a fixed order.
func Fabricating() []Style {
	return []Style{
		Dead, Hospital, Copied, Cloned, Panels, Digits, Narrow, Controlled, Heaped, Crowded, Travelling, OnePen, Far, Midnight, Typed, Overdue, Rushed,
		Festive, Early, Gridded, Twice, Phones, Untrue, Telephoned, Photos, Clock, Borrowed, TwoVillages, AllNormal,
	}
}
