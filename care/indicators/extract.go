// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"bytes"
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Input is what facts are taken from.
type Input struct {
	// Person has the records: those of a person with all linked residents, or one that is about nobody.
	Person *rules.Person
	// Received says on which day the centre first had a record; nil takes the entry's ReceivedAt. A
	// record without such a day is left out by no cutoff.
	Received func(record.ID) care.Date
	// Division says where a record is shown. nil, and "", leave it to the address of a resident. What a
	// statistic, a task or an organisation says of its division goes before.
	Division func(record.ID) record.Division
	// Updated says when and by whom a record was saved last, 0 unless it was saved more than once; nil
	// leaves updates uncounted.
	Updated func(record.ID) (care.Date, string)
	// Findings are what the rules and the checks of authenticity say of these records, as they stand.
	// Judged says that they were asked: without it no record is counted as without fault, nor as with one.
	Findings []*carev1.Finding
	Judged   bool
}

// maxTable is the most places, or names, that one person's facts name; what comes after is not said.
const maxTable = 255

// Extract returns the facts of a person. It does not depend on the order of the records. Voided records
// count for nothing.
func Extract(in Input) Facts {
	x := &extraction{in: in, marks: marksOf(in.Findings)}
	x.facts.birth, x.facts.judged = noDay, in.Judged
	entries := in.Person.Entries()
	x.gatherTables(entries)
	x.numberContracts(entries)
	for _, e := range entries {
		x.take(e)
	}
	x.facts.sort()
	return x.facts
}

// An extraction is the work of one Extract.
type extraction struct {
	in        Input
	facts     Facts
	marks     map[record.ID]uint32
	contracts map[record.ID]contractNumber
}

// A contractNumber is which contract of the person one is, with the keys of its services in order.
type contractNumber struct {
	number uint8
	keys   []string
}

// marksOf returns the flags that findings put on records.
func marksOf(findings []*carev1.Finding) map[record.ID]uint32 {
	out := map[record.ID]uint32{}
	for _, f := range findings {
		if f.GetFault() || len(f.GetRecordId()) != len(record.ID{}) {
			continue
		}
		switch id := record.ID(f.GetRecordId()); {
		case f.GetSeverity() == carev1.Severity_SEVERITY_ERROR:
			out[id] |= flagError
		case f.GetSeverity() == carev1.Severity_SEVERITY_SUSPICION:
			out[id] |= flagSuspicion
		}
	}
	return out
}

// take adds what one record says.
func (x *extraction) take(e rules.Entry) {
	switch form := e.Form.(type) {
	case *carev1.Resident:
		x.takeResident(e, form)
	case *carev1.VitalEvent:
		x.takeVitalEvent(e, form)
	default:
		x.takeService(e)
	}
}

// add adds an event on a day of a form, unless that is none. The flags of findings come with it.
func (x *extraction) add(e rules.Entry, on int32, flags uint32, v ...int32) {
	x.addBy(e, what(e.Kind), on, doctorOf(e.Form), flags, v...)
}

func (x *extraction) addBy(e rules.Entry, w what, on int32, doctor string, flags uint32, v ...int32) {
	d := dayOf(care.Date(on))
	if d == noDay {
		return
	}
	one := event{
		id: e.ID, what: w, on: d, received: x.received(e), place: x.placeOf(e), doctor: x.nameOf(doctor),
		standing: standingOf(e.Form), flags: flags | x.marks[e.ID],
	}
	copy(one.v[:], v)
	x.facts.events = append(x.facts.events, one)
}

func (x *extraction) received(e rules.Entry) day {
	if x.in.Received != nil {
		return dayOf(x.in.Received(e.ID))
	}
	if e.ReceivedAt.IsZero() {
		return noDay
	}
	return dayOf(care.DateOf(e.ReceivedAt))
}

// divisionOf returns where a record belongs, "" if nobody says: what a form about a division says, else where the
// record is shown, else where the person lives.
func (x *extraction) divisionOf(e rules.Entry) record.Division {
	if d := divisionSaid(e.Form); d != "" {
		return d
	}
	if x.in.Division != nil {
		if d := x.in.Division(e.ID); d != "" {
			return care.FullCode(d)
		}
	}
	if form, ok := e.Form.(*carev1.Resident); ok {
		return fullCode(form.GetAddress().GetDivisionCode())
	}
	return ""
}

// divisionSaid returns the division that a statistic, a task or an organisation is about, "" for others.
func divisionSaid(form proto.Message) record.Division {
	switch f := form.(type) {
	case *carev1.Statistic:
		return fullCode(f.GetDivisionCode())
	case *carev1.Task:
		return fullCode(f.GetDivisionCode())
	case *carev1.Organisation:
		return fullCode(f.GetAddress().GetDivisionCode())
	}
	return ""
}

// fullCode returns a code that somebody wrote as the 12 digits of a scope, "" if it is none.
func fullCode(text string) record.Division {
	d, err := care.ParseDivision(text)
	if err != nil {
		return ""
	}
	return care.FullCode(d)
}

// gatherTables lists the places and names of the records, each once and in order.
func (x *extraction) gatherTables(entries []rules.Entry) {
	places, names := map[record.Division]bool{}, map[string]bool{}
	for _, e := range entries {
		places[x.divisionOf(e)] = true
		names[doctorOf(e.Form)] = true
		switch form := e.Form.(type) {
		case *carev1.Resident:
			names[form.GetRegisteredById()] = true
			for _, r := range form.GetReviews() {
				names[r.GetReviewerId()] = true
			}
			if x.in.Updated != nil {
				_, by := x.in.Updated(e.ID)
				names[by] = true
			}
		case *carev1.VitalEvent:
			places[fullCode(form.GetMove().GetDivisionCode())] = true
		case *carev1.Task:
			names[form.GetIndicatorCode()] = true
		}
	}
	x.facts.places, x.facts.names = ordered(places), ordered(names)
}

func ordered[T cmp.Ordered](set map[T]bool) []T {
	var out []T
	var none T
	for one := range set {
		if one != none {
			out = append(out, one)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), maxTable)]
}

func (x *extraction) placeOf(e rules.Entry) uint8 { return indexIn(x.facts.places, x.divisionOf(e)) }

func (x *extraction) nameOf(name string) uint8 { return indexIn(x.facts.names, name) }

// indexIn returns the place of one in a sorted table, from 1; 0 if it is not there.
func indexIn[T cmp.Ordered](table []T, one T) uint8 {
	if at, ok := slices.BinarySearch(table, one); ok {
		return uint8(at + 1)
	}
	return 0
}

// doctorOf returns who did what a form says, "" if nobody.
func doctorOf(form proto.Message) string {
	switch f := form.(type) {
	case *carev1.Verification:
		return f.GetCheckedDoctorId()
	case *carev1.SatisfactionSurvey, *carev1.LiteracySurvey, *carev1.Feedback, *carev1.Statistic, *carev1.Organisation:
		return ""
	case *carev1.Task:
		return f.GetOwnerId()
	}
	m := form.ProtoReflect()
	field := m.Descriptor().Fields().ByName("doctor_id")
	if field == nil || field.Kind() != protoreflect.StringKind {
		return ""
	}
	return m.Get(field).String()
}

// standingOf returns how far a form has come, 0 where nobody says. A form is a draft only if it says so.
func standingOf(form proto.Message) standing {
	s, ok := care.StandingOf(form)
	if !ok || s.Stage == care.StageDraft && !saysDraft(form) {
		return 0
	}
	return standing(int(s.Stage)*4 + int(s.Level))
}

func saysDraft(form proto.Message) bool {
	m := form.ProtoReflect()
	return carev1.FormStatus(m.Get(m.Descriptor().Fields().ByName("status")).Enum()) == carev1.FormStatus_FORM_STATUS_DRAFT
}

// draft reports whether a form says that it is one.
func (s standing) draft() bool { return care.Stage(s/4) == care.StageDraft }

// counts reports whether a form is more than a draft and not sent back.
func (s standing) counts() bool {
	stage := care.Stage(s / 4)
	return stage != care.StageDraft && stage != care.StageReturned
}

// acceptedBy reports whether a level or one above it checked the form.
func (s standing) acceptedBy(level int64) bool {
	return care.Stage(s/4) == care.StageChecked && int64(s%4) >= level
}

// returned reports whether the form was sent back and not answered.
func (s standing) returned() bool { return care.Stage(s/4) == care.StageReturned }

// numberContracts gives the person's contracts their numbers: in the order of events, by day and id. What has no
// day is no event, and has none.
func (x *extraction) numberContracts(entries []rules.Entry) {
	type one struct {
		id   record.ID
		on   day
		form *carev1.Contract
	}
	var all []one
	for _, e := range entries {
		if form, ok := e.Form.(*carev1.Contract); ok && dayOf(care.Date(form.GetSignedOn())) != noDay {
			all = append(all, one{e.ID, dayOf(care.Date(form.GetSignedOn())), form})
		}
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Or(cmp.Compare(a.on, b.on), bytes.Compare(a.id[:], b.id[:])) })
	x.contracts = map[record.ID]contractNumber{}
	for i, c := range all[:min(len(all), maxTable)] {
		number := uint8(i + 1)
		keys := itemKeys(c.form)
		x.contracts[c.id] = contractNumber{number, keys}
		for k, key := range keys {
			if times := itemOf(c.form, key).GetTimesPerYear(); times > 0 {
				x.facts.items = append(x.facts.items, contractItem{number, uint8(k + 1), uint16(min(times, 0xffff))})
			}
		}
	}
}

// itemKeys returns the keys of all services that a contract promises, in order.
func itemKeys(c *carev1.Contract) []string {
	var keys []string
	for key := range c.GetServiceItems() {
		keys = append(keys, key)
	}
	for key := range c.GetPersonalItems() {
		if _, both := c.GetServiceItems()[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys[:min(len(keys), maxTable)]
}

func itemOf(c *carev1.Contract, key string) *carev1.ContractItem {
	if item, ok := c.GetServiceItems()[key]; ok {
		return item
	}
	return c.GetPersonalItems()[key]
}
