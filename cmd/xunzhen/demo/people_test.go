// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const today care.Date = 20260301

func wholePlan(t *testing.T) *plan {
	t.Helper()
	p, err := newPlan(MaxResidents, today, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *plan) everybody() []person {
	all := []person{p.twice}
	for _, some := range p.capture {
		all = append(all, some...)
	}
	for _, some := range p.newcomers {
		all = append(all, some...)
	}
	return all
}

func TestEverybodyMeasuredIsInThePlanOnce(t *testing.T) {
	numbers, names, ids := map[int]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range wholePlan(t).everybody() {
		numbers[p.number], names[p.name()], ids[p.identityNumber()] = true, true, true
	}
	if len(numbers) != MaxResidents || len(names) != MaxResidents || len(ids) != MaxResidents {
		t.Errorf("%d people, %d names, %d identity numbers", len(numbers), len(names), len(ids))
	}
}

func TestTheSameSeedGivesTheSamePlan(t *testing.T) {
	if !reflect.DeepEqual(wholePlan(t), wholePlan(t)) {
		t.Error("they differ")
	}
}

func TestTheLeastPlanHasEnoughForEveryScene(t *testing.T) {
	p, err := newPlan(MinResidents, today, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.everybody()) != MinResidents || len(p.capture[0]) < 2*p.scenes || len(p.capture[1]) < p.scenes || len(p.newcomers[1]) == 0 {
		t.Errorf("%d, %d, %d", len(p.capture[0]), len(p.capture[1]), len(p.newcomers[1]))
	}
}

func TestWhatIsInventedSaysSo(t *testing.T) {
	for _, p := range wholePlan(t).everybody() {
		r := p.resident(today)
		if !strings.ContainsAny(string([]rune(r.GetName())[1]), "试样例") {
			t.Errorf("name %s", r.GetName())
		}
		if n := r.GetIdentityDocument().GetNumber(); !strings.HasPrefix(n, inventedArea) || !strings.HasPrefix(r.GetPhone(), inventedPhone) {
			t.Errorf("number %s, phone %s", n, r.GetPhone())
		}
		if len(r.GetPhone()) != 11 {
			t.Errorf("phone %s", r.GetPhone())
		}
		n, err := care.ParseResidentNumber(r.GetIdentityDocument().GetNumber())
		if err != nil || n.BirthDate() != p.born || n.Sex() != p.sex() {
			t.Errorf("number of %d: %v", p.number, err)
		}
		if p.checkup(today).GetTests().GetOther() != invention {
			t.Errorf("checkup of %d does not say what is invented", p.number)
		}
	}
}

func TestWhatWasMeasuredStandsInTheForms(t *testing.T) {
	// First row of the file: 59,2,32.1,101.0,157,93.2,38.0,4.0,4.8598,87
	p := wholePlan(t).capture[0][0]
	if got := p.born.AgeOn(today); got != 59 {
		t.Errorf("age %d", got)
	}
	c := p.checkup(today)
	lipids := c.GetTests().GetLipids()
	for name, pair := range map[string][2]int32{
		"BMI":               {c.GetGeneral().GetBodySize().GetBmiKgPerM2X10(), 321},
		"total cholesterol": {lipids.GetTotalCholesterolMmolPerLX100(), 406}, // 157 ÷ 38.67
		"LDL":               {lipids.GetLdlMmolPerLX100(), 241},              // 93.2 ÷ 38.67
		"HDL":               {lipids.GetHdlMmolPerLX100(), 98},               // 38 ÷ 38.67
		"triglycerides":     {lipids.GetTriglyceridesMmolPerLX100(), 146},    // e^4.8598 ÷ 88.57
		"glucose":           {c.GetTests().GetFastingGlucose().GetGlucoseMmolPerLX100(), 483},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %d, want %d", name, pair[0], pair[1])
		}
	}
	bp := c.GetGeneral().GetBloodPressureRight()
	if mean := (bp.GetSystolicMmhg() + 2*bp.GetDiastolicMmhg()) / 3; mean != 101 {
		t.Errorf("mean pressure %d", mean)
	}
	size := c.GetGeneral().GetBodySize()
	m := float64(size.GetHeightCmX10()) / 1000
	if bmi := float64(size.GetWeightKgX10()) / 10 / m / m; bmi < 31.8 || bmi > 32.4 {
		t.Errorf("height and weight give a BMI of %.1f", bmi)
	}
}

func TestEverybodyIsAsOldAsMeasured(t *testing.T) {
	for _, p := range wholePlan(t).everybody() {
		if got := p.born.AgeOn(today); got != p.ageYears || !p.born.Whole() {
			t.Errorf("born %s: %d, want %d", p.born, got, p.ageYears)
		}
	}
}

func TestDivisionsAreRealOnes(t *testing.T) {
	p := wholePlan(t)
	if p.county != "道县" || p.towns != [2]string{"梅花镇", "寿雁镇"} {
		t.Errorf("%s, %v", p.county, p.towns)
	}
	for i, people := range p.capture {
		town := []string{townOne, townOne, townTwo}[i]
		for _, one := range people {
			if !strings.HasPrefix(one.division.code, town) || !record.Division(one.division.code).Valid() {
				t.Fatalf("tablet %d: %+v", i+1, one.division)
			}
		}
	}
}

func TestDataComesWithItsSources(t *testing.T) {
	text, err := os.ReadFile("data/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"china-division 2.7.0", "WTFPL", "Efron", "BSD-3-Clause", "divisions.csv", "diabetes442.csv"} {
		if !strings.Contains(string(text), word) {
			t.Errorf("data/README.md does not say %s", word)
		}
	}
}

func TestPeopleAreTheConnectedOnes(t *testing.T) {
	id := func(n byte) record.ID { return record.ID{n} }
	all := []record.ID{id(1), id(2), id(3), id(4), id(5)}
	for _, test := range []struct {
		name  string
		links [][2]record.ID
		want  int
	}{
		{"nobody linked", nil, 5},
		{"one pair", [][2]record.ID{{id(1), id(2)}}, 4},
		{"the same pair twice", [][2]record.ID{{id(1), id(2)}, {id(2), id(1)}}, 4},
		{"a chain", [][2]record.ID{{id(4), id(5)}, {id(3), id(4)}, {id(1), id(3)}}, 2},
		{"a ring", [][2]record.ID{{id(1), id(2)}, {id(2), id(3)}, {id(3), id(1)}}, 3},
		{"with one who is not there", [][2]record.ID{{id(1), id(9)}, {id(9), id(2)}}, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := components(all, test.links); got != test.want {
				t.Errorf("%d people, want %d", got, test.want)
			}
		})
	}
}
