// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// visitBy is a follow-up up to standard by a doctor.
func visitBy(doctor string, day int32) *carev1.HypertensionFollowUp {
	f := hypertensionForm(day, []string{"clinic", "130/80"}, map[string]string{"class": "1"})
	f.DoctorId = doctor
	return f
}

func TestWorkIsCountedByDoctor(t *testing.T) {
	r := resident()
	r.RegisteredOn, r.RegisteredById, r.BirthDate = 20260105, "d1", 19500101
	r.Tags = map[string]*carev1.PopulationTag{"h": {Code: 2, Since: 20200101}, "m": {Code: 6, Since: 20200101}}
	r.Reviews = map[string]*carev1.Review{"2": {State: carev1.ReviewState_REVIEW_STATE_CHECKED, ReviewerId: "q1", ReviewedAtMs: dayOf(20260202).instant()}}
	forms := []proto.Message{r}
	for i, doctor := range []string{"d1", "d1", "d2", "d1", "d1", "d2", "d1"} {
		forms = append(forms, visitBy(doctor, int32(20260110+100*i)))
	}
	phone := visitBy("d1", 20260112)
	phone.Way = carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE
	checkup := fullCheckup(20260501)
	checkup.DoctorId, checkup.Status = "d2", carev1.FormStatus_FORM_STATUS_SUBMITTED
	paid := contractForm(20260301, map[string]string{"until": "2026-12-31"})
	paid.DoctorId, paid.PackageType = "d1", carev1.PackageType_PACKAGE_TYPE_PERSONAL
	home := homeForm(20260401, map[string]string{"mode": "1"})
	home.DoctorId, home.Leaflets = "d1", &carev1.Leaflets{Count: proto.Int32(2)}
	forms = append(forms, phone, checkup, paid, home,
		&carev1.ContractService{ServiceDate: 20260501, DoctorId: "d1", Payment: 1}, &carev1.ContractService{ServiceDate: 20260502, DoctorId: "d1", Payment: 2},
		&carev1.TcmConstitution{ServiceDate: 20260501, DoctorId: "d2"}, &carev1.TcmConstitution{ServiceDate: 20251231, DoctorId: "d2"})
	got := workOf(t, forms...)
	want := map[string]int64{
		"d1 0": 1, "q1 1": 1, "d9 2": 1, "d1 3": 1, "d2 7": 1, "d1 8": 1, "d1 9": 1, "d2 10": 1, "d1 11": 1, "d1 12": 1, "d2 13": 1,
		"d2 14": 1, "d2 22": 1, "d2 23": 1, "d1 25": 1, "d1 26": 1, "d1 27": 1,
	}
	compareWork(t, got, want)
}

func TestWorkForThePublic(t *testing.T) {
	for activity, item := range map[carev1.OutreachActivity]WorkItem{1: WorkLeaflet, 3: WorkBoard, 4: WorkConsultation, 5: WorkLecture} {
		compareWork(t, workOf(t, &carev1.OutreachEvent{ServiceDate: 20260501, DoctorId: "d1", Activity: activity}), map[string]int64{fmt.Sprintf("d1 %d", item): 1})
	}
	compareWork(t, workOf(t, &carev1.OutreachEvent{ServiceDate: 20260501, Activity: 5}), map[string]int64{})
}

// workOf returns the work of 2026 for a person, by doctor and item; a resident record was saved again by d9.
func workOf(t *testing.T, forms ...proto.Message) map[string]int64 {
	t.Helper()
	p := personOf(forms...)
	f := Extract(Input{
		Person: rules.NewPerson(p.entries[0].ID, p.entries),
		Updated: func(id record.ID) (care.Date, string) {
			if p.entries[0].ID == id && p.entries[0].Kind == kindResident {
				return 20260606, "d9"
			}
			return 0, ""
		},
	})
	out := map[string]int64{}
	for _, w := range NewEvaluator(Question{Period: Year(2026), AsOf: 20261231}, settings(t)).Work(nil, &f) {
		out[fmt.Sprint(w.Doctor, " ", uint8(w.Item))] += w.Times
	}
	return out
}

func compareWork(t *testing.T, got, want map[string]int64) {
	t.Helper()
	for key, n := range want {
		if got[key] != n {
			t.Errorf("doctor and item %s: %d, want %d", key, got[key], n)
		}
	}
	for key, n := range got {
		if want[key] == 0 {
			t.Errorf("doctor and item %s: %d, want none", key, n)
		}
	}
}

func TestPointsAreThoseOfThePack(t *testing.T) {
	points := []int64{500, 100, 100, 10, 200, 500, 500, 1500, 300, 300, 300, 300, 150, 150, 500, 300, 300, 300, 300, 150, 150, 500, 800, 400, 300, 500, 200, 100}
	s := settings(t)
	for i, item := range WorkItems() {
		if got := s.Points(item, 3); got != 3*points[i] {
			t.Errorf("%s: %d", item.EN(), got)
		}
		if item.ZH() == "" || item.EN() == "" {
			t.Errorf("item %d has no words", item)
		}
	}
	if s.Points(WorkItem(200), 1) != 0 || len(points) != len(WorkItems()) {
		t.Error("an item that is none")
	}
}

func TestFactsOfManyDoctorsStayInTheirTable(t *testing.T) {
	forms := []proto.Message{resident()}
	for i := range 300 {
		forms = append(forms, visitBy(fmt.Sprintf("d%03d", i), 20260101))
	}
	p := personOf(forms...)
	f := p.facts(p.entries)
	if len(f.names) != maxTable || len(f.events) != 300 {
		t.Errorf("%d names, %d events", len(f.names), len(f.events))
	}
	if _, err := DecodeFacts(f.Encode()); err != nil {
		t.Error(err)
	}
}
