// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Contradiction is an answer that cannot be true beside what a record says.
type Contradiction struct {
	Question string // as Question.ID
	ZH, EN   string
	Record   record.ID // that says it; zero: none, or several
}

// Proposal is what a check comes to by the answers; a person decides.
type Proposal struct {
	Truth          carev1.VerificationVerdict
	Contradictions []Contradiction // why it is untrue
	// Notes are answers that differ from the record and prove nothing: people forget numbers.
	Notes    []Contradiction
	Standard carev1.StandardVerdict
	Faults   []Contradiction // why it is not up to standard
}

// Limits of proposals.
const (
	// toldDiffersMmhg is from where on a blood pressure that is remembered is worth a note [D].
	toldDiffersMmhg = 20
	// toldDiffersX10 is the same of glucose, mmol/L times ten [D].
	toldDiffersX10 = 30
	// blankItems of the nine make a follow-up not up to standard. Source: rules.md §5.1 Q22 [C:P5].
	blankItems = 3
)

// Answers of a check, for short.
const (
	yes = carev1.VerificationAnswer_VERIFICATION_ANSWER_YES
	no  = carev1.VerificationAnswer_VERIFICATION_ANSWER_NO
)

// Propose holds the answers of a check against what the records say. Nothing is proposed about
// truth where nobody was reached who answered.
func Propose(f *carev1.Verification, s Said) Proposal {
	var p Proposal
	if f.GetContact() == carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED {
		c := comparison{said: s, told: cmp.Or(f.GetTruth(), &carev1.VerificationTruth{})}
		for _, one := range f.GetPopulations() {
			c.population(one)
		}
		p.Truth, p.Contradictions, p.Notes = c.verdict(), c.against, c.notes
	}
	p.Standard, p.Faults = standardOf(f.GetStandard(), s, f.GetPopulations())
	return p
}

// Reason joins contradictions to the text that is saved with a verdict, at most so many
// characters as the form has room for.
func Reason(all []Contradiction, zh bool) string {
	var parts []string
	for _, one := range all {
		text := one.EN
		if zh {
			text = one.ZH
		}
		if text != "" && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	joined := []rune(strings.Join(parts, "; "))
	if zh {
		joined = []rune(strings.Join(parts, "；"))
	}
	return string(joined[:min(len(joined), maxReason)])
}

const maxReason = 500

// comparison gathers what the answers of a resident say about the records.
type comparison struct {
	said     Said
	told     *carev1.VerificationTruth
	answered bool // some question was answered with yes or no
	against  []Contradiction
	notes    []Contradiction
}

func (c *comparison) verdict() carev1.VerificationVerdict {
	switch {
	case len(c.against) > 0:
		return carev1.VerificationVerdict_VERIFICATION_VERDICT_UNTRUE
	case c.answered:
		return carev1.VerificationVerdict_VERIFICATION_VERDICT_TRUE
	}
	return carev1.VerificationVerdict_VERIFICATION_VERDICT_UNDECIDED
}

// denies takes in an answer: a no where the record says yes contradicts it.
func (c *comparison) denies(question string, answer carev1.VerificationAnswer, recorded bool, id record.ID, zh, en string) {
	if answer != yes && answer != no {
		return
	}
	c.answered = true
	if answer == no && recorded {
		c.add(&c.against, question, id, zh, en)
	}
}

func (c *comparison) add(to *[]Contradiction, question string, id record.ID, zh, en string) {
	one := Contradiction{"truth." + question, zh, en, id}
	if !slices.Contains(*to, one) {
		*to = append(*to, one)
	}
}

func (c *comparison) population(p carev1.VerificationPopulation) {
	switch p {
	case hypertension, diabetes, copd:
		name := codeText(p)
		c.denies("diagnosed", c.told.GetDiagnosed(), true, record.ID{},
			"本人称未确诊，按"+name.ZH+"管理", "says not diagnosed, managed for "+name.EN)
		c.visits(p)
	case pregnancy, child:
		c.visits(p)
	case elderly:
		c.checkup()
	case contracted:
		if c.told.GetContractKnown() == no && !c.said.Contract.IsZero() {
			c.add(&c.notes, "contract_known", c.said.Contract, "有签约协议，不知道签约医生", "a contract is in force, and the contracted doctor not known")
		}
		c.answered = c.answered || c.told.GetContractKnown() == yes || c.told.GetContractKnown() == no
	case archive:
		c.denies("identity_right", c.told.GetIdentityRight(), c.said.Resident != nil, record.ID{}, "基本信息与本人不符", "personal details are not the resident's")
		if c.told.GetArchiveKnown() == no {
			c.add(&c.notes, "archive_known", record.ID{}, "不知道有健康档案", "does not know of the health record")
		}
	}
}

// visits compares what is remembered of visits. Source: rules.md §5.3, truth questions [C:P5].
func (c *comparison) visits(p carev1.VerificationPopulation) {
	v := c.said.Visits[p]
	c.denies("face_to_face_this_year", c.told.GetFaceToFaceThisYear(), v.FaceToFace > 0, v.Record,
		fmt.Sprintf("称未面对面随访，记录有 %d 次", v.FaceToFace), fmt.Sprintf("says not seen face to face, the records have %d visits", v.FaceToFace))
	if n := c.told.FaceToFaceTimes; n != nil && int(*n) < v.FaceToFace {
		c.add(&c.notes, "face_to_face_times", v.Record, fmt.Sprintf("记得 %d 次，记录有 %d 次", *n, v.FaceToFace),
			fmt.Sprintf("remembers %d visits, the records have %d", *n, v.FaceToFace))
	}
	if v.Last == nil || !v.Last.FaceToFace || p == pregnancy || p == child {
		return // nothing was measured or asked face to face on the last one
	}
	c.lastVisit(*v.Last)
	if p == diabetes {
		c.glucose(*v.Last)
	}
}

func (c *comparison) lastVisit(v VisitSaid) {
	on := v.On.String()
	c.denies("symptoms_asked", c.told.GetSymptomsAsked(), v.Symptoms, v.Record, on+" 记录有症状，称未询问", "symptoms are recorded on "+on+", says not asked")
	c.denies("blood_pressure_measured", c.told.GetBloodPressureMeasured(), v.Systolic > 0, v.Record,
		on+" 记录有血压，称未测", "a blood pressure is recorded on "+on+", says not measured")
	c.denies("drugs_asked", c.told.GetDrugsAsked(), v.Drugs, v.Record, on+" 记录有用药，称未询问", "drugs are recorded on "+on+", says not asked")
	c.denies("lifestyle_guided", c.told.GetLifestyleGuided(), v.Lifestyle, v.Record,
		on+" 记录有生活方式指导，称未指导", "advice on lifestyle is recorded on "+on+", says not given")
	told := c.told.GetBloodPressureTold()
	if told.GetSystolicMmhg() > 0 && v.Systolic > 0 && apart(told.GetSystolicMmhg(), v.Systolic) > toldDiffersMmhg {
		c.add(&c.notes, "blood_pressure_told", v.Record, fmt.Sprintf("记得收缩压 %d，记录 %d", told.GetSystolicMmhg(), v.Systolic),
			fmt.Sprintf("remembers systolic %d, recorded %d", told.GetSystolicMmhg(), v.Systolic))
	}
}

func (c *comparison) glucose(v VisitSaid) {
	c.denies("blood_glucose_measured", c.told.GetBloodGlucoseMeasured(), v.Glucose > 0, v.Record,
		v.On.String()+" 记录有血糖，称未测", "a glucose is recorded on "+v.On.String()+", says not measured")
	if told := c.told.GetBloodGlucoseTold().GetGlucoseMmolPerLX10(); told > 0 && v.Glucose > 0 && apart(told, v.Glucose) > toldDiffersX10 {
		c.add(&c.notes, "blood_glucose_told", v.Record, fmt.Sprintf("记得血糖 %d.%d，记录 %d.%d", told/10, told%10, v.Glucose/10, v.Glucose%10),
			fmt.Sprintf("remembers glucose %d.%d, recorded %d.%d", told/10, told%10, v.Glucose/10, v.Glucose%10))
	}
}

func apart(a, b int32) int32 { return max(a-b, b-a) }

// checkup compares what is remembered of the checkup. Source: rules.md §5.3, elderly [C:P6].
func (c *comparison) checkup() {
	k := c.said.Checkup
	if k == nil {
		k = &CheckupSaid{}
	}
	had := !k.Record.IsZero()
	c.denies("checkup_done", c.told.GetCheckupDone(), had, k.Record, k.On.String()+" 记录有体检，称未体检", "a checkup is recorded on "+k.On.String()+", says none")
	c.denies("checkup_result_told", c.told.GetCheckupResultTold(), k.Told, k.Record, "记录已反馈体检结果，称未反馈", "the result is recorded as given back, says it was not")
	if !had || len(c.told.GetCheckupItems()) == 0 {
		return
	}
	for item := carev1.CheckupItem_CHECKUP_ITEM_BLOOD; item <= carev1.CheckupItem_CHECKUP_ITEM_BODY_SIZE; item++ {
		if k.Items[item] && !slices.Contains(c.told.GetCheckupItems(), item) {
			name := codeText(item)
			c.add(&c.against, "checkup_items", k.Record, "记录有"+name.ZH+"，称未做", "has recorded: "+name.EN+", says it was not done")
		}
	}
}

// standardOf proposes whether what was looked at is up to standard; unspecified where nothing was
// looked at. Source: rules.md §5.3, standard questions, and §5.1 Q22 [C:P5].
func standardOf(f *carev1.VerificationStandard, s Said, populations []carev1.VerificationPopulation) (carev1.StandardVerdict, []Contradiction) {
	var faults []Contradiction
	looked := false
	for _, one := range []struct {
		name   string
		answer carev1.VerificationAnswer
	}{
		{"yearly_checkup_present", f.GetYearlyCheckupPresent()},
		{"checkup_blood_pressure", f.GetCheckupBloodPressure()},
		{"main_problems_filled", f.GetMainProblemsFilled()},
		{"health_assessment_right", f.GetHealthAssessmentRight()},
		{"risk_control_right", f.GetRiskControlRight()},
		{"visits_enough", f.GetVisitsEnough()},
		{"referral_advised", f.GetReferralAdvised()},
		{"paper_matches", f.GetPaperMatches()},
	} {
		looked = looked || one.answer == yes || one.answer == no
		if one.answer == no {
			label := labelOf("standard", one.name)
			faults = append(faults, Contradiction{"standard." + one.name, label.ZH + "：否", label.EN + ": no", record.ID{}})
		}
	}
	if f != nil && f.LastVisitBlankItems != nil {
		looked = true
		if n := f.GetLastVisitBlankItems(); n >= blankItems {
			faults = append(faults, Contradiction{"standard.last_visit_blank_items", fmt.Sprintf("最近一次随访空缺 %d 项", n), fmt.Sprintf("%d items of the last visit are blank", n), record.ID{}})
		}
	}
	faults = append(faults, withoutPressure(looked, s, populations)...)
	switch {
	case len(faults) > 0:
		return carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD, faults
	case looked:
		return carev1.StandardVerdict_STANDARD_VERDICT_STANDARD, nil
	}
	return 0, nil
}

// withoutPressure is the fault of a last follow-up that lacks a value of blood pressure.
func withoutPressure(looked bool, s Said, populations []carev1.VerificationPopulation) []Contradiction {
	for _, p := range populations {
		v := s.Visits[p].Last
		if looked && (p == hypertension || p == diabetes) && v != nil && !v.BloodPressure {
			return []Contradiction{{"standard.last_visit_blank_items", v.On.String() + " 随访缺血压值", "no blood pressure on the visit of " + v.On.String(), v.Record}}
		}
	}
	return nil
}

// ProposeStandard fills in of the questions to the records what can be read from them exactly;
// what needs a person's eye stays empty. required is how many visits face to face are wanted.
func ProposeStandard(populations []carev1.VerificationPopulation, s Said, required int) *carev1.VerificationStandard {
	f := &carev1.VerificationStandard{}
	answer := func(is bool) carev1.VerificationAnswer {
		if is {
			return yes
		}
		return no
	}
	for _, p := range populations {
		names := standardQuestions(p)
		if slices.Contains(names, "yearly_checkup_present") {
			f.YearlyCheckupPresent = answer(s.Checkup != nil)
			if s.Checkup != nil {
				f.CheckupBloodPressure, f.MainProblemsFilled = answer(s.Checkup.BloodPressure), answer(s.Checkup.MainProblems)
			}
		}
		if slices.Contains(names, "visits_enough") {
			f.VisitsEnough = answer(s.Visits[p].FaceToFace >= required)
		}
		if last := s.Visits[p].Last; last != nil && slices.Contains(names, "last_visit_blank_items") {
			n := int32(last.BlankItems)
			f.LastVisitBlankItems = &n
		}
	}
	return f
}

// yearlyVisits is how many visits face to face a year wants. Source: rules.md §3.1, §3.2 [C:P1, P2].
const yearlyVisits = 4

// VisitsWanted returns how many visits face to face a period wants: four a year, of a part of it
// as many as whole quarters fit into it, at least one.
func VisitsWanted(from, to care.Date) int {
	months := (to.Year()-from.Year())*12 + to.Month() - from.Month() + 1
	return max(1, months*yearlyVisits/12)
}

// dateText returns a date as people read it, "-" for none.
func dateText(day int32) string {
	if day == 0 {
		return "-"
	}
	return care.Date(day).String()
}
