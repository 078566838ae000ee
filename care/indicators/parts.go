// SPDX-License-Identifier: Apache-2.0

package indicators

import carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"

// A populationName is a population that contracts are counted for by itself.
type populationName struct {
	code   carev1.PopulationCode
	zh, en string
}

// populations returns the populations in the order of their codes.
func populations() []populationName {
	return []populationName{
		{carev1.PopulationCode_POPULATION_CODE_AGED, "老年人", "the aged"},
		{carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, "高血压患者", "hypertension"},
		{carev1.PopulationCode_POPULATION_CODE_DIABETES, "2型糖尿病患者", "diabetes"},
		{carev1.PopulationCode_POPULATION_CODE_CHILD, "0～6岁儿童", "children below seven"},
		{carev1.PopulationCode_POPULATION_CODE_MATERNAL, "孕产妇", "pregnant or in childbed"},
		{carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL, "严重精神障碍患者", "severe mental illness"},
		{carev1.PopulationCode_POPULATION_CODE_TUBERCULOSIS, "肺结核患者", "tuberculosis"},
		{carev1.PopulationCode_POPULATION_CODE_DISABLED, "残疾人", "the disabled"},
		{carev1.PopulationCode_POPULATION_CODE_LOW_INCOME, "脱贫或低收入人口", "low income"},
		{carev1.PopulationCode_POPULATION_CODE_SUBSISTENCE, "低保对象", "subsistence allowance"},
		{carev1.PopulationCode_POPULATION_CODE_DESTITUTE, "特困人员", "the destitute"},
		{carev1.PopulationCode_POPULATION_CODE_BIRTH_PLANNING_SPECIAL, "计划生育特殊家庭", "families that lost their only child"},
		{carev1.PopulationCode_POPULATION_CODE_COPD, "慢阻肺患者", "COPD"},
		{carev1.PopulationCode_POPULATION_CODE_SPECIAL_CARE, "优抚对象", "special care"},
		{carev1.PopulationCode_POPULATION_CODE_STROKE, "脑卒中患者", "stroke"},
		{carev1.PopulationCode_POPULATION_CODE_CORONARY, "冠心病患者", "coronary disease"},
		{carev1.PopulationCode_POPULATION_CODE_TUMOUR, "肿瘤患者", "tumour"},
		{carev1.PopulationCode_POPULATION_CODE_DEPENDENT, "失能老人", "the dependent aged"},
		{carev1.PopulationCode_POPULATION_CODE_PARTLY_DEPENDENT, "半失能老人", "the partly dependent aged"},
		{carev1.PopulationCode_POPULATION_CODE_HIGH_RISK, "慢病高危人群", "high risk"},
	}
}

// lastPopulation is the highest code of a population that is counted by itself.
const lastPopulation = 20

var populationParts = [lastPopulation + 1]Code{
	"", "G02.01", "G02.02", "G02.03", "G02.04", "G02.05", "G02.06", "G02.07", "G02.08", "G02.09", "G02.10",
	"G02.11", "G02.12", "G02.13", "G02.14", "G02.15", "G02.16", "G02.17", "G02.18", "G02.19", "G02.20",
}

// partOfPopulation returns the part of G02 of one population.
func partOfPopulation(p carev1.PopulationCode) Code { return populationParts[p] }

// quarterPart returns the part of X03 of a quarter, 1 to 4.
func quarterPart(q int) Code { return [...]Code{"", "X03.1", "X03.2", "X03.3", "X03.4"}[q] }

// activityPart returns the part of E01 of an activity, 1 to 9 as the form has them.
func activityPart(a int) Code {
	return [...]Code{"", "E01.1", "E01.2", "E01.3", "E01.4", "E01.5", "E01.6", "E01.7", "E01.8", "E01.9"}[a]
}

// activities returns what events are called, in the order of their codes.
func activities() [][2]string {
	return [][2]string{
		{"印刷资料发放", "printed material"},
		{"音像播放", "audio and video"},
		{"宣传栏", "boards"},
		{"公众咨询与义诊", "public consultations"},
		{"知识讲座", "lectures"},
		{"个体化教育", "individual education"},
		{"健康驿站进小区", "health station in the neighbourhood"},
		{"政策宣传", "policy"},
		{"培训", "training"},
	}
}

// modePart returns the part of N05 of a mode of service, 1 to 4 as the form has them.
func modePart(m int) Code { return [...]Code{"", "N05.1", "N05.2", "N05.3", "N05.4"}[m] }

// serviceModeCount is how many modes of service there are.
const serviceModeCount = 4

// serviceModes returns what modes of service are called, in the order of their codes.
func serviceModes() [serviceModeCount][2]string {
	return [...][2]string{{"主动服务", "on our own accord"}, {"上门服务", "on call"}, {"预约服务", "by appointment"}, {"顺访", "along the way"}}
}

// A greenPart is the counter of the green channel for one population.
type greenPart struct {
	code       Code
	population carev1.PopulationCode
}

func greenParts() [3]greenPart {
	return [...]greenPart{
		{"N03.01", carev1.PopulationCode_POPULATION_CODE_AGED},
		{"N03.04", carev1.PopulationCode_POPULATION_CODE_CHILD},
		{"N03.05", carev1.PopulationCode_POPULATION_CODE_MATERNAL},
	}
}

// populationCalled returns what a population is called.
func populationCalled(code carev1.PopulationCode) populationName {
	for _, p := range populations() {
		if p.code == code {
			return p
		}
	}
	return populationName{code: code}
}

// populationNumbers returns the numbers of the pack that say who is of a population, nil where a tag alone does.
func populationNumbers(code carev1.PopulationCode) []string {
	switch code {
	case carev1.PopulationCode_POPULATION_CODE_AGED:
		return []string{"aged_years", "aged_basis"}
	case carev1.PopulationCode_POPULATION_CODE_CHILD:
		return []string{"child_years"}
	case carev1.PopulationCode_POPULATION_CODE_MATERNAL:
		return []string{"postpartum_days", "pregnancy_longest_days"}
	case carev1.PopulationCode_POPULATION_CODE_DEPENDENT, carev1.PopulationCode_POPULATION_CODE_PARTLY_DEPENDENT:
		return []string{"dependence_days"}
	}
	return nil
}

// allPopulationNumbers returns the numbers that say who is of any population, each once.
func allPopulationNumbers() []string {
	return []string{"aged_years", "aged_basis", "child_years", "postpartum_days", "pregnancy_longest_days", "dependence_days"}
}
