// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// desk is what the bureau's computer writes in one week, that begins on a Monday at eight.
type desk struct {
	c       *planned
	at      time.Time
	on      care.Date
	week    int
	rnd     *rand.Rand
	replica causal.ReplicaID
	add     adding
}

// bureau hands over what the bureau saves in the week before a day: who works where in the
// first one, population figures once a year, activities each fourth week, and the survey of each
// quarter.
func (c *planned) bureau(before int, add adding) error {
	week := before/7 - 1
	at := c.monday(week).Add(8 * time.Hour)
	d := &desk{
		c: c, at: at, on: care.DateOf(at), week: week, rnd: c.random(uint64(streamBureau), uint64(week)), add: add,
		replica: c.bureauReplica,
	}
	for _, one := range []struct {
		due  bool
		save func() error
	}{
		{week == 0, d.organisations}, {week == 0, d.staff}, {week == 0, d.teams}, {week%52 == 0, d.statistics}, {week%4 == 2, d.activities}, {week%13 == 11, d.surveys},
	} {
		if !one.due {
			continue
		}
		if err := one.save(); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) put(form proto.Message, scope string) error {
	salt := bits(d.rnd)
	id, err := record.MakeID(kindOf(form), d.at, d.replica, salt)
	if err != nil {
		return err
	}
	return d.putAs(id, salt, form, scope)
}

func (d *desk) putAs(id record.ID, salt [16]byte, form proto.Message, scope string) error {
	d.at = d.at.Add(20 * time.Second)
	return d.add(d.at, form, id, record.ID{}, scope, salt)
}

func (d *desk) organisations() error {
	bureau := &carev1.Organisation{
		OrganisationCode: "B" + d.c.plan.County, Name: "卫生健康局（演示）", Type: carev1.OrganisationType_ORGANISATION_TYPE_HEALTH_BUREAU,
		DivisionPrefixes: []string{d.c.plan.County}, Period: &carev1.ServicePeriod{Since: int32(d.on)},
	}
	if err := d.put(bureau, d.c.plan.County+"000000"); err != nil {
		return err
	}
	for _, t := range d.c.townships {
		m := &carev1.Organisation{
			OrganisationCode: hospitalOf(t.Code + "000"), Name: t.Name + "卫生院（演示）", ParentCode: bureau.GetOrganisationCode(),
			Type: carev1.OrganisationType_ORGANISATION_TYPE_TOWNSHIP_HOSPITAL, DivisionPrefixes: []string{t.Code},
			Period: &carev1.ServicePeriod{Since: int32(d.on)},
		}
		if err := d.put(m, t.Code+"000"); err != nil {
			return err
		}
	}
	for _, v := range d.c.villages {
		m := &carev1.Organisation{
			OrganisationCode: clinicOf(v.Code), Name: v.Name + "卫生室（演示）", ParentCode: hospitalOf(v.Code),
			Type: carev1.OrganisationType_ORGANISATION_TYPE_VILLAGE_CLINIC, DivisionPrefixes: []string{v.Code},
			Period:                &carev1.ServicePeriod{Since: int32(d.on)},
			VillageClinicStandard: &carev1.StandardMet{Met: d.rnd.IntN(10) < 4, JudgedOn: int32(d.on)},
		}
		if err := d.put(m, v.Code); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) staff() error {
	for i := range d.c.villages {
		v := &d.c.villages[i]
		for n := range v.tablets {
			who := mix(d.c.plan.Seed, 8, uint64(v.number), uint64(n))
			m := &carev1.Staff{
				StaffId: staffOf(v, n), Roles: []carev1.StaffRole{carev1.StaffRole_STAFF_ROLE_VILLAGE_DOCTOR},
				Name:  string([]rune{surnames[who%uint64(len(surnames))], '医', given[who>>20%uint64(len(given))]}),
				Phone: fmt.Sprintf("101%08d", v.number*10+n),
				Posts: map[string]*carev1.StaffPost{"00000001": {OrganisationCode: clinicOf(v.Code), Since: int32(d.on)}},
			}
			if err := d.put(m, v.Code); err != nil {
				return err
			}
		}
	}
	return nil
}

// teamID returns the record of the team that serves a village.
func teamID(v *place) []byte {
	id := record.DerivedID(kindOf((*carev1.Team)(nil)), []byte("populate/"+v.Code))
	return id[:]
}

func (d *desk) teams() error {
	for i := range d.c.villages {
		v := &d.c.villages[i]
		m := &carev1.Team{
			OrganisationCode: hospitalOf(v.Code), Name: v.Name + "家庭医生团队（演示）", LeaderId: staffOf(v, 0), Period: &carev1.ServicePeriod{Since: int32(d.on)},
			Members:  map[string]*carev1.TeamMember{},
			Villages: map[string]*carev1.TeamVillage{"00000001": {DivisionCode: v.Code, Since: int32(d.on)}},
		}
		for n := range v.tablets {
			m.Members[fmt.Sprintf("%08x", n+1)] = &carev1.TeamMember{StaffId: staffOf(v, n), Role: carev1.StaffRole_STAFF_ROLE_VILLAGE_DOCTOR, Since: int32(d.on)}
		}
		if err := d.putAs(record.ID(teamID(v)), bits(d.rnd), m, v.Code); err != nil {
			return err
		}
	}
	return nil
}

// statistics are what an office of statistics would know of each township: more people than are
// registered.
func (d *desk) statistics() error {
	year := d.on.AddDays(30).Year()
	for _, t := range d.c.townships {
		people, aged, births := 0, 0, 0
		for i := range d.c.villages {
			if v := &d.c.villages[i]; v.Code[:9] == t.Code {
				people += v.residents
			}
		}
		people += people / 33
		aged, births = people*18/100, people*9/1000
		for _, one := range []struct {
			code  carev1.StatisticCode
			value int
		}{
			{carev1.StatisticCode_STATISTIC_CODE_RESIDENT_POPULATION, people},
			{carev1.StatisticCode_STATISTIC_CODE_AGED_65_AND_OVER, aged},
			{carev1.StatisticCode_STATISTIC_CODE_LIVE_BIRTHS, births},
			{carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_TO_MANAGE, people * 16 / 100},
			{carev1.StatisticCode_STATISTIC_CODE_DIABETES_TO_MANAGE, people * 5 / 100},
			{carev1.StatisticCode_STATISTIC_CODE_CLINIC_VISITS, people * 2},
		} {
			m := &carev1.Statistic{
				Status: submitted, OrganisationCode: hospitalOf(t.Code + "000"), ReporterId: bureauStaff, DivisionCode: t.Code + "000",
				Year: proto.Int32(int32(year)), Code: one.code,
				Value: &carev1.StatisticValue{ValueX1000: proto.Int64(int64(one.value) * 1000), Source: 1, Document: "演示", PublishedOn: int32(d.on)},
			}
			if err := d.put(m, t.Code+"000"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *desk) capture() *carev1.Capture {
	return &carev1.Capture{StartedAtMs: d.at.UnixMilli() - 60_000, EndedAtMs: d.at.UnixMilli(), EnteredAtMs: d.at.UnixMilli(), Source: carev1.CaptureSource_CAPTURE_SOURCE_ON_SITE}
}

func (d *desk) activities() error {
	for _, t := range d.c.townships {
		began := d.at.AddDate(0, 0, -3).UnixMilli()
		m := &carev1.OutreachEvent{
			ServiceDate: int32(d.on.AddDays(-3)), Status: submitted, OrganisationCode: hospitalOf(t.Code + "000"), DoctorId: bureauStaff,
			Capture: d.capture(), Activity: carev1.OutreachActivity(3 + d.rnd.IntN(3)), Topic: "高血压、糖尿病防治", Place: t.Name,
			Time: &carev1.EventTime{StartedAtMs: began, EndedAtMs: began + 5_400_000}, Organiser: t.Name + "卫生院",
			Participants: proto.Int32(int32(40 + d.rnd.IntN(120))), Materials: &carev1.EventMaterials{Kinds: proto.Int32(2), Copies: proto.Int32(100)},
			Content: "讲解合理用药与健康生活方式", Evaluation: "居民参与积极", Archived: []carev1.ArchiveMaterial{2, 5},
		}
		if err := d.put(m, t.Code+"000"); err != nil {
			return err
		}
	}
	return nil
}

// surveysEach is how many are asked a quarter in a township; of few residents, fewer.
const surveysEach = 20

func (d *desk) surveys() error {
	period := &carev1.SurveyPeriod{Year: proto.Int32(int32(d.on.Year())), Quarter: proto.Int32(int32((d.on.Month() + 2) / 3))}
	for _, t := range d.c.townships {
		for range min(surveysEach, 1+d.c.plan.Residents/len(d.c.townships)/100) {
			answer := func() carev1.SurveyAnswer { return carev1.SurveyAnswer(1 + min(d.rnd.IntN(20)/9, d.rnd.IntN(5))) }
			m := &carev1.SatisfactionSurvey{
				ServiceDate: int32(d.on), Status: submitted, OrganisationCode: hospitalOf(t.Code + "000"), SurveyorId: bureauStaff,
				Capture: d.capture(), Period: period, Method: carev1.SurveyMethod_SURVEY_METHOD_PHONE, Anonymous: true,
				Attitude: answer(), Skill: answer(), Environment: answer(), Waiting: answer(), Convenience: answer(), Cost: answer(),
				ServicesReceived: answer(), ContractService: answer(), Overall: answer(),
				Awareness: map[string]*carev1.AwarenessAnswer{"00000001": {Item: "家庭医生签约", Answer: carev1.Awareness(1 + d.rnd.IntN(2))}},
			}
			if err := d.put(m, t.Code+"000"); err != nil {
				return err
			}
		}
	}
	return nil
}
