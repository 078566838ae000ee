// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// figures reads what testdata/articles.txt prints: the figure by its name.
func figures(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/articles.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if len(line) < 30 || line[0] == '#' {
			continue
		}
		out[strings.TrimSpace(line[:18])] = strings.TrimSpace(line[18:29])
	}
	return out
}

// tallyAll evaluates persons made of forms, each list of forms one person, or one public record each.
func tallyAll(t *testing.T, year int, people [][]proto.Message) map[Code]Tally {
	t.Helper()
	s := settings(t)
	e := NewEvaluator(Question{Period: Year(year), AsOf: Year(year).To}, s)
	all := map[Code]Tally{}
	for _, forms := range people {
		p := personOf(forms...)
		f := p.facts(p.entries)
		for _, o := range e.Append(nil, &f) {
			all[o.Code] = all[o.Code].Plus(Tally{o.Numerator, o.Denominator, o.Amount})
		}
	}
	return all
}

// personOf makes a person of forms.
func personOf(forms ...proto.Message) *goldenPerson {
	c := &county{villages: map[string]record.Division{"A": "431124001201"}, persons: []*goldenPerson{nil}}
	p := &goldenPerson{received: map[record.ID]care.Date{}, division: map[record.ID]record.Division{}}
	for _, form := range forms {
		c.add(p, kindNameOf(form), form, 20200101, map[string]string{}, "A")
	}
	return p
}

func kindNameOf(form proto.Message) string {
	for kind, typ := range care.Types() {
		if typ.Descriptor().FullName() == form.ProtoReflect().Descriptor().FullName() {
			return care.NameOf(kind)
		}
	}
	return ""
}

func resident() *carev1.Resident {
	return &carev1.Resident{RegisteredOn: 20150101, BirthDate: 19700101, Address: &carev1.Address{DivisionCode: "431124001201"}, DoctorId: "d"}
}

func percent(rate int64) string { return fmt.Sprintf("%d.%02d %%", rate/100, rate%100) }

func TestTheFiguresOfTheSourceArticles(t *testing.T) {
	want, got := figures(t), map[string]string{}
	statistics(t, got)
	persons2024(t, got)
	public2024(t, got)
	if len(want) < 18 || len(got) != len(want) {
		t.Errorf("%d figures in the file, %d computed", len(want), len(got))
	}
	for name, figure := range want {
		if got[name] != figure {
			t.Errorf("%s: computed %q, printed %q", name, got[name], figure)
		}
	}
}

// statistics computes what is registered of the year: totals of a clinic's own system.
func statistics(t *testing.T, got map[string]string) {
	t.Helper()
	var rows []Registered
	for _, row := range []struct {
		year  int32
		code  carev1.StatisticCode
		value int64
	}{{2024, clinicVisits, 66693}, {2023, clinicVisits, 60084}, {2024, carev1.StatisticCode_STATISTIC_CODE_ALL_VISITS, 71713}} {
		p := personOf(&carev1.Statistic{DivisionCode: "431124001000", Year: proto.Int32(row.year), Code: row.code, Value: &carev1.StatisticValue{ValueX1000: proto.Int64(row.value * 1000)}})
		p.division = nil
		rows = append(rows, p.facts(p.entries).Registered(0)...)
	}
	r := NewRegistry(rows)
	now, _ := r.Count("N01", "431124001", Year(2024))
	before, _ := r.Count("N01", "431124001", Year(2023))
	got["visits"], got["visits before"] = fmt.Sprint(now.ValueX1000/1000), fmt.Sprint(before.ValueX1000/1000)
	change, _ := Change(now.ValueX1000, before.ValueX1000)
	got["visits rise"] = "+" + percent(change)
	share, _ := r.Share("431124001", Year(2024))
	rate, _ := share.Rate()
	got["primary care"] = percent(rate)
}

// persons2024 computes what is counted of persons.
func persons2024(t *testing.T, got map[string]string) {
	t.Helper()
	var people [][]proto.Message
	for i := range 5687 {
		forms := []proto.Message{resident(), &carev1.DiseaseScreening{ServiceDate: 20240105, Target: 1}}
		if i < 313 {
			forms = append(forms, &carev1.DiseaseScreening{ServiceDate: 20240305, Target: 1})
		}
		for visit := range 3 {
			if i < 1353 || i < 1500 && visit < 2 {
				forms = append(forms, &carev1.ClinicVisit{ServiceDate: int32(20240401 + visit), Diagnoses: map[string]*carev1.ClinicDiagnosis{"d": {Icd10Code: "I10", Certainty: 1}}})
			}
		}
		if i < 2500 {
			forms = append(forms, &carev1.ReferralCase{ServiceDate: 20240501, GreenChannel: true}, &carev1.ReferralCase{ServiceDate: 20240601, GreenChannel: true})
		}
		if i < 1000 {
			forms = append(forms, &carev1.ClinicVisit{ServiceDate: 20240701, Fee: &carev1.Fee{WaivedFen: proto.Int64(1300)}})
		}
		people = append(people, forms)
	}
	all := tallyAll(t, 2024, people)
	got["two diseases"], got["screened"] = fmt.Sprint(all["B01"].Amount), fmt.Sprint(all["B02"].Numerator)
	got["green channel"], got["waived"] = fmt.Sprint(all["N03"].Amount), fmt.Sprint(all["N04"].Amount)
	if all["B01"].Numerator != 1500 || all["B02"].Amount != 6000 || all["N03"].Numerator != 2500 || all["N04"].Numerator != 1000 {
		t.Errorf("persons: %v %v %v %v", all["B01"], all["B02"], all["N03"], all["N04"])
	}
	rise, _ := PointDifference(tallyOfContracts(t, 410), tallyOfContracts(t, 400))
	got["rise of contracts"] = fmt.Sprintf("%d.%02d pp", rise/100, rise%100)
}

// tallyOfContracts returns G01 of 1,000 residents of whom so many have a contract.
func tallyOfContracts(t *testing.T, signed int) Tally {
	t.Helper()
	var people [][]proto.Message
	for i := range 1000 {
		forms := []proto.Message{resident()}
		if i < signed {
			forms = append(forms, contractForm(20240101, map[string]string{"until": "2024-12-31"}))
		}
		people = append(people, forms)
	}
	return tallyAll(t, 2024, people)["G01"]
}

// public2024 computes what is counted of surveys, events and clinics.
func public2024(t *testing.T, got map[string]string) {
	t.Helper()
	var forms [][]proto.Message
	add := func(n int, of func(i int) proto.Message) {
		for i := range n {
			forms = append(forms, []proto.Message{of(i)})
		}
	}
	add(2040, func(i int) proto.Message {
		answer := carev1.SurveyAnswer_SURVEY_ANSWER_MOSTLY
		if i >= 1900 {
			answer = carev1.SurveyAnswer_SURVEY_ANSWER_FAIR
		}
		if i >= 2000 {
			answer = carev1.SurveyAnswer_SURVEY_ANSWER_DO_NOT_KNOW
		}
		return &carev1.SatisfactionSurvey{ServiceDate: 20240401, Overall: answer}
	})
	add(30, func(int) proto.Message { return event2024(4, 400) })
	add(10, func(i int) proto.Message { return villageClinicForm(i < 3) })
	add(1, func(int) proto.Message { return literacy(3582) })
	all := tallyAll(t, 2024, forms)
	rate := func(tally Tally) string { r, _ := tally.Rate(); return percent(r) }
	got["satisfaction"], got["clinics"], got["literacy"] = rate(all["X01"]), rate(all["V01"]), rate(all["X06"])
	got["events"], got["people at them"] = fmt.Sprint(all["E01"].Numerator), fmt.Sprint(all["E01"].Amount)
	before := tallyAll(t, 2024, [][]proto.Message{{literacy(3024)}})["X06"]
	got["literacy before"] = rate(before)
	rise, _ := PointDifference(all["X06"], before)
	got["literacy rise"] = fmt.Sprintf("%d.%02d pp", rise/100, rise%100)

	forms = nil
	add(269, func(int) proto.Message { return event2024(7, 100) })
	add(1000, func(i int) proto.Message { return villageClinicForm(i < 299) })
	more := tallyAll(t, 2024, forms)
	got["stations"], got["clinics below"] = fmt.Sprint(more["E01.7"].Amount), rate(more["V01"])
}

func event2024(activity carev1.OutreachActivity, people int32) proto.Message {
	return &carev1.OutreachEvent{ServiceDate: 20240501, Activity: activity, Participants: proto.Int32(people)}
}

func literacy(known int32) proto.Message {
	return &carev1.LiteracySurvey{ServiceDate: 20240601, Topics: map[string]*carev1.LiteracyTopicResult{"t": {Known: proto.Int32(known), NotKnown: proto.Int32(10000 - known)}}}
}

func villageClinicForm(met bool) proto.Message {
	return &carev1.Organisation{Type: carev1.OrganisationType_ORGANISATION_TYPE_VILLAGE_CLINIC, VillageClinicStandard: &carev1.StandardMet{Met: met, JudgedOn: 20240301}}
}
