// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const quarterDays = 91

// work does a year's work.
func (d *doctor) work() {
	for quarter := range 4 {
		d.followUps(quarter)
		d.homeVisits(quarter)
	}
	d.checkups()
	if d.Style == Twice {
		d.doubles()
	}
}

// open reports whether there is work on a day: not at the Spring Festival, seldom on Sunday.
func (d *doctor) open(day int) bool {
	on := d.date(day)
	festival := on >= 20260217 && on <= 20260219 || on >= 20250129 && on <= 20250131
	return !festival && (d.at(day, 0).Weekday() != time.Sunday || d.roll(0.2))
}

// workday returns a day of a quarter on which there is work.
func (d *doctor) workday(quarter int) int {
	for {
		if day := quarter*quarterDays + d.rnd.IntN(quarterDays); d.open(day) {
			return day
		}
	}
}

// agenda is when a quarter's patients are seen: some each day, one after the other.
type agenda struct {
	day, minute, today, most int
}

// next returns the next time, by day and minute.
func (d *doctor) next(a *agenda) (day, minute int) {
	if a.most == 0 || a.today >= a.most {
		a.day, a.minute, a.today, a.most = d.workday(a.day/quarterDays), 8*60+d.rnd.IntN(90), 0, 4+d.rnd.IntN(9)
	}
	a.today++
	a.minute += 6 + d.rnd.IntN(20)
	return a.day, a.minute
}

// present reports whether the doctor is where the records say.
func (d *doctor) present() bool {
	switch d.Style {
	case Crowded, Travelling, TwoVillages, OnePen, Midnight:
		return false
	}
	return true
}

// take returns when on a day there is time in a village, not before a minute, and takes so much
// of it; the way from another village is 40 minutes.
func (d *doctor) take(day, minute, village, length int) int {
	if !d.present() {
		return minute
	}
	from := d.busy[day]
	if from > 0 && d.in[day] != village {
		from += 40
	}
	minute = max(minute, from)
	d.busy[day], d.in[day] = minute+length, village
	return minute
}

// followUps follows every patient up once in a quarter, those off target again two weeks later.
func (d *doctor) followUps(quarter int) {
	plan := &agenda{day: quarter * quarterDays}
	for i, p := range d.shuffled() {
		day, minute := d.next(plan)
		switch d.Style {
		case Early:
			day = quarter*40 + d.rnd.IntN(10) + 5
		case Gridded:
			day = d.gridded(p, quarter)
		case Festive:
			if quarter == 0 && i < 30 {
				day = d.festival() + i/10
			}
		case Rushed:
			// seen as all others are, typed at the end of December
		}
		d.followUp(p, day, minute)
		if p.lastPressure >= 150 && d.roll(0.5) && day+14 < 360 && d.Style != Gridded && d.Style != Early {
			d.followUp(p, day+13+d.rnd.IntN(3), minute)
		}
	}
}

// festival returns the day of the year of the first day of the lunar year.
func (d *doctor) festival() int {
	if d.year == 2025 {
		return 28
	}
	return 47
}

// gridded returns the patient's day of the month, three months after the last one.
func (d *doctor) gridded(p *patient, quarter int) int {
	of := 1 + int(p.id[15])%28
	return d.start().AddDate(0, 3*quarter+int(p.id[14])%3, of-1).YearDay() - 1
}

func (d *doctor) followUp(p *patient, day, minute int) {
	for d.Style != Gridded && d.Style != Festive && d.Style != Early && (!d.open(day) || day == p.last) {
		day++
	}
	p.last = day
	if p.dies > 0 && day > p.dies && (d.Style != Dead || d.roll(0.3)) {
		return
	}
	m := d.measure(p)
	p.lastPressure = int(m.systolic)
	way := carev1.FollowUpWay_FOLLOW_UP_WAY_CLINIC
	switch u := d.rnd.Float64(); {
	case u < 0.1:
		way = carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE
	case u < 0.3:
		way = carev1.FollowUpWay_FOLLOW_UP_WAY_HOME
	}
	village := 0 // the clinic's
	if way == carev1.FollowUpWay_FOLLOW_UP_WAY_HOME {
		village = p.home.village
	}
	minute = d.take(day, minute, village, 8)
	if d.Style == Telephoned && d.roll(0.1) {
		d.notMet(p, day-4, minute)
		d.notMet(p, day+4, minute)
	}
	if p.hypertension {
		d.hypertension(p, m, way, day, minute)
	}
	if p.diabetes {
		d.diabetes(p, m, way, day, minute+2)
	}
}

// pressure is what was measured, or told by telephone.
func (d *doctor) pressure(m measurement, way carev1.FollowUpWay) *carev1.BloodPressure {
	phone := way == carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE
	return &carev1.BloodPressure{SystolicMmhg: &m.systolic, DiastolicMmhg: &m.diastolic, SelfReported: phone && (d.Style != Telephoned)}
}

// result returns how a follow-up is classified.
func (d *doctor) result(good bool) carev1.FollowUpResult {
	if good || d.Style == Controlled {
		return carev1.FollowUpResult_FOLLOW_UP_RESULT_CONTROLLED
	}
	return carev1.FollowUpResult_FOLLOW_UP_RESULT_NOT_CONTROLLED
}

// plan returns when the patient is to come again. Patients seldom come on the very day.
func (d *doctor) plan(p *patient, day int, good bool) int32 {
	after := 14
	if good {
		after = 90
	}
	if d.Style == Gridded {
		on := d.start().AddDate(0, 0, day).AddDate(0, 3, 0)
		return int32(care.DateOf(on))
	}
	p.due = d.date(day + after)
	return int32(p.due)
}

func (d *doctor) hypertension(p *patient, m measurement, way carev1.FollowUpWay, day, minute int) {
	good := m.systolic < 140 && m.diastolic < 90
	form := &carev1.HypertensionFollowUp{
		ServiceDate: int32(d.date(day)), DoctorId: d.Doctor, OrganisationCode: "C" + d.Doctor, Way: way, BloodPressure: d.pressure(m, way), HeartRatePerMin: &m.pulse,
		BodySize: d.size(p, m), Classification: d.result(good), NextServiceDate: d.plan(p, day, good), DoctorSignature: &carev1.Signature{StaffId: d.Doctor},
	}
	saved, lag := d.entry(day, minute)
	form.Capture = d.capture(day, minute, saved)
	d.enter(p, d.id(care.KindHypertensionFollowUp), form, saved, lag)
}

func (d *doctor) diabetes(p *patient, m measurement, way carev1.FollowUpWay, day, minute int) {
	good := m.glucose < 70
	form := &carev1.DiabetesFollowUp{
		ServiceDate: int32(d.date(day)), DoctorId: d.Doctor, OrganisationCode: "C" + d.Doctor, Way: way, BloodPressure: d.pressure(m, way), BodySize: d.size(p, m),
		FastingGlucoseMmolPerLX10: &m.glucose, Classification: d.result(good), NextServiceDate: d.plan(p, day, good), DoctorSignature: &carev1.Signature{StaffId: d.Doctor},
	}
	if way != carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE || d.Style == Telephoned {
		form.FootPulse = &carev1.FootPulse{State: carev1.FootPulseState_FOOT_PULSE_STATE_NORMAL}
	}
	saved, lag := d.entry(day, minute)
	form.Capture = d.capture(day, minute, saved)
	d.enter(p, d.id(care.KindDiabetesFollowUp), form, saved, lag)
}

func (d *doctor) size(p *patient, m measurement) *carev1.BodySize {
	height := int32(p.height * 10)
	if d.Style == Untrue && d.roll(0.3) {
		height += 60
	}
	return &carev1.BodySize{HeightCmX10: &height, WeightKgX10: &m.weight}
}

// entry returns when a record of a day and minute is saved, and how many days later it comes to
// the centre at least.
func (d *doctor) entry(day, minute int) (saved time.Time, lag int) {
	quarter := min(day/quarterDays, 3)
	switch {
	case d.Style == Typed:
		return d.at((quarter+1)*quarterDays-3, 18*60).Add(time.Duration(d.rnd.IntN(3500)) * time.Second), 0
	case d.Style == Overdue && d.roll(0.3):
		return d.at(day+40+d.rnd.IntN(20), 15*60), 0
	case d.Style == Rushed && quarter >= 2:
		return d.at(357+d.rnd.IntN(8), 9*60+d.rnd.IntN(480)), 0
	case d.evening:
		return d.at(day, 19*60+30).Add(time.Duration(d.rnd.IntN(7200)) * time.Second), 0
	case d.weekly:
		sunday := day + (7-int(d.at(day, 0).Weekday()))%7
		return d.at(sunday, 14*60).Add(time.Duration(d.rnd.IntN(10800)) * time.Second), 0
	}
	if d.roll(0.1) {
		lag = 1 + d.rnd.IntN(6) // on a trip without a network
	}
	return d.at(day, minute+5), lag
}

func (d *doctor) capture(day, minute int, saved time.Time) *carev1.Capture {
	c := &carev1.Capture{Source: carev1.CaptureSource_CAPTURE_SOURCE_ON_SITE, EnteredAtMs: saved.Add(d.clock).UnixMilli()}
	began := d.at(day, minute)
	if d.evening || d.weekly || saved.Sub(began) > time.Hour {
		c.Source = carev1.CaptureSource_CAPTURE_SOURCE_LATER_ENTRY
		began = saved.Add(-3 * time.Minute)
	}
	if d.Style == Clock && d.roll(0.3) {
		c.EnteredAtMs -= 90 * minuteMs
	}
	c.StartedAtMs, c.EndedAtMs = began.UnixMilli(), began.Add(4*time.Minute).UnixMilli()
	return c
}

// homeVisits goes from home to home, one village a day: each home with all who live there.
func (d *doctor) homeVisits(quarter int) {
	if d.Style == Midnight {
		d.midnight(quarter)
	}
	for range d.visits * 4 {
		day, minute := d.workday(quarter), 8*60+30+d.rnd.IntN(60)
		for d.present() && d.busy[day] > 14*60 {
			day = d.workday(quarter)
		}
		in, homes := d.rnd.IntN(2), 2+d.rnd.IntN(5)
		if d.Style == Crowded && d.roll(0.3) {
			homes = 40
		}
		var at *home
		for i := range homes {
			h := d.homes[d.rnd.IntN(len(d.homes))]
			if d.Style == Travelling || d.Style == TwoVillages {
				in = i % 2
			}
			for range 20 {
				if h.village == in && h != at {
					break
				}
				h = d.homes[d.rnd.IntN(len(d.homes))]
			}
			stay := 15 + d.rnd.IntN(15)
			if d.Style == OnePen {
				stay = 4
			}
			if at == h || d.present() && minute > 18*60 {
				continue
			}
			walk := d.walk(at, h)
			if d.Style == TwoVillages {
				walk = -stay // begun in the same minute
			}
			minute = d.take(day, minute, h.village, stay+walk)
			d.visitHome(h, day, minute, stay, i)
			minute += stay + walk
			at = h
		}
	}
}

// walk returns how long it takes to the next home and to begin there, in minutes.
func (d *doctor) walk(from, to *home) int {
	switch {
	case d.Style == Crowded:
		return -13
	case d.Style == Travelling:
		return 1
	case d.Style == OnePen:
		return -2
	case from != nil && from.village != to.village:
		return 25 + d.rnd.IntN(15)
	}
	return 6 + d.rnd.IntN(12)
}

// midnight writes ten visits before midnight.
func (d *doctor) midnight(quarter int) {
	for range 2 {
		day := d.workday(quarter)
		for i := range 10 {
			d.visitHome(d.homes[d.rnd.IntN(len(d.homes))], day, 22*60+8*i, 6, i)
		}
	}
}

func (d *doctor) visitHome(h *home, day, minute, stay, nth int) {
	where := proto.CloneOf(h.point)
	*where.LatitudeDegX1000000 += int32(40 * d.rnd.NormFloat64())
	*where.LongitudeDegX1000000 += int32(40 * d.rnd.NormFloat64())
	switch {
	case d.Style == OnePen:
		where = d.position(d.village[0].lat, d.village[0].lon)
		where.AccuracyM = proto.Int32(5)
	case d.Style == Travelling && nth%2 == 1:
		*where.LatitudeDegX1000000 += 60_000 // 6.7 km on
	case d.Style == Far:
		*where.LongitudeDegX1000000 += 35_000
	case d.roll(0.03): // met in the fields
		*where.LatitudeDegX1000000 += 14_000
	}
	photo := sha256.Sum256(binary.BigEndian.AppendUint64(nil, d.rnd.Uint64()))
	if d.Style == Photos {
		photo = d.photo
	}
	for _, p := range d.list {
		if p.home == h && (p.dies == 0 || day <= p.dies) {
			d.homeVisit(p, day, minute, stay, where, photo)
		}
	}
}

func (d *doctor) homeVisit(p *patient, day, minute, stay int, where *carev1.Position, photo [sha256.Size]byte) {
	m := d.measure(p)
	arrived := d.at(day, minute)
	form := &carev1.HomeVisit{
		ServiceDate: int32(d.date(day)), DoctorId: d.Doctor, OrganisationCode: "C" + d.Doctor, MetResident: carev1.MetResident_MET_RESIDENT_RESIDENT,
		Stay:        &carev1.Stay{ArrivedAtMs: arrived.UnixMilli(), LeftAtMs: arrived.Add(time.Duration(stay) * time.Minute).UnixMilli()},
		HouseholdId: p.home.id[:], Position: where, BloodPressure: &carev1.BloodPressure{SystolicMmhg: &m.systolic, DiastolicMmhg: &m.diastolic},
		PulsePerMin: &m.pulse, BodySize: d.size(p, m), WaistCmX10: &m.waist, DoctorSignature: &carev1.Signature{StaffId: d.Doctor},
		Photos: map[string]*carev1.Photo{"a": {Sha256: photo[:], TakenAtMs: arrived.Add(5 * time.Minute).UnixMilli()}},
	}
	if d.Style == Photos {
		if d.photoAt.IsZero() {
			d.photoAt = arrived
		}
		form.Photos["a"].TakenAtMs = d.photoAt.UnixMilli()
	}
	saved, lag := d.entry(day, minute+stay)
	form.Capture = d.capture(day, minute, saved)
	d.enter(p, d.id(care.KindHomeVisit), form, saved, lag)
}

// notMet writes a home visit that found nobody.
func (d *doctor) notMet(p *patient, day, minute int) {
	form := &carev1.HomeVisit{
		ServiceDate: int32(d.date(day)), DoctorId: d.Doctor, OrganisationCode: "C" + d.Doctor, MetResident: carev1.MetResident_MET_RESIDENT_NOT_MET,
		AbsentReason: carev1.AbsentReason_ABSENT_REASON_OUT,
	}
	d.enter(p, d.id(care.KindHomeVisit), form, d.at(day, minute), 0)
}

// checkups examines everybody of 65 and more on a few days, those who live together on one.
func (d *doctor) checkups() {
	first := 120 + d.rnd.IntN(150)
	if d.roll(0.2) {
		first = 290 + d.rnd.IntN(40)
	}
	days := 3 + d.rnd.IntN(5)
	for i, p := range d.list {
		if d.year-p.born.Year() < 65 || p.dies > 0 && first > p.dies {
			continue
		}
		day := first + int(p.home.id[15])%days*2
		d.checkup(p, day, 8*60+i)
		if d.Style == Untrue {
			m := *p.before
			m.systolic += 30
			d.hypertension(p, m, carev1.FollowUpWay_FOLLOW_UP_WAY_CLINIC, day, 8*60+i)
		}
	}
}

func (d *doctor) checkup(p *patient, day, minute int) {
	m := d.measure(p)
	tests := d.tests(p)
	if d.Style == Panels {
		if d.panel != nil && d.roll(0.8) {
			tests = proto.CloneOf(d.panel)
		}
		d.panel = tests
	}
	form := &carev1.Checkup{
		ServiceDate: int32(d.date(day)), DoctorId: d.Doctor, OrganisationCode: "C" + d.Doctor, Tests: tests,
		General: &carev1.CheckupGeneral{
			PulsePerMin: &m.pulse, WaistCmX10: &m.waist, BodySize: d.size(p, m),
			BloodPressureRight: &carev1.BloodPressure{SystolicMmhg: &m.systolic, DiastolicMmhg: &m.diastolic},
		},
	}
	if d.Style == Hospital && d.roll(0.3) {
		form.Admissions = &carev1.CheckupAdmissions{HospitalStays: map[string]*carev1.Admission{
			"a": {AdmittedOn: int32(d.date(max(day-100, 1))), DischargedOn: int32(d.date(day - 2))},
		}}
	}
	saved, lag := d.entry(day, minute)
	if d.Style != Rushed && d.Style != Typed && d.Style != Overdue {
		saved, lag = d.at(day, 15*60+minute%120), 0
	}
	form.Capture = d.capture(day, minute, saved)
	d.enter(p, d.id(care.KindCheckup), form, saved, lag)
}

// tests are what the laboratory's machines print.
func (d *doctor) tests(p *patient) *carev1.CheckupTests {
	near := func(v *int32, by float64) *int32 {
		return proto.Int32(int32(float64(*v) * (1 + by*d.rnd.NormFloat64())))
	}
	draw := func(mean, sd float64) *int32 { return x100(max(mean+sd*d.rnd.NormFloat64(), mean/3)) }
	normal := func(share float64) carev1.FindingResult {
		if d.Style == AllNormal || d.roll(share) {
			return carev1.FindingResult_FINDING_RESULT_NORMAL
		}
		return carev1.FindingResult_FINDING_RESULT_ABNORMAL
	}
	return &carev1.CheckupTests{
		FastingGlucose: &carev1.FastingGlucose{GlucoseMmolPerLX100: near(p.row.Glucose(), 0.05)},
		Lipids: &carev1.Lipids{
			TotalCholesterolMmolPerLX100: near(p.row.Cholesterol(), 0.05), TriglyceridesMmolPerLX100: near(p.row.Triglycerides(), 0.1),
			LdlMmolPerLX100: near(p.row.LowDensity(), 0.05), HdlMmolPerLX100: near(p.row.HighDensity(), 0.05),
		},
		BloodCount: &carev1.BloodCount{HaemoglobinGPerLX100: draw(135, 12), WhiteCellsGigaPerLX100: draw(6, 1.4), PlateletsGigaPerLX100: draw(210, 45)},
		LiverFunction: &carev1.LiverFunction{
			AltUPerLX100: draw(21, 8), AstUPerLX100: draw(23, 6), AlbuminGPerLX100: draw(44, 3), TotalBilirubinUmolPerLX100: draw(13, 4), DirectBilirubinUmolPerLX100: draw(4, 1.2),
		},
		KidneyFunction:      &carev1.KidneyFunction{CreatinineUmolPerLX100: draw(72, 15), UreaMmolPerLX100: draw(5.4, 1.3), PotassiumMmolPerLX100: draw(4.2, 0.35), SodiumMmolPerLX100: draw(141, 2)},
		Electrocardiogram:   &carev1.Electrocardiogram{Result: normal(0.7)},
		AbdominalUltrasound: &carev1.FindingTest{Result: normal(0.65)},
	}
}

// doubles registers some patients again, with one digit of the number another one.
func (d *doctor) doubles() {
	for i, p := range d.list {
		if i%20 != 0 {
			continue
		}
		form, _ := proto.Clone(p.entries[0].Form).(*carev1.Resident)
		text := []byte(form.GetIdentityDocument().GetNumber())
		if i%40 == 0 {
			text[15] = '0' + (text[15]-'0'+1)%10
		}
		form.IdentityDocument.Number = string(text)
		again := &patient{id: d.id(care.KindResident), home: p.home, places: p.places}
		again.places = map[record.ID]authenticity.Place{}
		d.enter(again, again.id, form, d.at(30, 600), 0)
		d.list = append(d.list, again)
	}
}
