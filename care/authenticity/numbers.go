// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"math"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// number keeps a measured number; 0 is none.
func (v *Visit) number(f Field, n int32) {
	if n > 0 && !v.Phone {
		v.Values = append(v.Values, Value{f, n})
	}
}

func (v *Visit) way(w carev1.FollowUpWay) {
	v.Phone, v.AtHome = w == carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE, w == carev1.FollowUpWay_FOLLOW_UP_WAY_HOME
}

// pressure keeps what staff measured.
func (v *Visit) pressure(p *carev1.BloodPressure) {
	if !p.GetSelfReported() {
		v.number(Systolic, p.GetSystolicMmhg())
		v.number(Diastolic, p.GetDiastolicMmhg())
	}
}

func (v *Visit) size(b *carev1.BodySize) {
	v.number(Height, b.GetHeightCmX10())
	v.number(Weight, b.GetWeightKgX10())
}

// panel keeps what the laboratory found.
func (v *Visit) panel(t *carev1.CheckupTests) {
	blood, liver, kidney, lipids := t.GetBloodCount(), t.GetLiverFunction(), t.GetKidneyFunction(), t.GetLipids()
	for _, one := range []Value{
		{FastingGlucose, t.GetFastingGlucose().GetGlucoseMmolPerLX100()},
		{Haemoglobin, blood.GetHaemoglobinGPerLX100()},
		{WhiteCells, blood.GetWhiteCellsGigaPerLX100()},
		{Platelets, blood.GetPlateletsGigaPerLX100()},
		{ALT, liver.GetAltUPerLX100()},
		{AST, liver.GetAstUPerLX100()},
		{Albumin, liver.GetAlbuminGPerLX100()},
		{TotalBilirubin, liver.GetTotalBilirubinUmolPerLX100()},
		{DirectBilirubin, liver.GetDirectBilirubinUmolPerLX100()},
		{Creatinine, kidney.GetCreatinineUmolPerLX100()},
		{Urea, kidney.GetUreaMmolPerLX100()},
		{Potassium, kidney.GetPotassiumMmolPerLX100()},
		{Sodium, kidney.GetSodiumMmolPerLX100()},
		{Cholesterol, lipids.GetTotalCholesterolMmolPerLX100()},
		{Triglycerides, lipids.GetTriglyceridesMmolPerLX100()},
		{LDL, lipids.GetLdlMmolPerLX100()},
		{HDL, lipids.GetHdlMmolPerLX100()},
		{UricAcid, t.GetUricAcid().GetUricAcidUmolPerLX100()},
	} {
		v.number(one.Field, one.V)
	}
}

func idOf(b []byte) (id record.ID) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

// Point is a place on the map; the zero one is none.
type Point struct {
	Lat, Lon int32 // millionths of a degree
	Accuracy int32 // m, 0: not said
	System   carev1.CoordinateSystem
	Set      bool
}

func pointOf(p *carev1.Position) Point {
	if p == nil || p.LatitudeDegX1000000 == nil || p.LongitudeDegX1000000 == nil || p.GetLatitudeDegX1000000() == 0 && p.GetLongitudeDegX1000000() == 0 {
		return Point{}
	}
	return Point{p.GetLatitudeDegX1000000(), p.GetLongitudeDegX1000000(), p.GetAccuracyM(), p.GetCoordinateSystem(), true}
}

// sharp reports whether p is known to within so many metres.
func (p Point) sharp(metres int64) bool { return p.Set && int64(p.Accuracy) <= metres }

const (
	earthM  = 6_371_008.8 // mean radius
	degreeM = earthM * math.Pi / 180
)

// metres returns how far apart two points are, and whether that can be said: both are set, in
// one system of coordinates. What is nearer than the two accuracies together is 0.
func metres(a, b Point) (float64, bool) {
	if !a.Set || !b.Set || a.System != b.System {
		return 0, false
	}
	lat := float64(a.Lat-b.Lat) / 1e6
	lon := float64(a.Lon-b.Lon) / 1e6 * math.Cos(float64(a.Lat+b.Lat)/2e6*math.Pi/180)
	return max(degreeM*math.Hypot(lat, lon)-float64(a.Accuracy)-float64(b.Accuracy), 0), true
}

// apart is metres without taking the accuracies away.
func apart(a, b Point) (float64, bool) {
	a.Accuracy, b.Accuracy = 0, 0
	return metres(a, b)
}

// PointAt returns a point that is set.
func PointAt(lat, lon, accuracy, system int32) Point {
	return Point{lat, lon, accuracy, carev1.CoordinateSystem(system), true}
}
