// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"fmt"
	"math"
	"math/rand/v2"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// person is one resident: everything of it follows from the plan and its number.
type person struct {
	number  int
	village *place
	tablet  int // of the village
	sex     carev1.Sex
	born    care.Date
	age     int // on the plan's last day

	hypertension, diabetes, copd, disabled, contract bool

	systolic, diastolic, glucose, heightCm, bmi, waistCm float64

	registers int // day on which it is registered, from the plan's first one
	dies      int // day; -1: it does not
	rnd       *rand.Rand
}

// stream names what a random number is for, so that one more does not move the others.
type stream uint64

const (
	streamTraits stream = 10 + iota
	streamYear
	streamForm
	streamID
	streamKey
	streamBureau
)

func (c *planned) random(of ...uint64) *rand.Rand {
	x := mix(append([]uint64{c.plan.Seed}, of...)...)
	return rand.New(rand.NewPCG(x, mix(x)))
}

// ages are how old people are: up to which age, and how many of a hundred. Invented, of the
// shape of a rural county whose young people work elsewhere.
var ages = [...]struct {
	until, percent int
}{{6, 6}, {17, 12}, {34, 18}, {49, 21}, {64, 25}, {79, 14}, {95, 4}}

// person returns one resident. The first of every three is a head of household and grown up.
func (c *planned) person(v *place, number int) person {
	rnd := c.random(uint64(streamTraits), uint64(number))
	p := person{number: number, village: v, rnd: rnd, dies: -1}
	p.tablet = (number - v.first) * v.tablets / max(v.residents, 1)
	p.sex = carev1.Sex(1 + rnd.IntN(2))
	p.age = ageOf(rnd)
	if p.head() && p.age < 30 {
		p.age += 30
	}
	p.born = care.DateOf(midnight(c.plan.Ends).AddDate(-p.age, 0, -rnd.IntN(365)))
	c.health(&p)
	c.dates(&p)
	return p
}

func (p person) head() bool { return (p.number-p.village.first)%3 == 0 }

// household returns the number of its head.
func (p person) household() int { return p.number - (p.number-p.village.first)%3 }

func ageOf(rnd *rand.Rand) int {
	from, at := 0, rnd.IntN(100)
	for _, a := range ages {
		if at < a.percent {
			return from + rnd.IntN(a.until-from+1)
		}
		from, at = a.until+1, at-a.percent
	}
	return 50
}

// health invents what somebody has. Shares are of the size that surveys of adults find; they
// decide nothing but how much there is to write.
func (c *planned) health(p *person) {
	rnd, older := p.rnd, math.Max(0, float64(p.age)-35)
	p.hypertension = p.age >= 35 && rnd.Float64() < math.Min(0.06+older*0.012, 0.5)
	p.diabetes = p.age >= 35 && rnd.Float64() < math.Min(0.03+older*0.004, 0.17)
	p.copd = p.age >= 40 && rnd.Float64() < 0.03
	p.disabled = rnd.Float64() < 0.02
	p.contract = rnd.Float64() < 0.35 || (p.hypertension || p.diabetes || p.age >= 65) && rnd.Float64() < 0.6
	p.systolic, p.diastolic = 118+older*0.25+7*rnd.NormFloat64(), 75+6*rnd.NormFloat64()
	if p.hypertension {
		p.systolic, p.diastolic = 138+9*rnd.NormFloat64(), 84+7*rnd.NormFloat64()
	}
	p.glucose = 5.2 + 0.45*rnd.NormFloat64()
	if p.diabetes {
		p.glucose = 7.1 + 1.2*rnd.NormFloat64()
	}
	p.heightCm = 157 + 6*rnd.NormFloat64()
	if p.sex == carev1.Sex_SEX_MALE {
		p.heightCm += 11
	}
	p.bmi = math.Max(23.6+3.1*rnd.NormFloat64(), 15)
	p.waistCm = 45 + 1.6*p.bmi + 3*rnd.NormFloat64()
}

// dates settles when somebody is registered and dies, in days from the plan's first one.
func (c *planned) dates(p *person) {
	first, last := care.DateOf(c.begins), c.plan.Ends
	p.registers = p.rnd.IntN(min(26*7, max(7*c.weeks()/2, 1)))
	if born := days(first, p.born); born > 0 {
		p.registers = born + 14 + p.rnd.IntN(30)
	}
	hazard := 0.0008 * math.Exp(math.Max(0, float64(p.age)-35)*0.075) // a year
	if years := float64(days(first, last)) / 365; p.rnd.Float64() < hazard*years {
		p.dies = p.rnd.IntN(days(first, last) + 1)
		if p.dies <= p.registers+1 {
			p.dies = -1
		}
	}
}

// days returns how many days after from a day is.
func days(from, to care.Date) int {
	return int(math.Round(midnight(to).Sub(midnight(from)).Hours() / 24))
}

// Invented names: a surname, a first character that says that it is invented, and one or two
// others.
var (
	surnames = []rune("王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金")
	marks    = []rune("试样例")
	given    = []rune("春夏秋冬云雨雪风山河田林石松竹梅安宁康平福和乐喜华英明秀芳兰军强伟勇燕红霞玉珍国建文斌海波涛杰俊辉斯佳慧敏静丽娟荣贵富祥庆德")
)

func (p person) name() string {
	n := mix(uint64(p.number), 77)
	name := []rune{surnames[mix(uint64(p.household()), 3)%uint64(len(surnames))], marks[n%3], given[n/3%uint64(len(given))]}
	if n>>40%2 == 0 {
		name = append(name, given[n>>20%uint64(len(given))])
	}
	return string(name)
}

// identityNumber returns a number of an area that does not exist (9900xx), with a right check
// character.
func (p person) identityNumber() string {
	sequence := p.number / 100 % 499 * 2 // even: a woman
	if p.sex == carev1.Sex_SEX_MALE {
		sequence++
	}
	first := fmt.Sprintf("9900%02d%08d%03d", p.number%100, p.born, sequence)
	sum := 0
	for i, w := range [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += w * int(first[i]-'0')
	}
	return first + "10X98765432"[sum%11:sum%11+1]
}

// phone begins as no mobile number does; a household of old people shares one.
func (p person) phone() string { return fmt.Sprintf("100%08d", p.household()) }
