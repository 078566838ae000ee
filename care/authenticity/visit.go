// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"slices"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Place is where a record stands and how it came.
type Place struct {
	Division record.Division // the first it is shown in; empty: nowhere
	Class    record.Class
	Author   string    // who saved it first
	Saved    time.Time // by the saver's clock, its first revision
	Received time.Time // by the centre's
}

// Visit is what rules compare of one record of a service. Instants are UTC milliseconds, 0
// where the form or its coming does not say; numbers of a measurement are 0 or absent where
// nothing was measured by staff: told on the telephone, or by the patient.
type Visit struct {
	Record, Person, Household record.ID
	Kind                      record.Kind
	Doctor, Unit, Author      string
	Division                  record.Division
	Class                     record.Class
	Day, Next                 care.Date // of the service; planned for the next one

	Began, Ended, Entered, Saved, Received int64

	Source  carev1.CaptureSource
	Phone   bool // by telephone: nobody was there
	AtHome  bool // in the home, met or not
	Nobody  bool // a home visit that met nobody
	Signer  string
	Result  carev1.FollowUpResult
	ECG     carev1.FindingResult
	Sound   carev1.FindingResult // ultrasound of the abdomen
	Point   Point
	Glucose int32   // tenths of a mmol/L as a hand-held meter shows them, 0: none
	Values  []Value // by Field
}

// Value is one measured number as the form stores it.
type Value struct {
	Field Field
	V     int32
}

// Field names what was measured, alike on all forms.
type Field uint8

// What is measured. The numbers are kept in derived files and may change with Version.
const (
	Systolic Field = 1 + iota
	Diastolic
	HeartRate
	Height
	Weight
	Waist
	FastingGlucose
	Haemoglobin
	WhiteCells
	Platelets
	ALT
	AST
	Albumin
	TotalBilirubin
	DirectBilirubin
	Creatinine
	Urea
	Potassium
	Sodium
	Cholesterol
	Triglycerides
	LDL
	HDL
	UricAcid
)

// lab reports whether a machine of the laboratory gives the number.
func (f Field) lab() bool { return f == FastingGlucose || f >= Haemoglobin }

// Get returns what was measured, and whether it was.
func (v *Visit) Get(f Field) (int32, bool) {
	for _, one := range v.Values {
		if one.Field == f {
			return one.V, true
		}
	}
	return 0, false
}

// Legacy reports whether the record was taken over from elsewhere: its clocks say nothing.
func (v *Visit) Legacy() bool {
	return v.Source == carev1.CaptureSource_CAPTURE_SOURCE_IMPORT || v.Source == carev1.CaptureSource_CAPTURE_SOURCE_CENTRE
}

// OnSite reports whether Began and Ended are when the service was, not when it was typed: a home
// visit says when staff came and left, other forms when they were opened on the spot.
func (v *Visit) OnSite() bool {
	return v.Began > 0 && (v.Kind == care.KindHomeVisit || v.Source == carev1.CaptureSource_CAPTURE_SOURCE_ON_SITE)
}

// Face reports whether somebody was seen.
func (v *Visit) Face() bool { return !v.Phone && !v.Nobody }

// FollowUp reports whether the record is a follow-up of a chronic illness.
func (v *Visit) FollowUp() bool {
	switch v.Kind {
	case care.KindHypertensionFollowUp, care.KindDiabetesFollowUp, kindCopd:
		return true
	}
	return false
}

const (
	kindCopd        record.Kind = 21
	kindFirstOther  record.Kind = 22 // self-care assessment … tuberculosis follow-up
	kindLastOther   record.Kind = 29
	kindScreening   record.Kind = 35
	kindVitalEvent  record.Kind = 42
	kindHousehold   record.Kind = 46
	kindStaff       record.Kind = 48
	kindTBHomeVisit record.Kind = 52
)

// service reports whether the records of kind are services to one resident by one doctor.
func service(kind record.Kind) bool {
	return kind >= care.KindHomeVisit && kind <= kindCopd || kind >= kindFirstOther && kind <= kindLastOther || kind == kindScreening || kind == kindTBHomeVisit
}

// headed is what forms of services have in common.
type headed interface {
	GetServiceDate() int32
	GetOrganisationCode() string
	GetDoctorId() string
	GetCapture() *carev1.Capture
}

// VisitOf returns what rules compare of an entry, and whether it is a service of a day that the
// calendar has by a doctor it names.
func VisitOf(person record.ID, e rules.Entry, p Place) (Visit, bool) {
	form, ok := e.Form.(headed)
	if !ok || !service(e.Kind) || !care.Date(form.GetServiceDate()).Whole() || form.GetDoctorId() == "" {
		return Visit{}, false
	}
	c := form.GetCapture()
	v := Visit{
		Record: e.ID, Person: person, Kind: e.Kind, Doctor: form.GetDoctorId(), Unit: form.GetOrganisationCode(), Author: p.Author,
		Division: p.Division, Class: p.Class, Day: care.Date(form.GetServiceDate()), Source: c.GetSource(),
		Began: c.GetStartedAtMs(), Ended: c.GetEndedAtMs(), Entered: c.GetEnteredAtMs(), Saved: millis(p.Saved), Received: millis(p.Received),
	}
	if v.Entered == 0 {
		v.Entered = v.Saved
	}
	v.read(e.Form)
	slices.SortFunc(v.Values, func(a, b Value) int { return int(a.Field) - int(b.Field) })
	return v, true
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// read takes what is particular to a kind.
func (v *Visit) read(form any) {
	switch m := form.(type) {
	case *carev1.HomeVisit:
		v.homeVisit(m)
	case *carev1.HypertensionFollowUp:
		v.way(m.GetWay())
		v.pressure(m.GetBloodPressure())
		v.size(m.GetBodySize())
		v.number(HeartRate, m.GetHeartRatePerMin())
		v.Result, v.Next, v.Signer = m.GetClassification(), care.Date(m.GetNextServiceDate()), m.GetDoctorSignature().GetStaffId()
	case *carev1.DiabetesFollowUp:
		v.way(m.GetWay())
		v.pressure(m.GetBloodPressure())
		v.size(m.GetBodySize())
		v.number(FastingGlucose, 10*m.GetFastingGlucoseMmolPerLX10())
		if !v.Phone {
			v.Glucose = m.GetFastingGlucoseMmolPerLX10()
		}
		v.Result, v.Next, v.Signer = m.GetClassification(), care.Date(m.GetNextServiceDate()), m.GetDoctorSignature().GetStaffId()
	case *carev1.CopdFollowUp:
		v.way(m.GetWay())
		v.pressure(m.GetBloodPressure())
		v.size(m.GetBodySize())
		v.number(HeartRate, m.GetHeartRatePerMin())
		v.Next, v.Signer = care.Date(m.GetNextServiceDate()), m.GetDoctorSignature().GetStaffId()
	case *carev1.Checkup:
		v.checkup(m)
	case *carev1.MentalIllnessFollowUp:
		v.Phone = m.GetWay() == carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE
	case *carev1.DiseaseScreening:
		v.pressure(m.GetBloodPressure())
	}
}

func (v *Visit) homeVisit(m *carev1.HomeVisit) {
	v.AtHome, v.Nobody = true, m.GetMetResident() == carev1.MetResident_MET_RESIDENT_NOT_MET
	switch at := m.GetStay(); {
	case at.GetArrivedAtMs() > 0:
		v.Began, v.Ended = at.GetArrivedAtMs(), at.GetLeftAtMs()
	case v.Source != carev1.CaptureSource_CAPTURE_SOURCE_ON_SITE:
		v.Began, v.Ended = 0, 0
	}
	v.Household = idOf(m.GetHouseholdId())
	v.Point = pointOf(m.GetPosition())
	v.pressure(m.GetBloodPressure())
	v.size(m.GetBodySize())
	v.number(HeartRate, m.GetPulsePerMin())
	v.number(Waist, m.GetWaistCmX10())
	if g := m.GetBloodGlucose(); g.GetTiming() == carev1.GlucoseTiming_GLUCOSE_TIMING_FASTING {
		v.number(FastingGlucose, 10*g.GetGlucoseMmolPerLX10())
		v.Glucose = g.GetGlucoseMmolPerLX10()
	}
	v.Next, v.Signer = care.Date(m.GetNextServiceDate()), m.GetDoctorSignature().GetStaffId()
}

func (v *Visit) checkup(m *carev1.Checkup) {
	g, t := m.GetGeneral(), m.GetTests()
	pressure := g.GetBloodPressureRight()
	if pressure.GetSystolicMmhg() == 0 {
		pressure = g.GetBloodPressureLeft()
	}
	v.pressure(pressure)
	v.size(g.GetBodySize())
	v.number(HeartRate, g.GetPulsePerMin())
	v.number(Waist, g.GetWaistCmX10())
	v.panel(t)
	v.ECG, v.Sound = t.GetElectrocardiogram().GetResult(), t.GetAbdominalUltrasound().GetResult()
}
