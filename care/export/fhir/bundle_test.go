// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/export/fhir"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func i32(n int32) *int32 { return &n }

func id(kind record.Kind, name string) record.ID { return record.DerivedID(kind, []byte(name)) }

func saved(kind record.Kind, name string, form proto.Message) fhir.Record {
	at := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	return fhir.Record{
		Entry: rules.Entry{ID: id(kind, name), Kind: kind, Form: form},
		Revisions: []fhir.Revision{{
			Dot: "00000000000000000000000000000001-7-0102030405060708", Replica: "00000000000000000000000000000001", Author: "li", SavedAt: at, ReceivedAt: at.Add(time.Hour),
		}},
	}
}

func bp(systolic, diastolic int32) *carev1.BloodPressure {
	return &carev1.BloodPressure{SystolicMmhg: i32(systolic), DiastolicMmhg: i32(diastolic)}
}

func body() *carev1.BodySize {
	return &carev1.BodySize{HeightCmX10: i32(1652), WeightKgX10: i32(625), BmiKgPerM2X10: i32(229)}
}

// wholePerson has every resource that a bundle can have.
func wholePerson() fhir.Person {
	resident := &carev1.Resident{
		Name: "张三<丰>&", Sex: carev1.Sex_SEX_MALE, BirthDate: 19500315, Phone: "13800000001", OrganisationCode: "C1", DoctorId: "li", ArchiveNumber: "13040300110100001",
		IdentityDocument: &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: "130403195003150016"},
		Address:          &carev1.Address{DivisionCode: "130403001001", Text: "幸福村三组"}, RegisteredAddress: &carev1.Address{Text: "城关镇"},
		ContactPerson: &carev1.ContactPerson{Name: "张四", Phone: "13800000002", Relation: carev1.Relation_RELATION_SON}, MaritalStatus: carev1.MaritalStatus_MARITAL_STATUS_MARRIED,
		PastDiseases: map[string]*carev1.PastDisease{
			"a": {Code: carev1.PastDiseaseCode_PAST_DISEASE_CODE_HYPERTENSION, DiagnosedOn: 20120500},
			"b": {Code: carev1.PastDiseaseCode_PAST_DISEASE_CODE_SEVERE_MENTAL, DiagnosedOn: 20100000},
			"c": {Code: carev1.PastDiseaseCode_PAST_DISEASE_CODE_NONE},
		},
		DrugAllergies: []carev1.DrugAllergy{carev1.DrugAllergy_DRUG_ALLERGY_PENICILLIN},
	}
	twin := proto.CloneOf(resident)
	twin.ArchiveNumber = "13040300110100099"
	team := id(49, "team")
	records := []fhir.Record{
		saved(care.KindResident, "a", resident), saved(care.KindResident, "b", twin),
		saved(care.KindHypertensionFollowUp, "h", &carev1.HypertensionFollowUp{
			ServiceDate: 20260210, OrganisationCode: "C1", DoctorId: "li", Way: carev1.FollowUpWay_FOLLOW_UP_WAY_HOME, BloodPressure: bp(142, 88), BodySize: body(),
			HeartRatePerMin: i32(72), OxygenSaturationPercent: i32(97), Classification: carev1.FollowUpResult_FOLLOW_UP_RESULT_NOT_CONTROLLED,
			Medications: map[string]*carev1.DrugEntry{"1": {Name: "硝苯地平缓释片", TimesPerDay: i32(2), DoseX1000: proto.Int64(20500), DoseUnit: "mg"}},
			Adherence:   carev1.Adherence_ADHERENCE_REGULAR,
		}),
		saved(19, "d", &carev1.DiabetesFollowUp{
			ServiceDate: 20260211, OrganisationCode: "C1", DoctorId: "wang", Way: carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE, BloodPressure: &carev1.BloodPressure{SystolicMmhg: i32(130), SelfReported: true},
			FastingGlucoseMmolPerLX10: i32(68), AfterMealGlucoseMmolPerLX10: i32(91), GlycatedHaemoglobin: &carev1.GlycatedHaemoglobin{PercentX10: i32(65), TestedOn: 20260120},
			Adherence: carev1.Adherence_ADHERENCE_NOT_TAKEN, Medications: map[string]*carev1.DrugEntry{"1": {Name: "二甲双胍片"}},
		}),
		saved(21, "c", &carev1.CopdFollowUp{
			ServiceDate: 20260212, DoctorId: "li", RespirationPerMin: i32(18), OxygenSaturationPercent: i32(95),
			Spirometry: &carev1.Spirometry{MeasuredOn: 20260201, Fev1LX100: i32(182), Fev1FvcPercentX10: i32(655)}, ManagementLevel: carev1.CopdManagementLevel_COPD_MANAGEMENT_LEVEL_STABLE_LOW_RISK,
		}),
		saved(care.KindHomeVisit, "v", &carev1.HomeVisit{
			ServiceDate: 20260213, DoctorId: "li", TemperatureCX10: i32(365), PulsePerMin: i32(70), RespirationPerMin: i32(16), WaistCmX10: i32(861),
			BloodGlucose: &carev1.BloodGlucose{GlucoseMmolPerLX10: i32(61), Timing: carev1.GlucoseTiming_GLUCOSE_TIMING_FASTING},
		}),
		saved(care.KindCheckup, "k", &carev1.Checkup{
			ServiceDate: 20260220, OrganisationCode: "C1", DoctorId: "li",
			General:   &carev1.CheckupGeneral{BloodPressureLeft: bp(138, 82), BloodPressureRight: bp(140, 84), BodySize: body(), TemperatureCX10: i32(366), PulsePerMin: i32(71)},
			Lifestyle: &carev1.CheckupLifestyle{Smoking: &carev1.Smoking{Status: carev1.SmokingStatus_SMOKING_STATUS_NEVER}},
			Tests: &carev1.CheckupTests{
				BloodCount:     &carev1.BloodCount{HaemoglobinGPerLX100: i32(13500), WhiteCellsGigaPerLX100: i32(620), PlateletsGigaPerLX100: i32(21000)},
				FastingGlucose: &carev1.FastingGlucose{GlucoseMmolPerLX100: i32(612)}, Lipids: &carev1.Lipids{TotalCholesterolMmolPerLX100: i32(512), TriglyceridesMmolPerLX100: i32(148), LdlMmolPerLX100: i32(301), HdlMmolPerLX100: i32(120)},
				LiverFunction: &carev1.LiverFunction{AltUPerLX100: i32(2200), AstUPerLX100: i32(2400), TotalBilirubinUmolPerLX100: i32(1310)}, KidneyFunction: &carev1.KidneyFunction{CreatinineUmolPerLX100: i32(7800), UreaMmolPerLX100: i32(530)},
			},
			Evaluation:   &carev1.CheckupEvaluation{Assessment: &carev1.HealthAssessment{Result: carev1.HealthAssessmentResult_HEALTH_ASSESSMENT_RESULT_ABNORMAL, Abnormalities: []string{"血压偏高"}}},
			Vaccinations: &carev1.CheckupVaccinations{Given: map[string]*carev1.OtherVaccination{"1": {Name: "流感疫苗", VaccinatedOn: 20251100, Organisation: "卫生院"}, "2": {Name: "肺炎疫苗"}}},
			Medication:   &carev1.CheckupMedication{Drugs: map[string]*carev1.LongTermDrug{"1": {Drug: &carev1.DrugEntry{Name: "阿司匹林"}, TakenSince: 20200000}}},
		}),
		saved(31, "s", &carev1.Contract{
			SignedOn: 20260105, OrganisationCode: "C1", DoctorId: "li", State: carev1.ContractState_CONTRACT_STATE_SIGNED, Term: &carev1.ContractTerm{Since: 20260105, Until: 20270104}, TeamId: team[:],
			PackageType: carev1.PackageType_PACKAGE_TYPE_BASIC, ServiceItems: map[string]*carev1.ContractItem{"1": {Name: "健康评估", TimesPerYear: i32(1)}},
		}),
		saved(care.KindHypertensionFollowUp, "draft", &carev1.HypertensionFollowUp{ServiceDate: 20260301, Status: carev1.FormStatus_FORM_STATUS_DRAFT, BloodPressure: bp(200, 100)}),
	}
	voided := saved(care.KindHypertensionFollowUp, "void", &carev1.HypertensionFollowUp{ServiceDate: 20260301, BloodPressure: bp(201, 101)})
	voided.Entry.Voided = true
	records[2].Conflicts = []fhir.Conflict{{Path: "blood_pressure", Others: []string{"150/90"}}}
	var names export.Names
	names.Add(id(48, "li"), &carev1.Staff{StaffId: "li", Name: "李医生"})
	names.Add(id(47, "c1"), &carev1.Organisation{OrganisationCode: "C1", Name: "丛台西街道卫生院", DivisionPrefixes: []string{"130403001"}})
	names.Add(team, &carev1.Team{Name: "第一团队"})
	first := slices.MinFunc([]record.ID{id(care.KindResident, "a"), id(care.KindResident, "b")}, func(a, b record.ID) int { return bytes.Compare(a[:], b[:]) })
	return fhir.Person{
		ID: first, Records: append(records, voided), Names: names, View: export.View{Sensitive: true}, Position: 42,
		At: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	}
}

func made(t *testing.T, p fhir.Person) []byte {
	t.Helper()
	b, err := fhir.Bundle(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checked runs the checker over bundles and returns the issues of each.
func checked(t *testing.T, bundles map[string][]byte) map[string][]string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "node_modules", "@medplum", "definitions")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the definitions of FHIR R4 are not there: npm ci")
		}
		t.Skip("NOT CHECKED: the definitions of FHIR R4 are not there; make test fetches them, or npm ci")
	}
	dir := t.TempDir()
	args := []string{"care/export/fhir/check.mjs"}
	for name, b := range bundles {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, filepath.Join(dir, name))
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("the checker cannot check: %v\n%s", err, stderr.String())
	}
	issues := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		var one struct {
			File   string
			Issues []string
		}
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		issues[filepath.Base(one.File)] = one.Issues
	}
	if len(issues) != len(bundles) {
		t.Fatalf("%d of %d bundles checked\n%s", len(issues), len(bundles), stderr.String())
	}
	return issues
}

func TestABundleIsValidByThePublishedDefinitionsAndABrokenOneIsNot(t *testing.T) {
	good := string(made(t, wholePerson()))
	masked := wholePerson()
	masked.View = export.View{Masked: true}
	bundles := map[string][]byte{"good": []byte(good), "masked": made(t, masked)}
	broken := map[string]struct{ old, new, want string }{
		"status outside its binding":     {`"status": "final"`, `"status": "finished"`, "not found in value set"},
		"gender outside its binding":     {`"gender": "male"`, `"gender": "m"`, "not found in value set"},
		"reference to nothing":           {`"type": "Encounter"`, `"type": "Patient"`, "another type"},
		"property that R4 does not have": {`"effectiveDateTime"`, `"effectiveOn"`, "additional property"},
		"date that is none":              {`"birthDate": "1950-03-15"`, `"birthDate": "1950-3-15"`, "Invalid date"},
		"condition without its status":   {`"clinicalStatus"`, `"clinicalState"`, "additional property"},
		"blood pressure in another unit": {`"code": "mm[Hg]"`, `"code": "mmHg"`, "StructureDefinition/bp"},
		"agent that is nobody":           {`"agent"`, `"agents"`, "Missing"},
		"vaccination without occurrence": {`"occurrenceString": "不详"`, `"recorded": "2026-03-01"`, "Missing"},
		"bundle of no type":              {`"type": "collection"`, `"type": "heap"`, "not found in value set"},
		"number as a text":               {`"value": 62.5`, `"value": "62.5"`, "Invalid"},
	}
	for name, c := range broken {
		if !strings.Contains(good, c.old) {
			t.Errorf("%s: the bundle has no %s", name, c.old)
		}
		bundles[name] = []byte(strings.Replace(good, c.old, c.new, 1))
	}
	issues := checked(t, bundles)
	for _, name := range []string{"good", "masked"} {
		if len(issues[name]) > 0 {
			t.Errorf("%s bundle:\n%s", name, strings.Join(issues[name], "\n"))
		}
	}
	for name, c := range broken {
		if !strings.Contains(strings.Join(issues[name], "\n"), c.want) {
			t.Errorf("%s: nothing with %q found, but %q", name, c.want, issues[name])
		}
	}
}

func TestABundleIsTheSameBytesEachTime(t *testing.T) {
	p := wholePerson()
	slices.Reverse(p.Records)
	if !bytes.Equal(made(t, p), made(t, wholePerson())) {
		t.Error("the order in which records are handed in shows")
	}
}

func TestLinkedResidentsAreOnePatientAndWhatIsVoidedOrBegunIsLeftOut(t *testing.T) {
	text := string(made(t, wholePerson()))
	if n := strings.Count(text, `"resourceType": "Patient"`); n != 1 {
		t.Errorf("%d patients", n)
	}
	for _, want := range []string{"13040300110100001", "13040300110100099", "130403195003150016"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%s is there %d times", want, strings.Count(text, want))
		}
	}
	for _, out := range []string{`"value": 200,`, `"value": 201,`} {
		if strings.Contains(text, out) {
			t.Errorf("%s is of a form that is voided or begun", out)
		}
	}
}

func TestAConflictIsTaggedAndItsOtherValuesAreNamed(t *testing.T) {
	var b struct {
		Entry []struct {
			Resource struct {
				ResourceType string
				Meta         struct{ Tag []struct{ Code string } }
				Extension    []struct {
					Extension []struct{ URL, ValueString string }
				}
			}
		}
	}
	if err := json.Unmarshal(made(t, wholePerson()), &b); err != nil {
		t.Fatal(err)
	}
	tagged, named := 0, 0
	for _, e := range b.Entry {
		for _, tag := range e.Resource.Meta.Tag {
			if tag.Code == "conflict" {
				tagged++
			}
		}
		for _, x := range e.Resource.Extension {
			if e.Resource.ResourceType == "Provenance" && len(x.Extension) == 2 && x.Extension[0].ValueString == "blood_pressure" && x.Extension[1].ValueString == "150/90" {
				named++
			}
		}
	}
	if tagged < 5 || named != 1 {
		t.Errorf("%d resources tagged, %d conflicts named", tagged, named)
	}
}

func TestWhoMayNotSeeNumbersOrTheSensitiveClassGetsNeither(t *testing.T) {
	p := wholePerson()
	p.View = export.View{Masked: true}
	text := string(made(t, p))
	for _, hidden := range []string{"130403195003150016", "13800000001", "13800000002", "13040300110100001", "严重精神障碍"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%s is shown", hidden)
		}
	}
	if !strings.Contains(text, `"valueCode": "masked"`) {
		t.Error("nothing says that numbers are left out")
	}
}

func TestNobodyHasNoBundle(t *testing.T) {
	p := wholePerson()
	p.Records = p.Records[2:]
	if _, err := fhir.Bundle(p); !errors.Is(err, fhir.ErrNobody) {
		t.Errorf("%v", err)
	}
}
