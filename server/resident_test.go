// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/transport"
)

// town is a clinic whose people are looked up.
type town struct{ *clinic }

func newTown(t *testing.T) town {
	t.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, func(c *server.Config) { c.Schema, c.Rules = care.Kinds(), pack })
	shard := s.County.Shard()
	return town{&clinic{Server: s, t: t, caller: s.Operator(), shard: shard[:]}}
}

func (w town) residents(c *servertest.Caller) officev1grpc.ResidentServiceClient {
	return officev1grpc.NewResidentServiceClient(c.Conn)
}

func (w town) resident(name, number, phone string, division record.Division) record.ID {
	w.t.Helper()
	return w.save(care.KindResident, &carev1.Resident{
		Name: name, Sex: carev1.Sex_SEX_FEMALE, BirthDate: 19580306, Phone: phone, DoctorId: "zhang", ArchiveNumber: "13040300100100017",
		IdentityDocument: &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: number},
		Tags: map[string]*carev1.PopulationTag{
			"abcdefgh": {Code: carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL, Since: 20200101},
			"abcdefgi": {Code: carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, Since: 20200101},
		},
	}, division, record.ID{})
}

func (w town) search(c *servertest.Caller, q *officev1.SearchResidentsRequest) (*officev1.SearchResidentsResponse, error) {
	q.Shard = w.shard
	return w.residents(c).SearchResidents(c.Context(), q)
}

func (w town) found(c *servertest.Caller, q *officev1.SearchResidentsRequest) string {
	w.t.Helper()
	m, err := w.search(c, q)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, p := range m.GetPersons() {
		names = append(names, p.GetName())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// controller makes a member of staff one, by the centre's word.
func (w town) controller(staff string) record.ID {
	w.t.Helper()
	return w.save(care.KindStaff, &carev1.Staff{
		StaffId: staff, Roles: []carev1.StaffRole{carev1.StaffRole_STAFF_ROLE_QUALITY_CONTROLLER},
		Posts: map[string]*carev1.StaffPost{"abcdefgh": {OrganisationCode: "130403001", Since: 20200101}},
	}, servertest.Village, record.ID{})
}

const (
	aPhone      = "13912345678"
	maskedPhone = "139****5678"
)

func TestTheOfficeLooksPeopleUp(t *testing.T) {
	w := newTown(t)
	w.resident("单演示", aNumber, aPhone, servertest.Village)
	w.resident("李演示", "990000195803060026", "13800000000", elsewhere)
	w.save(care.KindOrganisation, &carev1.Organisation{Name: "石桥村卫生室", DivisionPrefixes: []string{string(servertest.Village)}}, servertest.Village, record.ID{})
	w.follow()
	for name, c := range map[string]struct {
		q    *officev1.SearchResidentsRequest
		want string
	}{
		"everybody":        {&officev1.SearchResidentsRequest{}, "单演示 李演示"},
		"one field, name":  {&officev1.SearchResidentsRequest{Text: "演"}, "单演示 李演示"},
		"one field, spelt": {&officev1.SearchResidentsRequest{Text: "shanys"}, "单演示"},
		"one field, phone": {&officev1.SearchResidentsRequest{Text: "5678"}, "单演示"},
		"a number":         {&officev1.SearchResidentsRequest{Number: aNumber}, "单演示"},
		"a village, code":  {&officev1.SearchResidentsRequest{Place: string(servertest.Village)}, "单演示"},
		"a village, name":  {&officev1.SearchResidentsRequest{Place: "石桥"}, "单演示"},
		"no such place":    {&officev1.SearchResidentsRequest{Place: "无此村"}, ""},
		"of an age":        {&officev1.SearchResidentsRequest{AgeFrom: proto.Uint32(67), AgeTo: proto.Uint32(67)}, "单演示 李演示"},
		"younger":          {&officev1.SearchResidentsRequest{AgeTo: proto.Uint32(66)}, ""},
		"the dead":         {&officev1.SearchResidentsRequest{Statuses: []officev1.PersonStatus{officev1.PersonStatus_PERSON_STATUS_DEAD}}, ""},
		"a population":     {&officev1.SearchResidentsRequest{Population: carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL}, "单演示 李演示"},
		"a doctor":         {&officev1.SearchResidentsRequest{DoctorId: "zhang", Text: "li"}, "李演示"},
	} {
		if got := w.found(w.caller, c.q); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for name, q := range map[string]*officev1.SearchResidentsRequest{
		"three digits":        {Text: "123"},
		"a long text":         {Name: strings.Repeat("王", 65)},
		"two names":           {Text: "王", Name: "李"},
		"an age of 151":       {AgeTo: proto.Uint32(151)},
		"a status of nothing": {Statuses: []officev1.PersonStatus{0}},
		"a foreign token":     {PageToken: "AAAA"},
		"whole, for nothing":  {Whole: &officev1.Whole{Author: "sun"}},
		"whole, by nobody":    {Whole: &officev1.Whole{Purpose: "核查"}},
		"whole, at length":    {Whole: &officev1.Whole{Author: "sun", Purpose: strings.Repeat("查", 201)}},
	} {
		if m, err := w.search(w.caller, q); transport.ReasonOf(err) != syncv1.Reason_REASON_INVALID {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

func TestSearchIsPaged(t *testing.T) {
	w := newTown(t)
	for i := range 7 {
		w.resident(fmt.Sprintf("王%c", '甲'+rune(i)), aNumber, aPhone, servertest.Village)
		w.Clock.Move(time.Second)
	}
	w.follow()
	seen := map[string]int{}
	for token, pages := "", 0; ; pages++ {
		m, err := w.search(w.caller, &officev1.SearchResidentsRequest{Name: "王", PageSize: 3, PageToken: token})
		if err != nil || len(m.GetPersons()) > 3 || pages > 3 {
			t.Fatal(pages, m, err)
		}
		for _, p := range m.GetPersons() {
			seen[p.GetName()]++
		}
		if token = m.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(seen) != 7 {
		t.Errorf("%v", seen)
	}
}

// What leaves whole is in the log, and only who may see it gets it whole.
func TestWholeNumbersAreForControllersAndInTheLog(t *testing.T) {
	w := newTown(t)
	id := w.resident("单演示", aNumber, aPhone, servertest.Village)
	w.controller("zhao")
	clerk, controller := w.Enrol(servertest.Clerk("qian", township)), w.Enrol(servertest.Clerk("zhao", township))
	pair := servertest.Clerk("zhao", township)
	pair.Staff = []string{"zhao", "qian"}
	both := w.Enrol(pair)
	w.follow()
	purpose := func(author string) *officev1.Whole { return &officev1.Whole{Author: author, Purpose: "电话核查"} }
	for name, c := range map[string]struct {
		by    *servertest.Caller
		whole *officev1.Whole
		phone string
		want  syncv1.Reason
	}{
		"the operator, in part":             {w.caller, nil, maskedPhone, unspecified},
		"the operator, whole":               {w.caller, purpose("sun"), aPhone, unspecified},
		"a clerk":                           {clerk.Caller, nil, maskedPhone, unspecified},
		"a clerk, whole":                    {clerk.Caller, purpose("qian"), "", rights},
		"a controller who does not ask":     {controller.Caller, nil, maskedPhone, unspecified},
		"a controller":                      {controller.Caller, purpose("zhao"), aPhone, unspecified},
		"a controller in another's name":    {controller.Caller, purpose("sun"), "", rights},
		"a controller and a clerk, one key": {both.Caller, purpose("zhao"), "", rights},
	} {
		m, err := w.search(c.by, &officev1.SearchResidentsRequest{Text: "单", Whole: c.whole})
		if got := transport.ReasonOf(err); got != c.want {
			t.Errorf("%s: %s", name, transport.ReasonName(got))
			continue
		}
		if err == nil && (m.GetPersons()[0].GetPhone() != c.phone || m.GetMasked() != (c.phone != aPhone)) {
			t.Errorf("%s: %v", name, m)
		}
		page, err := w.residents(c.by).GetPerson(c.by.Context(), &officev1.GetPersonRequest{Shard: w.shard, Resident: id[:], Whole: c.whole})
		if got := transport.ReasonOf(err); got != c.want {
			t.Errorf("%s, a page: %s", name, transport.ReasonName(got))
		} else if err == nil && (page.GetPerson().GetPhone() != c.phone || page.GetResidents()[0].GetResident().GetPhone() != c.phone) {
			t.Errorf("%s, a page: %v", name, page)
		}
	}
	w.follow()
	log, err := officev1grpc.NewAccessServiceClient(w.caller.Conn).ListAccess(w.caller.Context(), &officev1.ListAccessRequest{Shard: w.shard})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range log.GetEntries() {
		got = append(got, fmt.Sprintf("%s %s %s %s %d %t", e.GetStaffId(), e.GetInstallation(), e.GetWhat(), e.GetDivision(), e.GetRows(), len(e.GetPersonId()) > 0))
		if e.GetPurpose() != "电话核查" || e.GetAtMs() != w.Clock.Now().UnixMilli() {
			t.Errorf("%v", e)
		}
	}
	slices.Sort(got)
	replica := controller.Cert.Replica().String()
	want := []string{
		"sun operator people.search 130403 1 false", "sun operator people.show 130403001001 1 true",
		"zhao " + replica + " people.search 130403001 1 false", "zhao " + replica + " people.show 130403001001 1 true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log says %q, want %q", got, want)
	}
	w.entriesAreSeen(clerk, controller)
}

// entriesAreSeen checks who reads the log.
func (w town) entriesAreSeen(clerk, controller *servertest.Device) {
	w.t.Helper()
	count := func(c *servertest.Caller, q *officev1.ListAccessRequest) int {
		w.t.Helper()
		q.Shard = w.shard
		m, err := officev1grpc.NewAccessServiceClient(c.Conn).ListAccess(c.Context(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		return len(m.GetEntries())
	}
	if n := count(clerk.Caller, &officev1.ListAccessRequest{}); n != 3 {
		w.t.Errorf("a township's desk sees %d entries about it, want 3", n)
	}
	if n := count(w.caller, &officev1.ListAccessRequest{StaffId: "zhao", What: "people.show"}); n != 1 {
		w.t.Errorf("%d of zhao's pages", n)
	}
	if n := count(w.caller, &officev1.ListAccessRequest{SinceMs: w.Clock.Now().Add(time.Second).UnixMilli()}); n != 0 {
		w.t.Errorf("%d from later on", n)
	}
	general := servertest.Clerk("wu", township)
	general.Classes = general.Classes[:1]
	plain := w.Enrol(general)
	if _, err := officev1grpc.NewAccessServiceClient(plain.Conn).ListAccess(plain.Context(), &officev1.ListAccessRequest{Shard: w.shard}); transport.ReasonOf(err) != rights {
		w.t.Errorf("a desk without the sensitive class: %v", err)
	}
	if m, err := w.search(plain.Caller, &officev1.SearchResidentsRequest{Text: "单"}); err != nil || len(m.GetPersons()) != 1 || len(m.GetPersons()[0].GetPopulations()) != 1 {
		w.t.Errorf("and whom it finds: %v, %v", m, err)
	}
	if _, err := w.search(plain.Caller, &officev1.SearchResidentsRequest{Population: carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL}); transport.ReasonOf(err) != syncv1.Reason_REASON_INVALID {
		w.t.Errorf("who asks for the mentally ill: %v", err)
	}
}

func TestADeskLooksUpWhoIsInItsScope(t *testing.T) {
	w := newTown(t)
	inside, outside := w.resident("单演示", aNumber, aPhone, servertest.Village), w.resident("单别处", "990000195803060026", aPhone, elsewhere)
	desk := w.Enrol(servertest.Clerk("zhao", township))
	w.follow()
	for _, q := range []*officev1.SearchResidentsRequest{{}, {Text: "单"}, {Text: "shan"}, {Text: "5678"}, {Place: "130403"}, {DoctorId: "zhang"}} {
		if got := w.found(desk.Caller, q); got != "单演示" {
			t.Errorf("%v: %q", q, got)
		}
	}
	if got := w.found(desk.Caller, &officev1.SearchResidentsRequest{Place: string(elsewhere)}); got != "" {
		t.Errorf("in a village of others: %q", got)
	}
	get := func(id record.ID) syncv1.Reason {
		_, err := w.residents(desk.Caller).GetPerson(desk.Context(), &officev1.GetPersonRequest{Shard: w.shard, Resident: id[:]})
		return transport.ReasonOf(err)
	}
	if got := get(inside); got != unspecified {
		t.Errorf("inside: %s", transport.ReasonName(got))
	}
	for name, id := range map[string]record.ID{"outside": outside, "nobody": record.DerivedID(care.KindResident, nil), "no resident": record.DerivedID(care.KindStaff, nil)} {
		if got := get(id); got != notFoundReason {
			t.Errorf("%s: %s", name, transport.ReasonName(got))
		}
	}
}

func TestAPersonsPageHasAllOfOnePerson(t *testing.T) {
	w := newTown(t)
	a, b := w.resident("单演示", aNumber, aPhone, servertest.Village), w.resident("单演示", aNumber, "13800000000", elsewhere)
	population{w.Server, t}.link(a, b, servertest.Village)
	visit := w.save(care.KindHypertensionFollowUp, &carev1.HypertensionFollowUp{
		ServiceDate: 20260115, DoctorId: "zhang", Status: carev1.FormStatus_FORM_STATUS_SUBMITTED,
		BloodPressure: &carev1.BloodPressure{SystolicMmhg: proto.Int32(80), DiastolicMmhg: proto.Int32(120)},
	}, servertest.Village, a)
	w.save(care.KindCheckup, &carev1.Checkup{ServiceDate: 20251201, General: &carev1.CheckupGeneral{
		BloodPressureLeft: &carev1.BloodPressure{SystolicMmhg: proto.Int32(150), DiastolicMmhg: proto.Int32(90)},
	}}, elsewhere, b)
	tuberculosis, _ := care.KindNamed("tuberculosis_follow_up")
	w.save(tuberculosis, &carev1.TuberculosisFollowUp{ServiceDate: 20260202}, servertest.Village, a)
	contract, _ := care.KindNamed("contract")
	w.save(contract, &carev1.Contract{
		SignedOn: 20260101, DoctorId: "zhang", State: carev1.ContractState_CONTRACT_STATE_SIGNED, Term: &carev1.ContractTerm{Since: 20260101, Until: 20261231},
	}, servertest.Village, a)
	w.follow()
	m, err := w.residents(w.caller).GetPerson(w.caller.Context(), &officev1.GetPersonRequest{Shard: w.shard, Resident: b[:]})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.GetResidents()) != 2 || len(m.GetPerson().GetResidentIds()) != 2 || m.GetPartial() || !m.GetMasked() || m.GetPerson().GetNumber() == aNumber {
		t.Errorf("the person: %v, partial %t", m.GetPerson(), m.GetPartial())
	}
	var days []int32
	for _, r := range m.GetRecords() {
		days = append(days, r.GetDate())
		if string(r.GetRecordId()) == string(visit[:]) && (r.GetStage() != "submitted" || r.GetFindings() == 0 || r.GetDoctorId() != "zhang" || r.GetAuthor() != "li") {
			t.Errorf("the visit: %v", r)
		}
	}
	if !slices.IsSortedFunc(days, func(a, b int32) int { return int(b - a) }) || len(days) < 6 {
		t.Errorf("records of %v", days)
	}
	if len(m.GetContracts()) != 1 || !m.GetContracts()[0].GetCurrent() {
		t.Errorf("contracts: %v", m.GetContracts())
	}
	if all := m.GetMeasurements(); len(all) != 2 || all[0].GetSystolicMmhg() != 150 || all[1].GetSystolicMmhg() != 80 {
		t.Errorf("measured: %v", all)
	}
	if len(m.GetFindings()) == 0 || m.GetFindings()[0].GetSeverity() != carev1.Severity_SEVERITY_ERROR || len(m.GetDue()) == 0 || len(m.GetKinds()) < 4 {
		t.Errorf("findings %v, due %d, kinds %v", m.GetFindings(), len(m.GetDue()), m.GetKinds())
	}
	w.pageOfADesk(a, elsewhere)
	w.pagedRecords(a, len(m.GetRecords()))
}

// pageOfADesk checks that a desk sees its part of a person, and that it is told that this is not all.
func (w town) pageOfADesk(id record.ID, division record.Division) {
	w.t.Helper()
	rights := servertest.Clerk("zhao", division)
	rights.Classes = rights.Classes[:1]
	desk := w.Enrol(rights)
	m, err := w.residents(desk.Caller).GetPerson(desk.Context(), &officev1.GetPersonRequest{Shard: w.shard, Resident: id[:]})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(m.GetResidents()) != 1 || !m.GetPartial() || len(m.GetMeasurements()) != 1 || len(m.GetContracts()) > 0 {
		w.t.Errorf("a desk's part: %v", m)
	}
	for _, r := range m.GetRecords() {
		if !slices.Contains(r.GetDivisions(), string(division)) {
			w.t.Errorf("a desk is shown %v", r)
		}
	}
}

func (w town) pagedRecords(id record.ID, all int) {
	w.t.Helper()
	seen := map[string]bool{}
	for token := ""; ; {
		m, err := w.residents(w.caller).GetPerson(w.caller.Context(), &officev1.GetPersonRequest{Shard: w.shard, Resident: id[:], PageSize: 2, PageToken: token})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range m.GetRecords() {
			seen[string(r.GetRecordId())] = true
		}
		if token = m.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(seen) != all {
		w.t.Errorf("%d records by pages of two, %d at once", len(seen), all)
	}
}
