// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A county is what testdata/county.txt says: persons with their records, questions, and the answers.
type county struct {
	file      string
	villages  map[string]record.Division
	persons   []*goldenPerson
	questions []*goldenQuestion
}

type goldenPerson struct {
	name     string
	village  string
	entries  []rules.Entry
	findings []*carev1.Finding
	received map[record.ID]care.Date
	division map[record.ID]record.Division
}

// facts takes the person's facts, with the records in the order that they are handed.
func (p *goldenPerson) facts(entries []rules.Entry) Facts {
	return Extract(Input{
		Person:   rules.NewPerson(p.entries[0].ID, entries),
		Received: func(id record.ID) care.Date { return p.received[id] },
		Division: func(id record.ID) record.Division { return p.division[id] },
		Findings: p.findings, Judged: true,
	})
}

type goldenQuestion struct {
	text    string
	ask     Question
	answers []*goldenAnswer
}

type goldenAnswer struct {
	line       int
	code       Code
	rate       bool
	n, d       int64 // of a counter: persons and amount
	yes        []string
	no         map[string]string
	everybody  bool
	everyoneBu map[string]bool
	in         map[string][2]int64
}

// readCounty parses the county's file.
func readCounty(t testing.TB) *county {
	t.Helper()
	return readRows(t, "testdata/county.txt")
}

// readRows parses a file.
func readRows(t testing.TB, file string) *county {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &county{file: file, villages: map[string]record.Division{}}
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := c.take(i+1, line[0] == ' ', words); err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
	}
	return c
}

func (c *county) take(line int, indented bool, words []string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v: %v", words, r)
		}
	}()
	switch {
	case words[0] == "village":
		c.villages[words[1]] = record.Division(words[2])
	case words[0] == "person":
		p := &goldenPerson{name: words[1], village: words[2], received: map[record.ID]care.Date{}, division: map[record.ID]record.Division{}}
		c.persons = append(c.persons, p)
		c.resident(p, words[2:])
	case words[0] == "public":
		p := &goldenPerson{name: words[1], village: words[2], received: map[record.ID]care.Date{}, division: map[record.ID]record.Division{}}
		c.persons = append(c.persons, p)
	case words[0] == "question":
		c.ask(words)
	case words[0] == "expect":
		c.expect(line, words)
	case indented && len(c.questions) > 0:
		c.answer(words)
	case indented:
		c.record(c.persons[len(c.persons)-1], words)
	default:
		return fmt.Errorf("what is %q?", words[0])
	}
	return nil
}

// attributes returns key=value words, and the others with "true".
func attributes(words []string) map[string]string {
	out := map[string]string{}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			value = "true"
		}
		out[key] = value
	}
	return out
}

func mustDate(text string) int32 {
	if text == "" {
		return 0
	}
	if len(text) == 5 {
		text = "2026-" + text
	}
	d, err := care.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return int32(d)
}

func mustInt(text string) int32 {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return int32(n)
}

// nextID gives ids in the order of the file.
func nextID(c *county, p *goldenPerson, kind record.Kind) (id record.ID) {
	binary.BigEndian.PutUint32(id[:], uint32(len(c.persons)))
	binary.BigEndian.PutUint16(id[4:], uint16(len(p.entries)))
	binary.BigEndian.PutUint16(id[14:], uint16(kind))
	return id
}

// add adds a record of a day, received on that day unless it says otherwise.
func (c *county) add(p *goldenPerson, kind string, form proto.Message, day int32, a map[string]string, village string) record.ID {
	number, ok := care.KindNamed(kind)
	if !ok {
		panic("no kind " + kind)
	}
	id := nextID(c, p, number)
	p.entries = append(p.entries, rules.Entry{ID: id, Kind: number, Form: form, CapturedAt: time.Date(2026, 1, 1, 0, 0, len(p.entries), 0, time.UTC)})
	p.received[id], p.division[id] = care.Date(day), c.villages[village]
	if r := mustDate(a["received"]); r != 0 {
		p.received[id] = care.Date(r)
	}
	for word, severity := range map[string]carev1.Severity{"error": carev1.Severity_SEVERITY_ERROR, "suspicion": carev1.Severity_SEVERITY_SUSPICION} {
		if a[word] != "" {
			p.findings = append(p.findings, &carev1.Finding{RuleId: "Q01", Severity: severity, RecordId: id[:]})
		}
	}
	return id
}

func formStatus(a map[string]string) carev1.FormStatus {
	switch {
	case a["draft"] != "":
		return carev1.FormStatus_FORM_STATUS_DRAFT
	case a["returned"] != "":
		return carev1.FormStatus_FORM_STATUS_RETURNED
	}
	return carev1.FormStatus_FORM_STATUS_SUBMITTED
}

func (c *county) resident(p *goldenPerson, words []string) {
	a := attributes(words[1:])
	village := c.villages[words[0]]
	r := &carev1.Resident{
		RegisteredOn: mustDate("2015-01-01"), Status: formStatus(a), OrganisationCode: "431124", DoctorId: "d" + words[0], Name: "测试", Sex: carev1.Sex_SEX_MALE,
		IdentityDocument: &carev1.IdentityDocument{Number: "1"}, BirthDate: mustDate(a["born"]), Phone: "1", Residency: 1,
		Address: &carev1.Address{DivisionCode: string(village)}, Ethnicity: 1, BloodAbo: 1, BloodRh: 1, Education: 1, Occupation: 1, MaritalStatus: 1,
		PaymentModes: []carev1.PaymentMode{1}, DrugAllergies: []carev1.DrugAllergy{1}, Exposures: []carev1.Exposure{1},
		PastDiseases: map[string]*carev1.PastDisease{"n": {Code: 1}}, Surgery: 1, Trauma: 1, Transfusion: 1,
		FatherDiseases: []carev1.FamilyDisease{1}, MotherDiseases: []carev1.FamilyDisease{1}, SiblingDiseases: []carev1.FamilyDisease{1}, ChildDiseases: []carev1.FamilyDisease{1},
		GeneticDisease: &carev1.GeneticDisease{State: 1}, Disabilities: []carev1.Disability{1}, Tags: map[string]*carev1.PopulationTag{}, RegisteredById: "d" + words[0],
	}
	if a["sex"] == "f" {
		r.Sex = carev1.Sex_SEX_FEMALE
	}
	if a["since"] != "" {
		r.RegisteredOn = mustDate(a["since"])
	}
	if a["nodoctor"] != "" {
		r.DoctorId = ""
	}
	if n := a["basic"]; n != "" { // so many items of the basic form are empty
		r.BloodAbo, r.BloodRh = 0, 0
		if n == "3" {
			r.Education = 0
		}
	}
	c.add(p, "resident", r, r.GetRegisteredOn(), a, words[0])
}

func (p *goldenPerson) form() *carev1.Resident { return p.entries[0].Form.(*carev1.Resident) }

var codesByName = map[string]carev1.PopulationCode{
	"hypertension": 2, "diabetes": 3, "copd": 13, "aged": 1, "child": 4, "severe_mental": 6, "tuberculosis": 7,
	"disabled": 8, "low_income": 9, "subsistence": 10, "destitute": 11, "birth_planning_special": 12, "special_care": 14,
	"dependent": 18, "partly_dependent": 19,
}

var diseasesByName = map[string]carev1.PastDiseaseCode{"hypertension": 2, "diabetes": 3, "copd": 5}

// record reads one record line: what, one or more days, attributes.
func (c *county) record(p *goldenPerson, words []string) {
	rest := words[1:]
	switch words[0] {
	case "tag":
		key := fmt.Sprint("t", len(p.form().GetTags()))
		p.form().Tags[key] = &carev1.PopulationTag{Code: codesByName[rest[0]], Since: mustDate(rest[1])}
		return
	case "known":
		p.form().PastDiseases["k"+rest[0]] = &carev1.PastDisease{Code: diseasesByName[rest[0]], DiagnosedOn: mustDate(rest[1])}
		return
	case "also":
		village := rest[0]
		twin, _ := proto.Clone(p.form()).(*carev1.Resident)
		twin.Address = &carev1.Address{DivisionCode: string(c.villages[village])}
		c.add(p, "resident", twin, twin.GetRegisteredOn(), nil, village)
		return
	}
	n := 0
	for n < len(rest) && len(rest[n]) >= 5 && rest[n][0] >= '0' && rest[n][0] <= '9' && strings.Count(rest[n], "-") >= 1 && !strings.Contains(rest[n], "/") {
		n++
	}
	for _, day := range rest[:n] {
		c.dated(p, words[0], mustDate(day), rest[n:], attributes(rest[n:]), p.village)
	}
}

func (c *county) dated(p *goldenPerson, what string, day int32, words []string, a map[string]string, village string) {
	turn := func(of carev1.VitalEventType) {
		c.add(p, "vital_event", &carev1.VitalEvent{ServiceDate: day, Type: of, EventDate: day, Move: &carev1.VitalEventMove{DivisionCode: string(c.villages[a["from"]])}}, day, a, village)
	}
	switch what {
	case "died":
		turn(carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH)
	case "left":
		turn(carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT)
	case "lost":
		turn(carev1.VitalEventType_VITAL_EVENT_TYPE_LOST)
	case "back":
		turn(carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_IN)
	case "hypertension":
		c.add(p, "hypertension_follow_up", hypertensionForm(day, words, a), day, a, village)
	case "diabetes":
		c.add(p, "diabetes_follow_up", diabetesForm(day, words, a), day, a, village)
	case "copd":
		c.add(p, "copd_follow_up", &carev1.CopdFollowUp{ServiceDate: day, Way: wayNamed(words[0])}, day, a, village)
	case "checkup":
		c.add(p, "checkup", checkupForm(day, words, a), day, a, village)
	case "constitution":
		c.add(p, "tcm_constitution", constitutionForm(day, a), day, a, village)
	case "contract":
		c.add(p, "contract", contractForm(day, a), day, a, village)
	case "service":
		f := &carev1.ContractService{ServiceDate: day, Payment: 2}
		if a["of"] != "" { // of the contract before it
			f.ContractId, f.Item = p.entries[1].ID[:], &carev1.ContractItemRef{ItemKey: "i"}
		}
		c.add(p, "contract_service", f, day, a, village)
	default:
		c.other(p, what, day, words, a, village)
	}
}

func (c *county) other(p *goldenPerson, what string, day int32, words []string, a map[string]string, village string) {
	switch what {
	case "mental":
		f := &carev1.MentalIllnessFollowUp{ServiceDate: day, Way: 1, Classification: carev1.MentalIllnessStability(mustInt(a["class"]))}
		if a["phone"] != "" {
			f.Way = carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE
		}
		c.add(p, "mental_illness_follow_up", f, day, a, village)
	case "tbhome":
		f := &carev1.TuberculosisHomeVisit{ServiceDate: day, Contact: 1, NoticedAtMs: dayOf(care.Date(mustDate(a["noticed"]))).instant()}
		if a["unreached"] != "" {
			f.Contact = carev1.TuberculosisContact_TUBERCULOSIS_CONTACT_NOT_REACHED
		}
		c.add(p, "tuberculosis_home_visit", f, day, a, village)
	case "tb":
		c.add(p, "tuberculosis_follow_up", tuberculosisForm(day, a), day, a, village)
	case "antenatal":
		f := &carev1.AntenatalVisit{ServiceDate: day, VisitNumber: 1}
		if weeks, days, ok := strings.Cut(a["week"], "+"); ok {
			f.GestationalAge = &carev1.GestationalAge{Weeks: proto.Int32(mustInt(weeks)), Days: proto.Int32(mustInt(days))}
		}
		f.First = &carev1.AntenatalFirstVisit{Dating: &carev1.PregnancyDating{ExpectedDeliveryOn: mustDate(a["expected"])}}
		c.add(p, "antenatal_visit", f, day, a, village)
	case "postpartum":
		f := &carev1.PostpartumVisit{ServiceDate: day, VisitType: 1, DeliveredOn: mustDate(a["born"]), DischargedOn: mustDate(a["discharged"])}
		if words[0] == "day42" {
			f.VisitType = carev1.PostpartumVisitType_POSTPARTUM_VISIT_TYPE_DAY_42
		}
		c.add(p, "postpartum_visit", f, day, a, village)
	case "newborn":
		c.add(p, "newborn_visit", &carev1.NewbornVisit{ServiceDate: day}, day, a, village)
	case "child":
		c.add(p, "child_visit", &carev1.ChildVisit{ServiceDate: day}, day, a, village)
	case "clinic":
		c.add(p, "clinic_visit", clinicForm(day, a), day, a, village)
	case "home":
		c.add(p, "home_visit", homeForm(day, a), day, a, village)
	case "referral":
		c.add(p, "referral_case", &carev1.ReferralCase{ServiceDate: day, GreenChannel: a["green"] != ""}, day, a, village)
	case "screening":
		c.add(p, "disease_screening", &carev1.DiseaseScreening{ServiceDate: day, Target: 1}, day, a, village)
	case "verification":
		f := &carev1.Verification{ServiceDate: day, CheckedDoctorId: "d" + village, Contact: carev1.VerificationContact(mustInt(a["contact"]))}
		if a["truth"] != "" {
			f.TruthVerdict = carev1.VerificationVerdict(mustInt(a["truth"]))
		}
		if a["standard"] != "" {
			f.StandardVerdict = carev1.StandardVerdict(mustInt(a["standard"]))
		}
		c.add(p, "verification", f, day, a, village)
	case "selfcare":
		c.add(p, "self_care_assessment", &carev1.SelfCareAssessment{ServiceDate: day, Scores: &carev1.SelfCareScores{Level: carev1.SelfCareLevel(mustInt(a["level"]))}}, day, a, village)
	default:
		c.public(p, what, day, a, village)
	}
}

// public reads records that are about nobody.
func (c *county) public(p *goldenPerson, what string, day int32, a map[string]string, village string) {
	number := func(key string) int32 {
		if a[key] == "" {
			return 0
		}
		return mustInt(a[key])
	}
	switch what {
	case "event":
		f := &carev1.OutreachEvent{ServiceDate: day, Activity: carev1.OutreachActivity(number("activity")), Participants: proto.Int32(number("people")), TrainingMode: carev1.TrainingMode(number("mode"))}
		f.OnHoliday = a["holiday"] != ""
		c.add(p, "outreach_event", f, day, a, village)
	case "milestone":
		f := &carev1.OutreachEvent{Milestones: map[string]*carev1.Milestone{"m": {DueOn: day, DoneOn: mustDate(a["done"])}}}
		c.add(p, "outreach_event", f, day, a, village)
	case "survey":
		f := &carev1.SatisfactionSurvey{ServiceDate: day, Overall: carev1.SurveyAnswer(number("overall")), ContractService: carev1.SurveyAnswer(number("contract")), ServicesReceived: carev1.SurveyAnswer(number("received"))}
		delete(a, "received")
		f.Awareness = map[string]*carev1.AwarenessAnswer{}
		for i := range number("asked") {
			answer := carev1.Awareness_AWARENESS_NOT_KNOWN
			if i < number("known") {
				answer = carev1.Awareness_AWARENESS_KNOWN
			}
			f.Awareness[fmt.Sprint(i)] = &carev1.AwarenessAnswer{Answer: answer}
		}
		c.add(p, "satisfaction_survey", f, day, a, village)
	case "literacy":
		f := &carev1.LiteracySurvey{ServiceDate: day, Topics: map[string]*carev1.LiteracyTopicResult{"t": {Known: proto.Int32(number("known")), NotKnown: proto.Int32(number("not"))}}}
		c.add(p, "literacy_survey", f, day, a, village)
	case "feedback":
		f := &carev1.Feedback{ReceivedOn: day, DueOn: mustDate(a["due"]), Outcome: &carev1.FeedbackOutcome{ClosedOn: mustDate(a["closed"])}}
		c.add(p, "feedback", f, day, a, village)
	case "organisation":
		f := &carev1.Organisation{Type: carev1.OrganisationType(number("type")), Period: &carev1.ServicePeriod{Since: day, Until: mustDate(a["until"])}}
		f.VillageClinicStandard = &carev1.StandardMet{Met: true, JudgedOn: mustDate(a["judged"])}
		c.add(p, "organisation", f, day, a, village)
	default:
		panic("no record is called so")
	}
}

// instant returns noon of a day in UTC+8, in milliseconds.
func (d day) instant() int64 { return (int64(d)*24 + 4) * 3600 * 1000 }

func wayNamed(word string) carev1.FollowUpWay {
	return map[string]carev1.FollowUpWay{"clinic": 1, "home": 2, "phone": 3}[word]
}

func pressureNamed(word string) *carev1.BloodPressure {
	s, d, _ := strings.Cut(word, "/")
	p := &carev1.BloodPressure{SystolicMmhg: proto.Int32(mustInt(s))}
	if d != "-" {
		p.DiastolicMmhg = proto.Int32(mustInt(d))
	}
	return p
}

func hypertensionForm(day int32, words []string, a map[string]string) *carev1.HypertensionFollowUp {
	f := &carev1.HypertensionFollowUp{
		ServiceDate: day, Status: formStatus(a), DoctorId: "d", Way: wayNamed(words[0]), BloodPressure: pressureNamed(words[1]),
		Symptoms: []carev1.HypertensionSymptom{1}, CigarettesTargetPerDay: proto.Int32(0), Adherence: carev1.Adherence_ADHERENCE_NOT_TAKEN,
		Classification: carev1.FollowUpResult(mustInt(a["class"])), DoctorSignature: &carev1.Signature{StaffId: "d"},
	}
	if n := a["missing"]; n != "" {
		f.Symptoms, f.DoctorSignature = nil, nil
		if n == "3" {
			f.Adherence = 0
		}
	}
	if a["referral"] != "" {
		f.Referral = &carev1.Referral{Reason: "转诊"}
	}
	return f
}

func diabetesForm(day int32, words []string, a map[string]string) *carev1.DiabetesFollowUp {
	f := &carev1.DiabetesFollowUp{
		ServiceDate: day, Status: formStatus(a), DoctorId: "d", Way: wayNamed(words[0]), BloodPressure: pressureNamed(words[1]),
		Symptoms: []carev1.DiabetesSymptom{1}, CigarettesTargetPerDay: proto.Int32(0), Adherence: carev1.Adherence_ADHERENCE_NOT_TAKEN,
		Classification: carev1.FollowUpResult(mustInt(a["class"])), DoctorSignature: &carev1.Signature{StaffId: "d"},
	}
	if g := a["fbg"]; g != "" {
		f.FastingGlucoseMmolPerLX10 = proto.Int32(mustInt(strings.Replace(g, ".", "", 1)))
	}
	return f
}

// partsByName are the parts that a line may take away.
var partsByName = map[string]func(*carev1.Checkup){
	"symptoms":    func(f *carev1.Checkup) { f.Symptoms = nil },
	"vital_signs": func(f *carev1.Checkup) { f.General.PulsePerMin = nil },
	"pressure": func(f *carev1.Checkup) {
		f.General.BloodPressureLeft.DiastolicMmhg, f.General.BloodPressureRight.SystolicMmhg = nil, nil
	},
	"body_size":        func(f *carev1.Checkup) { f.General.WaistCmX10 = nil },
	"aged_items":       func(f *carev1.Checkup) { f.General.Emotion = nil },
	"lifestyle":        func(f *carev1.Checkup) { f.Lifestyle.Diet = nil },
	"organs":           func(f *carev1.Checkup) { f.OrganFunction.Hearing = 0 },
	"examination":      func(f *carev1.Checkup) { f.PhysicalExamination.LymphNodes = nil },
	"blood_count":      func(f *carev1.Checkup) { f.Tests.BloodCount = nil },
	"urine":            func(f *carev1.Checkup) { f.Tests.Urinalysis.Ketone = 0 },
	"liver":            func(f *carev1.Checkup) { f.Tests.LiverFunction.TotalBilirubinUmolPerLX100 = nil },
	"kidney":           func(f *carev1.Checkup) { f.Tests.KidneyFunction.UreaMmolPerLX100 = nil },
	"glucose":          func(f *carev1.Checkup) { f.Tests.FastingGlucose = nil },
	"lipids":           func(f *carev1.Checkup) { f.Tests.Lipids.HdlMmolPerLX100 = nil },
	"ecg":              func(f *carev1.Checkup) { f.Tests.Electrocardiogram = nil },
	"ultrasound":       func(f *carev1.Checkup) { f.Tests.AbdominalUltrasound = nil },
	"problems":         func(f *carev1.Checkup) { f.HealthProblems.Eye = nil },
	"assessment":       func(f *carev1.Checkup) { f.Evaluation = nil },
	"guidance":         func(f *carev1.Checkup) { f.Guidance.Codes, f.Guidance.RiskControl = nil, nil },
	"feedback":         func(f *carev1.Checkup) { f.Guidance.Feedback = nil },
	"more_examination": func(f *carev1.Checkup) { f.PhysicalExamination.Sclera = nil },
}

func checkupForm(day int32, words []string, a map[string]string) *carev1.Checkup {
	f := fullCheckup(day)
	f.Status = formStatus(a)
	if words[0] == "chronic" {
		glucose := f.Tests.FastingGlucose
		f.Symptoms, f.Lifestyle, f.HealthProblems, f.Evaluation, f.Guidance, f.Tests = nil, nil, nil, nil, nil, &carev1.CheckupTests{}
		f.General.SelfRatedHealth = 0
		if a["+glucose"] != "" {
			f.Tests.FastingGlucose = glucose
		}
	}
	for _, w := range words[1:] {
		if part, ok := strings.CutPrefix(w, "-"); ok {
			partsByName[part](f)
		}
	}
	if a["refused"] == "ultrasound" {
		f.Tests.AbdominalUltrasound = &carev1.FindingTest{Result: carev1.FindingResult_FINDING_RESULT_REFUSED}
	}
	if level := a["accepted"]; level != "" {
		f.Reviews = map[string]*carev1.Review{level: {State: carev1.ReviewState_REVIEW_STATE_CHECKED}}
	}
	return f
}

// fullCheckup returns a form with every part filled: each number is one, each code the first.
func fullCheckup(day int32) *carev1.Checkup {
	f := &carev1.Checkup{}
	fillIn(f.ProtoReflect(), 4)
	f.ServiceDate, f.Reviews = day, nil
	for _, b := range []protoreflect.Message{f.Tests.ProtoReflect()} {
		unrefuse(b)
	}
	f.Tests.Electrocardiogram.Result, f.Tests.AbdominalUltrasound.Result = 1, 1
	return f
}

// fillIn sets every field of a message, maps left out.
func fillIn(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsMap() || depth == 0:
		case f.IsList():
			if f.Enum() != nil {
				m.Mutable(f).List().Append(protoreflect.ValueOfEnum(1))
			}
		case f.Message() != nil:
			fillIn(m.Mutable(f).Message(), depth-1)
		case f.Enum() != nil:
			m.Set(f, protoreflect.ValueOfEnum(1))
		case f.Kind() == protoreflect.Int32Kind:
			m.Set(f, protoreflect.ValueOfInt32(1))
		case f.Kind() == protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(1))
		}
	}
}

// unrefuse sets no test to be refused.
func unrefuse(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() != nil && !f.IsMap() && !f.IsList() {
			if r := f.Message().Fields().ByName("refused"); r != nil {
				v.Message().Clear(r)
			}
		}
		return true
	})
}

func constitutionForm(day int32, a map[string]string) *carev1.TcmConstitution {
	f := &carev1.TcmConstitution{ServiceDate: day, Assessment: &carev1.TcmAssessment{}}
	fillIn(f.Assessment.ProtoReflect(), 1)
	if a["open"] != "" {
		f.Assessment.Q10DryEyes = 0
	}
	if a["noadvice"] == "" {
		f.Guidance = &carev1.TcmGuidance{Balanced: &carev1.TcmAdvice{Codes: []carev1.TcmAdviceCode{2}}}
	}
	return f
}

func contractForm(day int32, a map[string]string) *carev1.Contract {
	f := &carev1.Contract{SignedOn: day, State: carev1.ContractState_CONTRACT_STATE_SIGNED, Term: &carev1.ContractTerm{Since: day, Until: mustDate(a["until"])}, PackageType: 1}
	if a["times"] != "" {
		f.ServiceItems = map[string]*carev1.ContractItem{"i": {TimesPerYear: proto.Int32(mustInt(a["times"]))}}
	}
	if a["ended"] != "" {
		f.State = carev1.ContractState_CONTRACT_STATE_TERMINATED
		f.Termination = &carev1.ContractTermination{EndedOn: mustDate(a["ended"])}
	}
	switch a["state"] {
	case "refused":
		f.State = carev1.ContractState_CONTRACT_STATE_REFUSED
	case "unsaid":
		f.State = 0
	}
	return f
}

func tuberculosisForm(day int32, a map[string]string) *carev1.TuberculosisFollowUp {
	f := &carev1.TuberculosisFollowUp{ServiceDate: day, Way: 1}
	if a["stop"] == "" {
		return f
	}
	f.Stop = &carev1.TuberculosisStop{StoppedOn: day, Reason: map[string]carev1.TuberculosisStopReason{"completed": 1, "lost": 3}[a["stop"]]}
	if taken, due, ok := strings.Cut(a["doses"], "/"); ok {
		f.Management = &carev1.TuberculosisManagement{DosesTaken: proto.Int32(mustInt(taken)), DosesDue: proto.Int32(mustInt(due))}
	}
	return f
}

func clinicForm(day int32, a map[string]string) *carev1.ClinicVisit {
	f := &carev1.ClinicVisit{ServiceDate: day, DoctorId: "d"}
	if a["icd"] != "" {
		d := &carev1.ClinicDiagnosis{Icd10Code: a["icd"], Certainty: 1}
		if a["suspected"] != "" {
			d.Certainty = carev1.DiagnosisCertainty_DIAGNOSIS_CERTAINTY_SUSPECTED
		}
		f.Diagnoses = map[string]*carev1.ClinicDiagnosis{"d": d}
	}
	if a["waived"] != "" {
		f.Fee = &carev1.Fee{WaivedFen: proto.Int64(int64(mustInt(a["waived"])))}
	}
	return f
}

func homeForm(day int32, a map[string]string) *carev1.HomeVisit {
	f := &carev1.HomeVisit{ServiceDate: day, DoctorId: "d", ServiceMode: carev1.ServiceMode(mustInt(a["mode"])), MetResident: 1}
	if a["notmet"] != "" {
		f.MetResident = carev1.MetResident_MET_RESIDENT_NOT_MET
	}
	if a["notice"] != "" {
		f.ContractNotice = carev1.ContractNotice(mustInt(a["notice"]))
	}
	if a["purpose"] != "" {
		f.Purposes = []carev1.VisitPurpose{carev1.VisitPurpose_VISIT_PURPOSE_HYPERTENSION}
	}
	return f
}

func (c *county) ask(words []string) {
	p, err := ParsePeriod(words[1])
	if err != nil {
		panic(err)
	}
	q := &goldenQuestion{text: strings.Join(words[1:], " "), ask: Question{Period: p, AsOf: care.Date(mustDate(words[4])), Explain: true}}
	if len(words) > 7 {
		q.ask.ReceivedBy = care.Date(mustDate(words[7]))
	}
	c.questions = append(c.questions, q)
}

func (c *county) expect(line int, words []string) {
	q := c.questions[len(c.questions)-1]
	a := &goldenAnswer{line: line, code: Code(words[1]), no: map[string]string{}, in: map[string][2]int64{}}
	if n, d, ok := strings.Cut(words[2], "/"); ok {
		a.rate, a.n, a.d = true, int64(mustInt(n)), int64(mustInt(d))
	} else {
		a.n, a.d = int64(mustInt(words[2])), int64(mustInt(words[4]))
	}
	q.answers = append(q.answers, a)
}

func (c *county) answer(words []string) {
	q := c.questions[len(c.questions)-1]
	a := q.answers[len(q.answers)-1]
	switch words[0] {
	case "yes":
		a.yes = append(a.yes, words[1:]...)
	case "no":
		for _, w := range words[1:] {
			name, why, _ := strings.Cut(w, ":")
			a.no[name] = why
		}
	case "all":
		a.everybody, a.everyoneBu = true, map[string]bool{}
		for _, name := range words[3:] {
			a.everyoneBu[name] = true
		}
	case "in":
		n, d, _ := strings.Cut(words[2], "/")
		a.in[words[1]] = [2]int64{int64(mustInt(n)), int64(mustInt(d))}
	default:
		panic("no answer is called so")
	}
}
