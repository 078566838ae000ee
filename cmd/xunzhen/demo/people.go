// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"math"
	"math/rand/v2"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// Invented names: a common surname, and a given name that says it is invented.
var (
	surnames = [...]string{"王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "林", "罗"}
	given    = [...]string{
		"试春", "试夏", "试秋", "试冬", "试云", "试雨", "试雪", "试风", "样山", "样河", "样田", "样林",
		"样石", "样松", "样竹", "样梅", "例安", "例宁", "例康", "例平", "例福", "例和", "例乐", "例喜",
	}
)

const (
	inventedArea  = "990000" // of identity numbers; GB/T 2260 has no such area
	inventedPhone = "100"    // begins phone numbers; no mobile number begins so
	// pulsePressure is invented; with it the mean pressure gives both: mean = diastolic + a third of it.
	pulsePressure = 45.0
	invention     = "演示数据：身高、体重、血压的高低值与脉率为虚构 / demo: height, weight, the two blood pressures and the pulse are invented"
)

// person is one resident of the demo: real measurements, invented everything else.
type person struct {
	measured
	number   int // from 0
	division division
	born     care.Date
	heightCm float64
	pulse    int32
}

// newPerson invents what the measurements lack.
func newPerson(number int, m measured, d division, today care.Date, rnd *rand.Rand) person {
	p := person{measured: m, number: number, division: d, pulse: int32(62 + rnd.IntN(26))}
	// Either this year's birthday has been, or it is still to come.
	p.born = care.Date((today.Year()-m.ageYears-1)*10000 + (1+rnd.IntN(12))*100 + 1 + rnd.IntN(28))
	if p.born.AgeOn(today) > m.ageYears {
		p.born += 10000
	}
	p.heightCm = 156 + 6*rnd.NormFloat64()
	if p.sex() == carev1.Sex_SEX_MALE {
		p.heightCm += 11
	}
	p.heightCm = min(max(p.heightCm, 140), 195)
	return p
}

// sex reads the unlabelled codes 1 and 2 in the order of GB/T 2261.1.
func (p person) sex() carev1.Sex {
	if p.sexCode == 1 {
		return carev1.Sex_SEX_MALE
	}
	return carev1.Sex_SEX_FEMALE
}

func (p person) name() string {
	return surnames[p.number%len(surnames)] + given[p.number/len(surnames)%len(given)]
}

// identityNumber returns a number of an area that does not exist, with a right check
// character.
func (p person) identityNumber() string {
	sequence := p.number % 499 * 2 // even: a woman
	if p.sex() == carev1.Sex_SEX_MALE {
		sequence++
	}
	first := fmt.Sprintf("%s%08d%03d", inventedArea, p.born, sequence)
	for _, check := range "0123456789X" {
		if n, err := care.ParseResidentNumber(first + string(check)); err == nil {
			return string(n)
		}
	}
	return ""
}

func (p person) phone() string { return fmt.Sprintf("%s%08d", inventedPhone, p.number) }

// resident is the form that is filled in when the person is registered.
func (p person) resident(on care.Date) *carev1.Resident {
	return &carev1.Resident{
		RegisteredOn: int32(on), Status: carev1.FormStatus_FORM_STATUS_SUBMITTED,
		Name: p.name(), Sex: p.sex(), BirthDate: int32(p.born), Phone: p.phone(),
		IdentityDocument: &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: p.identityNumber()},
		Residency:        carev1.Residency_RESIDENCY_REGISTERED,
		Address:          &carev1.Address{DivisionCode: p.division.code, Text: p.address()},
		Ethnicity:        carev1.Ethnicity_ETHNICITY_HAN,
	}
}

func (p person) address() string { return fmt.Sprintf("%s%d号", p.division.name, 1+p.number%120) }

// checkup is the form of the person's checkup.
func (p person) checkup(on care.Date) *carev1.Checkup {
	return &carev1.Checkup{
		ServiceDate: int32(on), Status: carev1.FormStatus_FORM_STATUS_SUBMITTED,
		Reasons: []carev1.CheckupReason{carev1.CheckupReason_CHECKUP_REASON_DIABETES},
		Place:   carev1.CheckupPlace_CHECKUP_PLACE_VILLAGE_CLINIC,
		General: p.general(),
		Tests: &carev1.CheckupTests{
			FastingGlucose: &carev1.FastingGlucose{GlucoseMmolPerLX100: hundredths(p.glucoseMgDl, glucoseFactor)},
			Lipids:         p.lipids(),
			Other:          invention,
		},
	}
}

func (p person) general() *carev1.CheckupGeneral {
	diastolic := p.meanBP - pulsePressure/3
	meters := p.heightCm / 100
	return &carev1.CheckupGeneral{
		PulsePerMin: &p.pulse,
		BloodPressureRight: &carev1.BloodPressure{
			SystolicMmhg: round(diastolic + pulsePressure), DiastolicMmhg: round(diastolic), Arm: carev1.Arm_ARM_RIGHT,
		},
		BodySize: &carev1.BodySize{
			HeightCmX10: round(p.heightCm * 10), WeightKgX10: round(p.bmi * meters * meters * 10), BmiKgPerM2X10: round(p.bmi * 10),
		},
	}
}

func (p person) lipids() *carev1.Lipids {
	return &carev1.Lipids{
		TotalCholesterolMmolPerLX100: hundredths(p.totalMgDl, cholesterolFactor),
		TriglyceridesMmolPerLX100:    hundredths(math.Exp(p.lnTrigMgDl), triglycerideFactor),
		LdlMmolPerLX100:              hundredths(p.ldlMgDl, cholesterolFactor),
		HdlMmolPerLX100:              hundredths(p.hdlMgDl, cholesterolFactor),
	}
}

func round(f float64) *int32 {
	n := int32(math.Round(f))
	return &n
}
