// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// peopleCommands look persons up at the centre.
type peopleCommands struct {
	Search peopleSearch `cmd:"" help:"help_people_search"`
	Show   peopleShow   `cmd:"" help:"help_people_show"`
}

// wholeFlags ask for whole numbers.
type wholeFlags struct {
	Purpose string `help:"help_people_purpose" placeholder:"TEXT"`
	Author  string `help:"help_people_author" placeholder:"ID"`
}

// whole returns what the request says; nil: numbers in part will do.
func (f wholeFlags) whole() (*officev1.Whole, error) {
	switch {
	case f.Purpose == "" && f.Author == "":
		return nil, nil //nolint:nilnil // nothing is asked for
	case f.Purpose == "" || f.Author == "":
		return nil, problemf("problem_people_whole")
	}
	return &officev1.Whole{Author: f.Author, Purpose: f.Purpose}, nil
}

// peopleSearch finds persons by what is known of them.
type peopleSearch struct {
	officeFlags
	Text       string   `arg:"" optional:"" help:"help_people_text" placeholder:"TEXT"`
	Name       string   `help:"help_people_name" placeholder:"TEXT"`
	Pinyin     string   `help:"help_people_pinyin" placeholder:"TEXT"`
	Number     string   `help:"help_people_number" placeholder:"NUMBER"`
	Phone      string   `help:"help_people_phone" placeholder:"NUMBER"`
	Archive    string   `help:"help_people_archive" placeholder:"NUMBER"`
	Village    string   `help:"help_people_village" placeholder:"CODE|NAME"`
	Doctor     string   `help:"help_people_doctor" placeholder:"ID"`
	Population string   `help:"help_people_population" placeholder:"NAME"`
	Sex        string   `help:"help_people_sex" enum:"male,female," default:"" placeholder:"male|female"`
	AgeFrom    int      `help:"help_people_age_from" default:"-1" placeholder:"YEARS"`
	AgeTo      int      `help:"help_people_age_to" default:"-1" placeholder:"YEARS"`
	Status     []string `help:"help_people_status" enum:"here,away,dead" placeholder:"here|away|dead"`
	Limit      int      `help:"help_people_limit" default:"50" placeholder:"N"`
	wholeFlags
	Json bool `help:"help_json"`
}

// foundPeople is a list of persons for programs.
type foundPeople struct {
	People []personInfo `json:"people"`
	Places []string     `json:"places,omitempty"` // that the village means
	Masked bool         `json:"masked"`
	More   bool         `json:"more"`
	Behind uint64       `json:"behind"` // changes that the register has not read yet
}

// personInfo is one person for programs.
type personInfo struct {
	Person      string   `json:"person"`
	Residents   []string `json:"residents"`
	Name        string   `json:"name"`
	Sex         string   `json:"sex,omitempty"`
	BirthDate   string   `json:"birth_date,omitempty"`
	Age         *int     `json:"age,omitempty"`
	Number      string   `json:"number,omitempty"`
	Phone       string   `json:"phone,omitempty"`
	Archive     string   `json:"archive_number,omitempty"`
	Divisions   []string `json:"divisions"`
	Doctors     []string `json:"doctors,omitempty"`
	Populations []string `json:"populations,omitempty"`
	Status      string   `json:"status"`
	Since       string   `json:"since,omitempty"`
}

// Run prints who is found.
func (f peopleSearch) Run(c *call) error {
	q, err := f.request()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		found, first, more, err := o.SearchResidents(c.ctx, q, max(f.Limit, 1))
		if err != nil {
			return err
		}
		all := foundPeople{People: []personInfo{}, Places: first.GetPlaces(), Masked: first.GetMasked(), More: more, Behind: first.GetBehind()}
		for _, p := range found {
			all.People = append(all.People, c.personInfo(p))
		}
		if f.Json {
			return c.json(all)
		}
		return f.tell(c, all)
	})
}

func (f peopleSearch) request() (*officev1.SearchResidentsRequest, error) {
	q := &officev1.SearchResidentsRequest{
		Text: f.Text, Name: f.Name, Pinyin: f.Pinyin, Number: f.Number, Phone: f.Phone, ArchiveNumber: f.Archive, Place: f.Village, DoctorId: f.Doctor,
		Sex: carev1.Sex(carev1.Sex_value["SEX_"+strings.ToUpper(f.Sex)]),
	}
	var err error
	if q.Population, err = populationNamed(f.Population); err != nil {
		return nil, err
	}
	for _, age := range []struct {
		into  **uint32
		years int
	}{{&q.AgeFrom, f.AgeFrom}, {&q.AgeTo, f.AgeTo}} {
		if age.years >= 0 {
			years := uint32(age.years)
			*age.into = &years
		}
	}
	for _, s := range f.Status {
		q.Statuses = append(q.Statuses, officev1.PersonStatus(officev1.PersonStatus_value["PERSON_STATUS_"+strings.ToUpper(s)]))
	}
	q.Whole, err = f.whole()
	return q, err
}

const populationPrefix = "POPULATION_CODE_"

// populationNamed reads the name of a population as programs have it: hypertension.
func populationNamed(name string) (carev1.PopulationCode, error) {
	if name == "" {
		return 0, nil
	}
	code, ok := carev1.PopulationCode_value[populationPrefix+strings.ToUpper(name)]
	if !ok || code == 0 {
		return 0, problemf("problem_people_population", name)
	}
	return carev1.PopulationCode(code), nil
}

func (c *call) personInfo(m *officev1.FoundPerson) personInfo {
	p := personInfo{
		Person: idText(m.GetPersonId()), Name: m.GetName(), Number: m.GetNumber(), Phone: m.GetPhone(), Archive: m.GetArchiveNumber(),
		Divisions: m.GetDivisions(), Doctors: m.GetDoctorIds(), Status: strings.ToLower(strings.TrimPrefix(m.GetStatus().String(), "PERSON_STATUS_")),
	}
	for _, id := range m.GetResidentIds() {
		p.Residents = append(p.Residents, idText(id))
	}
	if s := m.GetSex(); s != carev1.Sex_SEX_UNSPECIFIED {
		p.Sex = strings.ToLower(strings.TrimPrefix(s.String(), "SEX_"))
	}
	if born := care.Date(m.GetBirthDate()); born.Whole() {
		age := born.AgeOn(care.DateOf(c.Clock()))
		p.BirthDate, p.Age = born.String(), &age
	}
	for _, code := range m.GetPopulations() {
		p.Populations = append(p.Populations, strings.ToLower(strings.TrimPrefix(code.String(), populationPrefix)))
	}
	if since := care.Date(m.GetSince()); since != 0 {
		p.Since = since.String()
	}
	return p
}

func (f peopleSearch) tell(c *call, all foundPeople) error {
	if f.Village != "" && len(all.Places) > 0 && f.Village != all.Places[0] {
		c.note("people_places", strings.Join(all.Places, ", "))
	}
	if len(all.People) == 0 {
		c.line("people_none")
		return nil
	}
	t := terminal.Table{Columns: c.tableColumns(), Head: []string{
		"id", c.say("head_name"), c.say("head_sex"), c.say("head_age"), c.say("head_number"), c.say("head_phone"), c.say("head_division"), c.say("head_state"),
	}}
	for _, p := range all.People {
		t.Add(p.Person, terminal.Cut(p.Name, 16), c.sex(p.Sex), c.age(p), p.Number, p.Phone, strings.Join(p.Divisions, " "), c.personState(p))
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	if all.More {
		c.line("people_more", f.Limit)
	}
	if all.Behind > 0 {
		c.note("people_behind", all.Behind)
	}
	return nil
}

func (c *call) age(p personInfo) string {
	if p.Age == nil {
		return ""
	}
	return fmt.Sprint(*p.Age)
}

// personState says where a person is and in which populations.
func (c *call) personState(p personInfo) string {
	var all []string
	switch p.Status {
	case "away":
		all = append(all, c.say("people_away", p.Since))
	case "dead":
		all = append(all, c.say("people_dead", p.Since))
	}
	for _, name := range p.Populations {
		all = append(all, c.population(name))
	}
	return strings.Join(all, ", ")
}

// population returns what people call a population.
func (c *call) population(name string) string {
	code := carev1.PopulationCode(carev1.PopulationCode_value[populationPrefix+strings.ToUpper(name)])
	if code == 0 {
		return name
	}
	return formReader{c.words.Language()}.code(code.Descriptor(), code.Number())
}
