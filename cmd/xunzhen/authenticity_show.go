// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// doubtCommand shows one finding.
type doubtCommand struct {
	officeFlags
	ID   string `arg:"" help:"help_authenticity_finding" placeholder:"ID"`
	Json bool   `help:"help_json"`
}

// doubtJSON is a finding for programs.
type doubtJSON struct {
	ID        string             `json:"id"`
	Rule      string             `json:"rule"`
	Severity  string             `json:"severity"`
	Doctor    string             `json:"doctor,omitempty"`
	Unit      string             `json:"organisation,omitempty"`
	Quarter   string             `json:"quarter,omitempty"`
	Day       string             `json:"day,omitempty"`
	MessageZH string             `json:"message_zh"`
	MessageEN string             `json:"message_en"`
	Numbers   map[string]float64 `json:"numbers"`
	Test      *testJSON          `json:"test,omitempty"`
	Divisions []string           `json:"divisions"`
	Class     uint32             `json:"class"`
	Evidence  string             `json:"evidence_sha256"`
	Records   []doubtItemJSON    `json:"records,omitempty"`
	More      uint32             `json:"more_records"`
	Hidden    uint32             `json:"hidden_records"`
	Ruling    *doubtRulingJSON   `json:"ruling,omitempty"`
}

// testJSON is a test for programs.
type testJSON struct {
	N         uint32  `json:"n"`
	Statistic float64 `json:"statistic"`
	DF        float64 `json:"degrees_of_freedom"` // 0: a share in percent, by a binomial test
	P         float64 `json:"p"`
	Q         float64 `json:"q"`
	Large     bool    `json:"large"`
}

// doubtItemJSON is a record that a finding rests on.
type doubtItemJSON struct {
	Record   string `json:"record"`
	Kind     string `json:"kind"`
	Person   string `json:"person"`
	Division string `json:"division"`
	Day      string `json:"day"`
}

// doubtRulingJSON is a ruling for programs.
type doubtRulingJSON struct {
	Decision        string `json:"decision"`
	Reason          string `json:"reason"`
	Author          string `json:"author"`
	On              string `json:"ruled_on"`
	EvidenceChanged bool   `json:"evidence_changed"`
}

func doubtOf(f *officev1.AuthenticityFinding) doubtJSON {
	out := doubtJSON{
		ID: idText(f.GetId()), Rule: f.GetRuleId(), Severity: severityName(f.GetSeverity()), Doctor: f.GetDoctorId(), Unit: f.GetOrganisationCode(), Quarter: f.GetQuarter(),
		Day: dateText(f.GetDay()), MessageZH: f.GetMessageZh(), MessageEN: f.GetMessageEn(), Numbers: map[string]float64{}, Test: testOf(f.GetTest()), Divisions: f.GetDivisions(),
		Class: f.GetPrivacyClass(), Evidence: hex.EncodeToString(f.GetEvidenceSha256()), More: f.GetMore(), Hidden: f.GetHidden(),
	}
	for _, n := range f.GetNumbers() {
		out.Numbers[n.GetName()] = n.GetValue()
	}
	for _, i := range f.GetItems() {
		out.Records = append(out.Records, doubtItemJSON{idText(i.GetRecordId()), kindOfID(i.GetRecordId()), idText(i.GetSubjectId()), i.GetDivision(), dateText(i.GetDay())})
	}
	if r := f.GetRuling(); r != nil {
		out.Ruling = &doubtRulingJSON{decisionName(r.GetDecision()), r.GetReason(), r.GetAuthorId(), dateText(r.GetRuledOn()), r.GetEvidenceChanged()}
	}
	return out
}

func kindOfID(id []byte) string {
	if len(id) != len(record.ID{}) {
		return ""
	}
	return kindName(record.ID(id).Kind())
}

func testOf(t *officev1.AuthenticityTest) *testJSON {
	if t == nil {
		return nil
	}
	return &testJSON{t.GetN(), t.GetStatistic(), t.GetDegreesOfFreedom(), t.GetP(), t.GetQ(), t.GetLarge()}
}

// Run prints it.
func (f doubtCommand) Run(c *call) error {
	id, err := record.ParseID(f.ID)
	if err != nil {
		return problemf("problem_doubt_id", f.ID)
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		found, err := o.Doubt(c.ctx, id[:])
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(doubtOf(found))
		}
		return c.tellDoubt(found)
	})
}

// probability writes a p or q: small ones as a power of ten.
func probability(p float64) string { return strconv.FormatFloat(p, 'g', 2, 64) }

func shortNumber(v float64) string { return strconv.FormatFloat(v, 'g', 5, 64) }

func (c *call) tellDoubt(f *officev1.AuthenticityFinding) error {
	rule, _ := authenticity.Lookup(f.GetRuleId())
	c.line("doubt_what", f.GetRuleId(), c.either(rule.ZH, rule.EN), c.either(f.GetMessageZh(), f.GetMessageEn()))
	c.line("doubt_about", f.GetDoctorId(), f.GetOrganisationCode(), f.GetQuarter())
	if innocent := c.either(rule.InnocentZH, rule.InnocentEN); innocent != "" {
		c.line("doubt_innocent", innocent)
	}
	if t := f.GetTest(); t.GetDegreesOfFreedom() > 0 {
		c.line("doubt_chi", shortNumber(t.GetStatistic()), shortNumber(t.GetDegreesOfFreedom()), t.GetN(), probability(t.GetP()), probability(t.GetQ()))
	} else if t != nil {
		c.line("doubt_share", shortNumber(t.GetStatistic()), t.GetN(), probability(t.GetP()), probability(t.GetQ()))
	}
	for _, n := range f.GetNumbers() {
		value := shortNumber(n.GetValue())
		if (authenticity.Number{Name: n.GetName()}).IsDay() {
			value = dateText(int32(n.GetValue()))
		}
		c.line("doubt_number", n.GetName(), value)
	}
	if r := f.GetRuling(); r != nil {
		c.line("doubt_ruled", dateText(r.GetRuledOn()), r.GetAuthorId(), c.ruling(r), r.GetReason())
		if r.GetEvidenceChanged() {
			c.line("doubt_evidence")
		}
	} else {
		c.line("doubt_open", idText(f.GetId()))
	}
	t := terminal.Table{
		Columns: c.tableColumns(), Head: []string{c.say("head_doubt_day"), c.say("head_doubt_record"), c.say("head_doubt_kind"), c.say("head_doubt_division")},
	}
	for _, i := range f.GetItems() {
		t.Add(dateText(i.GetDay()), idText(i.GetRecordId()), c.kind(kindOfID(i.GetRecordId())), i.GetDivision())
	}
	err := t.Write(c.Stdout)
	if f.GetMore() > 0 {
		c.line("doubt_more", f.GetMore())
	}
	if f.GetHidden() > 0 {
		c.line("doubt_hidden", f.GetHidden())
	}
	return err
}

// doctorCommand shows a doctor's year.
type doctorCommand struct {
	officeFlags
	Doctor string `arg:"" help:"help_authenticity_doctor_arg" placeholder:"ID"`
	Year   int32  `help:"help_authenticity_year" placeholder:"YEAR"`
	Day    string `help:"help_authenticity_day" placeholder:"DATE"`
	Json   bool   `help:"help_json"`
}

// doctorJSON is a doctor's year for programs.
type doctorJSON struct {
	Doctor          string            `json:"doctor"`
	Year            int32             `json:"year"`
	Visits          uint32            `json:"visits"`
	SystolicDigits  []uint32          `json:"systolic_digits"`
	DiastolicDigits []uint32          `json:"diastolic_digits"`
	SystolicSteps   []uint32          `json:"systolic_steps_of_5_from_80"`
	StartHours      []uint32          `json:"start_hours"`
	Tests           []doctorTestJSON  `json:"tests"`
	Days            []doctorDayJSON   `json:"days"`
	DayVisits       []doctorVisitJSON `json:"day_visits,omitempty"`
}

type doctorTestJSON struct {
	Quarter string    `json:"quarter"`
	Rule    string    `json:"rule"`
	Test    *testJSON `json:"test"`
}

type doctorDayJSON struct {
	Day    string `json:"day"`
	Visits uint32 `json:"visits"`
}

type doctorVisitJSON struct {
	Record    string `json:"record"`
	Division  string `json:"division"`
	BeganMs   int64  `json:"began_ms"`
	EndedMs   int64  `json:"ended_ms"`
	EnteredMs int64  `json:"entered_ms"`
	DistanceM uint32 `json:"distance_m"`
	AtHome    bool   `json:"at_home"`
	ByPhone   bool   `json:"by_phone"`
}

// Run prints it.
func (f doctorCommand) Run(c *call) error {
	day := care.Date(0)
	if f.Day != "" {
		var err error
		if day, err = care.ParseDate(f.Day); err != nil {
			return problemf("problem_doubt_day", f.Day)
		}
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		m, err := o.DoctorYear(c.ctx, f.Doctor, f.Year, int32(day))
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(f.json(m))
		}
		return f.tell(c, m, day)
	})
}

func (f doctorCommand) json(m *officev1.GetAuthenticityDoctorResponse) doctorJSON {
	out := doctorJSON{
		Doctor: f.Doctor, Year: m.GetYear(), Visits: m.GetVisits(), SystolicDigits: m.GetSystolicDigits(), DiastolicDigits: m.GetDiastolicDigits(),
		SystolicSteps: m.GetSystolicSteps(), StartHours: m.GetStartHours(), Tests: []doctorTestJSON{}, Days: []doctorDayJSON{},
	}
	for _, t := range m.GetTests() {
		out.Tests = append(out.Tests, doctorTestJSON{t.GetQuarter(), t.GetRuleId(), testOf(t.GetTest())})
	}
	for _, d := range m.GetDays() {
		out.Days = append(out.Days, doctorDayJSON{dateText(d.GetDay()), d.GetVisits()})
	}
	for _, v := range m.GetDayVisits() {
		out.DayVisits = append(out.DayVisits, doctorVisitJSON{
			idText(v.GetRecordId()), v.GetDivision(), v.GetBeganMs(), v.GetEndedMs(), v.GetEnteredMs(), v.GetDistanceM(), v.GetAtHome(), v.GetByPhone(),
		})
	}
	return out
}

func (f doctorCommand) tell(c *call, m *officev1.GetAuthenticityDoctorResponse, day care.Date) error {
	c.line("doctor_year", f.Doctor, m.GetYear(), m.GetVisits())
	c.line("doctor_digits")
	for i, row := range histogram(m.GetSystolicDigits()) {
		fmt.Fprintf(c.Stdout, "%4d %s  %s\n", i, terminal.Pad(row, barWidth+8), histogram(m.GetDiastolicDigits())[i])
	}
	c.line("doctor_steps")
	for i, row := range histogram(m.GetSystolicSteps()) {
		if m.GetSystolicSteps()[i] > 0 {
			fmt.Fprintf(c.Stdout, "%4d %s\n", authenticity.FirstStep+i*authenticity.StepWidth, row)
		}
	}
	c.line("doctor_hours")
	for i, row := range histogram(m.GetStartHours()) {
		if m.GetStartHours()[i] > 0 {
			fmt.Fprintf(c.Stdout, "%4d %s\n", i, row)
		}
	}
	if err := f.tellTests(c, m); err != nil {
		return err
	}
	c.line("doctor_days")
	for _, d := range m.GetDays() {
		fmt.Fprintf(c.Stdout, "  %s %d\n", dateText(d.GetDay()), d.GetVisits())
	}
	if day == 0 {
		return nil
	}
	c.line("doctor_line", day.String())
	return f.tellDay(c, m)
}

// barWidth is how long the longest bar of a histogram is.
const barWidth = 24

// histogram returns a bar with its number for each count; the greatest is barWidth long.
func histogram(counts []uint32) []string {
	most := uint32(1)
	if len(counts) > 0 {
		most = max(slices.Max(counts), 1)
	}
	out := make([]string, len(counts))
	for i, n := range counts {
		out[i] = strings.Repeat("█", int((n*barWidth+most-1)/most)) + " " + strconv.Itoa(int(n))
	}
	return out
}

func (f doctorCommand) tellTests(c *call, m *officev1.GetAuthenticityDoctorResponse) error {
	if len(m.GetTests()) == 0 {
		return nil
	}
	c.line("doctor_tests")
	t := terminal.Table{
		Columns: c.tableColumns(), Right: []bool{false, false, true, true, true, true},
		Head: []string{c.say("head_doubt_quarter"), c.say("head_doubt_rule"), c.say("head_doubt_n"), c.say("head_doubt_statistic"), c.say("head_doubt_p"), c.say("head_doubt_q")},
	}
	for _, one := range m.GetTests() {
		mark := ""
		if one.GetTest().GetLarge() {
			mark = " *"
		}
		t.Add(one.GetQuarter(), one.GetRuleId(), one.GetTest().GetN(), shortNumber(one.GetTest().GetStatistic()), probability(one.GetTest().GetP()), probability(one.GetTest().GetQ())+mark)
	}
	return t.Write(c.Stdout)
}

func (f doctorCommand) tellDay(c *call, m *officev1.GetAuthenticityDoctorResponse) error {
	clock := func(ms int64) string {
		if ms == 0 {
			return ""
		}
		return time.UnixMilli(ms).UTC().Add(8 * time.Hour).Format("15:04:05")
	}
	t := terminal.Table{
		Columns: c.tableColumns(), Right: []bool{false, false, false, true},
		Head: []string{c.say("head_doubt_from"), c.say("head_doubt_to"), c.say("head_doubt_entered"), c.say("head_doubt_way"), c.say("head_doubt_division"), c.say("head_doubt_kind"), c.say("head_doubt_record")},
	}
	for _, v := range m.GetDayVisits() {
		way := ""
		switch {
		case v.GetAtHome():
			way = c.say("doctor_way_home")
		case v.GetByPhone():
			way = c.say("doctor_way_phone")
		}
		far := ""
		if v.GetDistanceM() > 0 {
			far = strconv.Itoa(int(v.GetDistanceM()))
		}
		t.Add(clock(v.GetBeganMs()), clock(v.GetEndedMs()), clock(v.GetEnteredMs()), far, v.GetDivision(), strings.TrimSpace(c.kind(kindOfID(v.GetRecordId()))+" "+way), idText(v.GetRecordId()))
	}
	return t.Write(c.Stdout)
}
