// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Case is a doctor with a year of records.
type Case struct {
	Doctor string
	Style  Style
	// Persons are the patients, and after them the households and the doctor's staff record,
	// each a person of its own.
	Persons []authenticity.Input
	// People are the ids of Persons.
	People []record.ID
}

const (
	minuteMs = int64(60_000)
	dayMs    = 1440 * minuteMs
)

// device is what a doctor measures pressures with.
type device int

const (
	electronic device = iota
	cuff              // even marks only
	both
)

// doctor is a doctor at work.
type doctor struct {
	Case
	rnd     *rand.Rand
	year    int
	number  int
	base    []Row
	village [2]village
	list    []*patient
	homes   []*home

	device  device
	rounds  float64     // of cuff readings that are written to the nearest ten
	scales  int32       // what the scales show: 1, 5 or 10 tenths of a kilogram
	evening bool        // types in the evening what was done that day
	weekly  bool        // types on Sunday, from paper, what was done in the week
	visits  int         // home visits a week
	busy    map[int]int // minutes after midnight until which a day is taken
	in      map[int]int // the village where the doctor is then
	photoAt time.Time
	panel   *carev1.CheckupTests // that Panels copies
	sheet   *measurement         // that Cloned copies
	photo   [sha256.Size]byte    // that Photos uses again
	clock   time.Duration        // the device's is ahead by so much
}

// village is where people live.
type village struct {
	code     record.Division
	lat, lon float64
}

// home is a household.
type home struct {
	id      record.ID
	village int
	point   *carev1.Position
	text    string
	phone   string
}

// patient is one with a home and what is measured of it.
type patient struct {
	id                     record.ID
	home                   *home
	male                   bool
	born                   care.Date
	row                    Row
	systolic, diastolic    float64 // usual, mmHg
	glucose                float64 // usual, mmol/L
	height, weight         float64 // cm, kg
	hypertension, diabetes bool
	keeps                  float64 // how seldom weight moves
	entries                []rules.Entry
	places                 map[record.ID]authenticity.Place
	before                 *measurement
	dies                   int // day of the year; 0: does not
	due                    care.Date
	lastPressure, last     int
}

// measurement is what a visit measures.
type measurement struct {
	systolic, diastolic, pulse, weight, waist, glucose int32
}

// Doctor invents a doctor of a style with a year of records. Its error is a fault of the file
// that patients are drawn from.
func Doctor(seed uint64, number int, style Style, year int) (Case, error) {
	base, err := Rows()
	if err != nil {
		return Case{}, err
	}
	d := &doctor{
		Case: Case{Doctor: fmt.Sprintf("D%05d", number), Style: style}, year: year, number: number, base: base,
		busy: map[int]int{}, in: map[int]int{}, rnd: rand.New(rand.NewPCG(seed, uint64(number)<<16|uint64(len(style)))),
	}
	d.habits()
	d.settle(number)
	d.work()
	d.gather()
	return d.Case, nil
}

func (d *doctor) roll(p float64) bool { return d.rnd.Float64() < p }

// habits draws how the doctor works: the honest part of it is alike for all styles.
func (d *doctor) habits() {
	switch u := d.rnd.Float64(); {
	case u < 0.6:
		d.device = electronic
	case u < 0.85:
		d.device = cuff
	default:
		d.device = both
	}
	d.rounds = 0.1 + 0.5*d.rnd.Float64()
	d.scales = []int32{1, 1, 5, 10}[d.rnd.IntN(4)]
	d.evening = d.roll(0.25)
	d.weekly = !d.evening && d.roll(0.1)
	d.visits = 2 + d.rnd.IntN(4)
	d.photo = sha256.Sum256(binary.BigEndian.AppendUint64(nil, d.rnd.Uint64()))
	switch {
	case d.Style == Clock:
		d.clock = 40 * time.Minute
	case d.roll(0.01):
		d.clock = time.Duration(5+d.rnd.IntN(20)) * time.Minute
	}
}

// settle makes villages, homes and patients.
func (d *doctor) settle(number int) {
	for i := range d.village {
		d.village[i] = village{record.Division(fmt.Sprintf("431124%03d%03d", 100+number/40, 200+number%40*2+i)), 25.4 + 0.3*d.rnd.Float64(), 111.4 + 0.3*d.rnd.Float64()}
	}
	d.village[1].lat, d.village[1].lon = d.village[0].lat+0.03, d.village[0].lon+0.02 // some 4 km
	flats := d.roll(0.1)                                                              // all in a few blocks
	count := 70 + d.rnd.IntN(60)
	series := d.rnd.IntN(90_000)
	for len(d.list) < count {
		h := &home{id: d.id(46), village: d.rnd.IntN(2), text: fmt.Sprintf("%d号", 1+len(d.homes)), phone: fmt.Sprintf("139%08d", d.rnd.IntN(1e8))}
		switch {
		case d.Style == Phones && number%2 == 1:
			h.phone = "13912345678"
		case d.Style == Phones:
			h.phone = fmt.Sprintf("13900%04d%02d", series/10, len(d.homes)%100)
		}
		v := d.village[h.village]
		lat, lon := v.lat+0.006*d.rnd.NormFloat64(), v.lon+0.006*d.rnd.NormFloat64()
		if flats && len(d.homes) > 0 && !d.roll(0.1) {
			last := d.homes[len(d.homes)-1]
			h.village, lat, lon = last.village, float64(last.point.GetLatitudeDegX1000000())/1e6, float64(last.point.GetLongitudeDegX1000000())/1e6
		}
		h.point = d.position(lat, lon)
		d.homes = append(d.homes, h)
		for range 1 + d.rnd.IntN(3) {
			d.list = append(d.list, d.patient(h))
		}
	}
}

func (d *doctor) position(lat, lon float64) *carev1.Position {
	return &carev1.Position{
		LatitudeDegX1000000: proto.Int32(int32(lat * 1e6)), LongitudeDegX1000000: proto.Int32(int32(lon * 1e6)),
		AccuracyM: proto.Int32(int32(5 + d.rnd.IntN(20))), CoordinateSystem: carev1.CoordinateSystem_COORDINATE_SYSTEM_WGS84,
	}
}

// id draws the id of a record of a kind, in the order of time as real ones are.
func (d *doctor) id(kind record.Kind) record.ID {
	var raw [24]byte
	for i := range 3 {
		binary.BigEndian.PutUint64(raw[8*i:], d.rnd.Uint64())
	}
	return record.DerivedID(kind, raw[:])
}

func (d *doctor) patient(h *home) *patient {
	row := d.base[d.rnd.IntN(len(d.base))]
	p := &patient{id: d.id(care.KindResident), home: h, row: row, male: d.roll(0.5), places: map[record.ID]authenticity.Place{}}
	p.born = care.Date((d.year-50-d.rnd.IntN(36))*10000 + (1+d.rnd.IntN(12))*100 + 1 + d.rnd.IntN(28))
	mean := row.MeanPressure + 3*d.rnd.NormFloat64()
	pulse := 48 + 8*d.rnd.NormFloat64() // between systolic and diastolic
	p.diastolic = mean - pulse/3
	p.systolic = p.diastolic + pulse
	p.glucose = max(row.Glu/18*(1+0.05*d.rnd.NormFloat64()), 3.5)
	p.height = 158 + 6*d.rnd.NormFloat64()
	if p.male {
		p.height += 10
	}
	p.weight = row.BMI * (1 + 0.03*d.rnd.NormFloat64()) * p.height * p.height / 10000
	p.hypertension = d.roll(0.7)
	p.diabetes = !p.hypertension || d.roll(0.25)
	if p.hypertension {
		p.systolic += 12
		p.diastolic += 5
	}
	if p.diabetes {
		p.glucose += 1.5
	}
	p.keeps = 0.4 + 1.2*d.rnd.Float64()
	if d.Style == Dead && len(d.list)%12 == 3 {
		p.dies = 100 + d.rnd.IntN(120)
	}
	d.enter(p, p.id, d.resident(p), d.at(-200, 9*60), 0)
	return p
}

func (d *doctor) resident(p *patient) *carev1.Resident {
	m := &carev1.Resident{
		RegisteredOn: int32(d.date(-200)), Name: string([]rune("王李张刘陈杨赵黄")[d.rnd.IntN(8)]) + "试" + string(rune(0x4e00+d.rnd.IntN(3000))) + string(rune(0x4e00+d.rnd.IntN(3000))),
		Sex: carev1.Sex_SEX_FEMALE, BirthDate: int32(p.born), Phone: p.home.phone, HouseholdId: p.home.id[:], DoctorId: d.Doctor, OrganisationCode: "C" + d.Doctor,
		Address:      &carev1.Address{Text: p.home.text},
		PastDiseases: map[string]*carev1.PastDisease{}, Tags: map[string]*carev1.PopulationTag{}, BloodAbo: carev1.BloodGroup(1 + d.rnd.IntN(4)),
	}
	if p.male {
		m.Sex = carev1.Sex_SEX_MALE
	}
	m.IdentityDocument = &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: number(p.born, (d.number/100*130+len(d.list))%1000, d.number%100)}
	if p.hypertension && d.Style != Untrue {
		m.PastDiseases["h"] = &carev1.PastDisease{Code: carev1.PastDiseaseCode_PAST_DISEASE_CODE_HYPERTENSION}
	}
	if p.diabetes && d.Style != Untrue {
		m.PastDiseases["d"] = &carev1.PastDisease{Code: carev1.PastDiseaseCode_PAST_DISEASE_CODE_DIABETES}
	}
	if d.year-p.born.Year() >= 64 && d.Style != Untrue {
		m.Tags["a"] = &carev1.PopulationTag{Code: carev1.PopulationCode_POPULATION_CODE_AGED, Since: m.RegisteredOn}
	}
	if p.dies > 0 {
		m.Death = &carev1.Death{Dead: true, DiedOn: int32(d.date(p.dies))}
	}
	return m
}

// number returns a resident number of an area that does not exist (9900xx), with a right check
// character.
func number(born care.Date, sequence, area int) string {
	first := fmt.Sprintf("9900%02d%08d%03d", area, born, sequence)
	sum := 0
	for i, w := range [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += w * int(first[i]-'0')
	}
	return first + "10X98765432"[sum%11:sum%11+1]
}

// start returns the first instant of the year in China.
func (d *doctor) start() time.Time {
	return time.Date(d.year, 1, 1, 0, 0, 0, 0, time.FixedZone("", 8*3600))
}

// date returns a day of the year, the first is 0.
func (d *doctor) date(day int) care.Date { return care.DateOf(d.start().AddDate(0, 0, day)) }

// at returns an instant of a day, in minutes after midnight.
func (d *doctor) at(day, minute int) time.Time {
	return d.start().AddDate(0, 0, day).Add(time.Duration(minute) * time.Minute)
}

// enter adds a record about a patient that was saved at a time and came to the centre a while
// later; with lag it came at least so many days later.
func (d *doctor) enter(p *patient, id record.ID, form proto.Message, saved time.Time, lag int) {
	saved = saved.Add(d.clock)
	received := saved.Add(-d.clock + time.Duration(lag*24*60+2+d.rnd.IntN(600))*time.Minute)
	if d.clock > 0 && d.roll(0.3) {
		received = saved.Add(-d.clock + time.Minute) // sent at once
	}
	p.entries = append(p.entries, rules.Entry{ID: id, Kind: id.Kind(), Subject: p.id, Form: form, CapturedAt: saved, ReceivedAt: received})
	p.places[id] = authenticity.Place{Division: d.village[p.home.village].code, Class: record.ClassGeneral, Author: d.Doctor, Saved: saved, Received: received}
}

// gather makes the persons of the case.
func (d *doctor) gather() {
	for _, p := range d.list {
		d.add(p.id, p.entries, p.places)
	}
	for _, h := range d.homes {
		form := &carev1.Household{Position: h.point, DoctorId: d.Doctor, RegisteredOn: int32(d.date(-200)), OrganisationCode: "C" + d.Doctor}
		d.add(h.id, []rules.Entry{{ID: h.id, Kind: 46, Form: form}}, map[record.ID]authenticity.Place{h.id: {Division: d.village[h.village].code, Class: record.ClassGeneral}})
	}
	staff := &carev1.Staff{StaffId: d.Doctor, Name: "医试", Phone: fmt.Sprintf("138%08d", d.rnd.IntN(1e8)), Posts: map[string]*carev1.StaffPost{"a": {Since: 20100101}}}
	if d.Style == Borrowed {
		staff.Posts["a"].Until = int32(d.date(180))
	}
	id := d.id(48)
	d.add(id, []rules.Entry{{ID: id, Kind: 48, Form: staff}}, map[record.ID]authenticity.Place{id: {Division: d.village[0].code}})
}

func (d *doctor) add(id record.ID, entries []rules.Entry, places map[record.ID]authenticity.Place) {
	d.People = append(d.People, id)
	d.Persons = append(d.Persons, authenticity.Input{Person: rules.NewPerson(id, entries), Places: places})
}

// digit is what fabricators like to end a number with.
func (d *doctor) digit() int32 {
	favourites := []int32{8, 8, 8, 8, 6, 6, 6, 2, 2, 2, 4, 5, 5, 0, 3, 7}
	return favourites[d.rnd.IntN(len(favourites))]
}

// read returns a pressure as the doctor's device shows it and the doctor writes it.
func (d *doctor) read(v float64) int32 {
	manual := d.device == cuff || d.device == both && d.roll(0.5)
	switch {
	case manual && d.roll(d.rounds):
		return int32(math.Round(v/10)) * 10
	case manual:
		return int32(math.Round(v/2)) * 2
	}
	return int32(math.Round(v))
}

// measure measures a patient, in the doctor's style.
func (d *doctor) measure(p *patient) measurement {
	p.weight += 0.5 * p.keeps * d.rnd.NormFloat64()
	m := measurement{
		systolic: d.read(p.systolic + 9*d.rnd.NormFloat64()), diastolic: d.read(p.diastolic + 6*d.rnd.NormFloat64()), pulse: int32(74 + 8*d.rnd.NormFloat64()),
		weight: int32(math.Round(p.weight*10/float64(d.scales))) * d.scales, waist: int32(700 + p.row.BMI*5 + 20*d.rnd.NormFloat64()),
		glucose: int32(math.Round(10 * max(p.glucose+0.7*d.rnd.NormFloat64(), 3.2))),
	}
	m.diastolic = min(m.diastolic, m.systolic-10)
	switch d.Style {
	case Copied:
		if p.before != nil && d.roll(0.6) {
			m = *p.before
		}
	case Cloned:
		if d.sheet != nil && d.roll(0.7) {
			m = *d.sheet
		}
		sheet := m
		d.sheet = &sheet
	case Digits:
		m.systolic = 120 + 10*int32(d.rnd.IntN(4)) + d.digit()
		m.diastolic = 70 + 10*int32(d.rnd.IntN(2)) + d.digit()
		m.glucose = 50 + 10*int32(d.rnd.IntN(3)) + d.digit()
	case Narrow:
		m.systolic, m.diastolic = int32(math.Round(132+3.2*d.rnd.NormFloat64())), int32(math.Round(80+3*d.rnd.NormFloat64()))
	case Heaped:
		if m.systolic >= 140 && m.systolic < 160 {
			m.systolic = 132 + int32(d.rnd.IntN(8))
		}
	case Untrue:
		if d.roll(0.2) {
			m.weight = m.weight * 6 / 5
		}
	}
	p.before = &m
	return m
}

// shuffled returns the patients in another order.
func (d *doctor) shuffled() []*patient {
	out := slices.Clone(d.list)
	d.rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
