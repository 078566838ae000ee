// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
)

// takePublic adds what a record says that is about nobody in particular. Of other kinds only the day counts,
// for records in use.
func (x *extraction) takePublic(e rules.Entry) {
	switch form := e.Form.(type) {
	case *carev1.OutreachEvent:
		x.takeOutreach(e, form)
	case *carev1.SatisfactionSurvey:
		x.takeSurvey(e, form)
	case *carev1.LiteracySurvey:
		x.takeLiteracy(e, form)
	case *carev1.Feedback:
		x.add(e, form.GetReceivedOn(), 0, form.GetOutcome().GetClosedOn(), form.GetDueOn())
	case *carev1.Organisation:
		x.takeOrganisation(e, form)
	case *carev1.Statistic:
		x.takeStatistic(e, form)
	case *carev1.Task:
		x.takeTask(e, form)
	default:
		if care.AboutResident(e.Kind) && e.Kind <= lastKind {
			x.add(e, serviceDateOf(e), flagReached)
		}
	}
}

// lastKind is the highest number of a kind that is no what of its own.
const lastKind = 127

// serviceDateOf returns the date that stands first on a form, 0 if none does.
func serviceDateOf(e rules.Entry) int32 {
	m := e.Form.ProtoReflect()
	if f := m.Descriptor().Fields().ByNumber(1); f != nil && f.Kind() == protoreflect.Int32Kind && !f.IsList() {
		return int32(m.Get(f).Int())
	}
	return 0
}

func (x *extraction) takeOutreach(e rules.Entry, form *carev1.OutreachEvent) {
	if form.GetServiceDate() != 0 {
		x.add(e, form.GetServiceDate(), when(form.GetOnHoliday(), flagHoliday),
			int32(form.GetActivity()), max(form.GetParticipants(), 0), int32(form.GetTrainingMode()))
	}
	for _, m := range form.GetMilestones() {
		x.addBy(e, whatMilestone, m.GetDueOn(), m.GetResponsibleId(), 0, m.GetDoneOn())
	}
}

// takeSurvey writes the answers, the quarter it is of, and the items that were known of those asked.
func (x *extraction) takeSurvey(e rules.Entry, form *carev1.SatisfactionSurvey) {
	var known, asked int32
	for _, a := range form.GetAwareness() {
		switch a.GetAnswer() {
		case carev1.Awareness_AWARENESS_KNOWN:
			known++
			asked++
		case carev1.Awareness_AWARENESS_NOT_KNOWN:
			asked++
		}
	}
	year, quarter := form.GetPeriod().GetYear(), form.GetPeriod().GetQuarter()
	if year == 0 || quarter < 1 || quarter > 4 {
		d := care.Date(form.GetServiceDate())
		year, quarter = int32(d.Year()), int32(max(d.Month(), 1)+2)/3
	}
	answers := int32(form.GetOverall()) | int32(form.GetContractService())<<4 | int32(form.GetServicesReceived())<<8
	x.add(e, form.GetServiceDate(), 0, year*10+quarter, answers, known, asked)
}

func (x *extraction) takeLiteracy(e rules.Entry, form *carev1.LiteracySurvey) {
	var known, not int64
	for _, t := range form.GetTopics() {
		known += int64(max(t.GetKnown(), 0))
		not += int64(max(t.GetNotKnown(), 0))
	}
	x.add(e, form.GetServiceDate(), 0, int32(min(known, 1<<31-1)), int32(min(not, 1<<31-1)))
}

// takeOrganisation is dated by its first day; one without is taken to have been there always.
func (x *extraction) takeOrganisation(e rules.Entry, form *carev1.Organisation) {
	since := form.GetPeriod().GetSince()
	if since == 0 {
		since = 19000101
	}
	s := form.GetVillageClinicStandard()
	x.add(e, since, when(s.GetMet(), flagMet), int32(form.GetType()), form.GetPeriod().GetUntil(), s.GetJudgedOn())
}

// takeStatistic writes the value in two halves: 31 bits, and what is above.
func (x *extraction) takeStatistic(e rules.Entry, form *carev1.Statistic) {
	year, value := form.GetYear(), form.GetValue()
	if value == nil || value.ValueX1000 == nil || value.GetValueX1000() < 0 || year < 1 || year > 9999 {
		return
	}
	v := value.GetValueX1000()
	x.add(e, year*10_000+101, uint32(v>>31&0xffffff)<<8, int32(form.GetCode()), form.GetMonth(), int32(v&(1<<31-1)))
}

func (x *extraction) takeTask(e rules.Entry, form *carev1.Task) {
	x.add(e, form.GetIssuedOn(), 0, int32(x.nameOf(form.GetIndicatorCode())), form.GetQuota().GetQuota(), form.GetWindow().GetDueOn(), int32(form.GetState()))
}
