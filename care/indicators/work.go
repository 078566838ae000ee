// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A WorkItem is something that a doctor is given points for (工分).
type WorkItem uint8

// The items, in the order in which the rule pack has their points.
const (
	WorkArchiveCreated WorkItem = iota
	WorkArchiveChecked
	WorkArchiveUpdated
	WorkLeaflet
	WorkBoard
	WorkConsultation
	WorkLecture
	WorkAgedCheckup
	WorkHypertensionVisit1
	WorkHypertensionVisit2
	WorkHypertensionVisit3
	WorkHypertensionVisit4
	WorkHypertensionExtra1
	WorkHypertensionExtra2
	WorkHypertensionCheckup
	WorkDiabetesVisit1
	WorkDiabetesVisit2
	WorkDiabetesVisit3
	WorkDiabetesVisit4
	WorkDiabetesExtra1
	WorkDiabetesExtra2
	WorkDiabetesCheckup
	WorkMentalCheckup
	WorkChineseMedicine
	WorkContract
	WorkPaidContract
	WorkPaidService
	WorkFreeService
	workItemCount
)

var workWords = [workItemCount][2]string{
	{"建立档案", "records begun"},
	{"审核档案", "records checked"},
	{"更新档案", "records updated"},
	{"发放健康教育资料", "leaflets given"},
	{"宣传栏", "boards"},
	{"公众咨询", "consultations"},
	{"健康讲座", "lectures"},
	{"老年人体检", "checkups of the aged"},
	{"高血压随访 1", "hypertension, visit 1"},
	{"高血压随访 2", "hypertension, visit 2"},
	{"高血压随访 3", "hypertension, visit 3"},
	{"高血压随访 4", "hypertension, visit 4"},
	{"高血压增加随访 1", "hypertension, extra visit 1"},
	{"高血压增加随访 2", "hypertension, extra visit 2"},
	{"高血压体检", "hypertension, checkup"},
	{"糖尿病随访 1", "diabetes, visit 1"},
	{"糖尿病随访 2", "diabetes, visit 2"},
	{"糖尿病随访 3", "diabetes, visit 3"},
	{"糖尿病随访 4", "diabetes, visit 4"},
	{"糖尿病增加随访 1", "diabetes, extra visit 1"},
	{"糖尿病增加随访 2", "diabetes, extra visit 2"},
	{"糖尿病体检", "diabetes, checkup"},
	{"严重精神障碍体检", "severe mental illness, checkup"},
	{"中医药健康指导", "Chinese medicine"},
	{"签约", "contracts"},
	{"有偿签约", "paid contracts"},
	{"有偿履约", "paid services"},
	{"无偿履约", "free services"},
}

// WorkItems returns all items in order.
func WorkItems() []WorkItem {
	out := make([]WorkItem, workItemCount)
	for i := range out {
		out[i] = WorkItem(i)
	}
	return out
}

// ZH returns what an item is called in Chinese.
func (w WorkItem) ZH() string { return workWords[min(w, workItemCount-1)][0] }

// EN returns what an item is called in English.
func (w WorkItem) EN() string { return workWords[min(w, workItemCount-1)][1] }

// Points returns the hundredths of a point that so many of an item are worth.
func (s Settings) Points(w WorkItem, times int64) int64 {
	if w >= workItemCount {
		return 0
	}
	return s.list[workPointsX100][w] * times
}

// A Work is how often a doctor did something.
type Work struct {
	Item     WorkItem
	Doctor   string
	Division record.Division
	Times    int64
}

// Work adds to out what doctors did for a person, or for the public, in the period. Whoever did it is counted,
// wherever the person is managed; what nobody signed for is left out.
func (e *Evaluator) Work(out []Work, f *Facts) []Work {
	if e.t1 == noDay {
		return out
	}
	e.p.look(e, f)
	note := func(item WorkItem, ev *event) {
		if doctor := f.name(ev.doctor); doctor != "" {
			out = noteWork(out, Work{item, doctor, e.placeOf(ev), 1})
		}
	}
	for i := range f.residents {
		r := &f.residents[i]
		if name := f.name(r.creator); name != "" && e.inPeriod(r.registered) && e.known(r.received) && r.standing.counts() {
			out = noteWork(out, Work{WorkArchiveCreated, name, f.place(r.place), 1})
		}
	}
	var visits [256]uint8
	for i := range f.events {
		if ev := &f.events[i]; e.inPeriod(ev.on) && e.known(ev.received) {
			e.workOf(ev, &visits, note)
		}
	}
	return out
}

func noteWork(all []Work, w Work) []Work {
	at := slices.IndexFunc(all, func(o Work) bool { return o.Item == w.Item && o.Doctor == w.Doctor && o.Division == w.Division })
	if at < 0 {
		return append(all, w)
	}
	all[at].Times += w.Times
	return all
}

// workOf notes what one event is worth.
func (e *Evaluator) workOf(ev *event, visits *[256]uint8, note func(WorkItem, *event)) {
	switch {
	case ev.what == whatReview:
		note(WorkArchiveChecked, ev)
	case ev.what == whatUpdate:
		note(WorkArchiveUpdated, ev)
	case !ev.standing.counts():
	case ev.what == whatHypertension:
		e.visitWork(ev, WorkHypertensionVisit1, visits, note)
	case ev.what == whatDiabetes:
		e.visitWork(ev, WorkDiabetesVisit1, visits, note)
	case ev.what == whatCheckup:
		e.checkupWork(ev, note)
	case ev.what == whatConstitution:
		note(WorkChineseMedicine, ev)
	case ev.what == whatContract && ev.flags&flagSigned != 0:
		note(paidOr(ev, WorkPaidContract, WorkContract), ev)
	case ev.what == whatService:
		note(paidOr(ev, WorkPaidService, WorkFreeService), ev)
	case ev.what == whatHomeVisit && ev.v[3] > 0:
		note(WorkLeaflet, ev)
	case ev.what == whatOutreach:
		outreachWork(ev, note)
	}
}

func paidOr(ev *event, paid, free WorkItem) WorkItem {
	if ev.flags&flagPaid != 0 {
		return paid
	}
	return free
}

// visitWork notes face-to-face visits that are up to standard: four, and two more.
func (e *Evaluator) visitWork(ev *event, first WorkItem, visits *[256]uint8, note func(WorkItem, *event)) {
	const most = uint8(WorkHypertensionExtra2-WorkHypertensionVisit1) + 1
	if n := visits[ev.what]; n < most && e.faceToFace(ev) && e.filled(ev) {
		visits[ev.what] = n + 1
		note(first+WorkItem(n), ev)
	}
}

// checkupWork notes a checkup for each of the groups that the person is of on its day.
func (e *Evaluator) checkupWork(ev *event, note func(WorkItem, *event)) {
	if e.p.isAged(ev.on) {
		note(WorkAgedCheckup, ev)
	}
	for _, of := range [...]struct {
		population uint8
		item       WorkItem
	}{{hypertension.population, WorkHypertensionCheckup}, {diabetes.population, WorkDiabetesCheckup}, {mentalCode, WorkMentalCheckup}} {
		if e.p.has(of.population, ev.on) {
			note(of.item, ev)
		}
	}
}

func outreachWork(ev *event, note func(WorkItem, *event)) {
	switch carev1.OutreachActivity(ev.v[0]) {
	case carev1.OutreachActivity_OUTREACH_ACTIVITY_PRINTED:
		note(WorkLeaflet, ev)
	case carev1.OutreachActivity_OUTREACH_ACTIVITY_BOARD:
		note(WorkBoard, ev)
	case carev1.OutreachActivity_OUTREACH_ACTIVITY_CONSULTATION:
		note(WorkConsultation, ev)
	case carev1.OutreachActivity_OUTREACH_ACTIVITY_LECTURE:
		note(WorkLecture, ev)
	}
}
