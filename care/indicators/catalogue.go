// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
	"sync"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

var catalogue = sync.OnceValue(func() []Indicator {
	var all []Indicator
	for _, part := range [][]Indicator{
		archives(), aged(), chronic(), visits(), contracts(), restricted(), mothersAndChildren(),
		surveys(), events(), units(), verifications(), services(),
	} {
		all = append(all, part...)
	}
	return all
})

var places = sync.OnceValue(func() map[Code]int {
	out := map[Code]int{}
	for i, one := range catalogue() {
		out[one.Code] = i
	}
	return out
})

func stat(codes ...carev1.StatisticCode) []carev1.StatisticCode { return codes }

const (
	population   = carev1.StatisticCode_STATISTIC_CODE_RESIDENT_POPULATION
	agedPeople   = carev1.StatisticCode_STATISTIC_CODE_AGED_65_AND_OVER
	liveBirths   = carev1.StatisticCode_STATISTIC_CODE_LIVE_BIRTHS
	clinicVisits = carev1.StatisticCode_STATISTIC_CODE_CLINIC_VISITS
)

const inDocuments = "国家基本公共卫生服务规范（第三版）"

func archives() []Indicator {
	return []Indicator{
		{
			Code: "S01", ZH: "健康档案建档率", EN: "residents with a health record", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(population),
			NumeratorZH: "已建封面并填写个人基本信息表的常住居民；0～6 岁以新生儿家庭访视记录代替", NumeratorEN: "residents with a cover and the basic form; from birth to the seventh birthday a newborn visit in its place",
			DenominatorZH: "期末管理的常住居民", DenominatorEN: "residents under care on the last day",
			Thresholds: []string{"child_years", "indicator_basic_missing"}, Source: "健康档案考核公式；" + inDocuments, Mark: "C,K",
		},
		{
			Code: "S02", ZH: "电子健康档案建档率", EN: "residents with an electronic record", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(population),
			NumeratorZH: "期末前已建电子档案（非草稿）的常住居民", NumeratorEN: "residents whose electronic record, no draft, was begun by the last day",
			DenominatorZH: "期末管理的常住居民", DenominatorEN: "residents under care on the last day", Source: "健康档案考核公式", Mark: "C",
		},
		{
			Code: "S03", ZH: "健康档案使用率", EN: "records in use", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "期末前一年内有动态记录的档案", NumeratorEN: "records with an entry of care in the year up to the last day",
			DenominatorZH: "全部电子档案", DenominatorEN: "all electronic records",
			Thresholds: []string{"indicator_dynamic_days", "indicator_dynamic_kinds"}, Source: "健康档案考核公式；" + inDocuments, Mark: "C,K",
		},
		{
			Code: "S23", ZH: "档案规范（合格）率", EN: "records up to standard", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "无规范性错误、未被退回、人群标记正确的档案", NumeratorEN: "records without an error of form, not returned, with the right population tags",
			DenominatorZH: "已检查的档案", DenominatorEN: "records that were checked",
			Thresholds: []string{"indicator_checked_basis", "indicator_tag_errors", "aged_years", "aged_basis", "child_years"}, Source: "健康档案考核公式；县级考核与工分系统", Mark: "C",
		},
	}
}

func aged() []Indicator {
	base := []string{"aged_years", "aged_basis", "indicator_least_days"}
	return []Indicator{
		{
			Code: "O00", ZH: "老年人健康管理率", EN: "care for the aged", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(agedPeople),
			NumeratorZH: "年内建档、体检、健康指导且体检表完整的老年人", NumeratorEN: "the aged with record, checkup, guidance and a complete checkup form in the period",
			DenominatorZH: "年内管理的 65 岁及以上常住居民", DenominatorEN: "residents of 65 and over under care in the period",
			Thresholds: append([]string{"indicator_aged_checkup_parts", "indicator_checkup_missing", "indicator_refused_counts"}, base...), Source: "已部署的表单与代码表；" + inDocuments, Mark: "C",
		},
		{
			Code: "O01", ZH: "老年人体检完整率", EN: "complete checkups of the aged", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "体检表完整的受检老年人", NumeratorEN: "the aged whose checkup form is complete", DenominatorZH: "年内受检的老年人", DenominatorEN: "the aged with a checkup in the period",
			Thresholds: append([]string{"indicator_aged_checkup_parts", "indicator_checkup_missing", "indicator_refused_counts"}, base...), Source: "县级考核与工分系统", Mark: "C",
		},
		{
			Code: "O02", ZH: "老年人中医药健康管理率", EN: "Chinese medicine for the aged", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(agedPeople),
			NumeratorZH: "年内有体质辨识、中医药保健指导且表单完整的老年人", NumeratorEN: "the aged with constitution, advice and a complete form in the period",
			DenominatorZH: "年内管理的 65 岁及以上常住居民", DenominatorEN: "residents of 65 and over under care in the period",
			Thresholds: append([]string{"indicator_constitution_missing"}, base...), Source: "县级考核与工分系统；" + inDocuments, Mark: "C,K",
		},
		{
			Code: "T01", ZH: "体检任务完成率", EN: "checkups done of those assigned", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "年内体检且已审核的老年人", NumeratorEN: "the aged with a checkup in the period that was accepted",
			DenominatorZH: "本单位任务数（登记）；65 岁及以上常住居民（实时）", DenominatorEN: "the task of the unit (registered); residents of 65 and over (live)",
			Thresholds: append([]string{"indicator_accepted_level"}, base...), Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
		{
			Code: "T02", ZH: "体检合格率", EN: "checkups without fault", Unit: Percent, HigherIsBetter: true,
			NumeratorZH: "无硬性错误且无真实性问题的体检", NumeratorEN: "checkups without an error and without a finding of authenticity",
			DenominatorZH: "已提交的体检", DenominatorEN: "checkups submitted", Thresholds: []string{"indicator_suspicion_counts"}, Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
	}
}

// A disease whose care is counted: codes of how many are cared for, by the rules, and at the target.
func disease(managed, standard, controlled Code, zh, en string, to, prevalence carev1.StatisticCode, target, targetEN string, thresholds ...string) []Indicator {
	needed := []string{
		"indicator_chronic_years", "indicator_least_visits", "indicator_pro_rata_days", "indicator_visit_gap_days",
		"indicator_visit_span_days", "indicator_phone_counts", "missing_items_limit",
	}
	return []Indicator{
		{
			Code: managed, ZH: zh + "健康管理率", EN: "care for " + en, Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(to, prevalence),
			NumeratorZH: "年内在管且至少随访一次的" + zh + "患者", NumeratorEN: "patients on the register with at least one visit in the period",
			DenominatorZH: "应管患者数（登记，或 35 岁及以上人口 × 患病率）；已知患者（实时）", DenominatorEN: "patients that should be cared for (registered, or people of 35 and over × prevalence); known patients (live)",
			Thresholds: []string{"indicator_chronic_years", "indicator_managed_visits", "indicator_phone_counts"}, Source: "高血压、糖尿病健康管理考核公式", Mark: "C",
		},
		{
			Code: standard, ZH: zh + "规范管理率", EN: "care for " + en + " by the rules", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "面对面随访次数足够且分布合理、年度体检、未控制者已处置的患者", NumeratorEN: "patients with enough face-to-face visits spread over the period, the yearly checkup, and what was not controlled acted upon",
			DenominatorZH: "年内在管的患者", DenominatorEN: "patients on the register in the period",
			Thresholds: append(needed, thresholds...), Source: "高血压、糖尿病健康管理考核公式；" + inDocuments, Mark: "C",
		},
		{
			Code: controlled, ZH: target, EN: targetEN, Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "年内最近一次随访达标的患者；失访按未达标", NumeratorEN: "patients at the target on the latest visit of the period; who is lost is not at the target",
			DenominatorZH: "年内在管的患者", DenominatorEN: "patients on the register in the period", Source: "高血压、糖尿病健康管理考核公式；" + inDocuments, Mark: "C,K",
		},
	}
}

func chronic() []Indicator {
	const (
		h = carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_TO_MANAGE
		d = carev1.StatisticCode_STATISTIC_CODE_DIABETES_TO_MANAGE
		c = carev1.StatisticCode_STATISTIC_CODE_COPD_TO_MANAGE
	)
	handling := []string{"indicator_handling", "uncontrolled_days", "grace_days", "indicator_refused_counts", "indicator_checkup_days"}
	all := disease("H00", "H01", "H02", "高血压", "hypertension", h, carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_PREVALENCE, "高血压管理人群血压控制率", "blood pressure at the target", append([]string{"indicator_hypertension_visits", "indicator_chronic_checkup_parts", "systolic_target", "systolic_target_aged", "diastolic_target", "target_aged_years"}, handling...)...)
	all[2].Thresholds = []string{"systolic_target", "systolic_target_aged", "diastolic_target", "target_aged_years", "indicator_chronic_years", "indicator_phone_counts"}
	all = append(all, disease("D00", "D01", "D02", "2型糖尿病", "diabetes", d, carev1.StatisticCode_STATISTIC_CODE_DIABETES_PREVALENCE, "糖尿病管理人群血糖控制率", "glucose at the target", append([]string{"indicator_diabetes_visits", "indicator_diabetes_checkup_parts", "glucose_target_x10"}, handling...)...)...)
	all[5].Thresholds = []string{"glucose_target_x10", "indicator_chronic_years", "indicator_phone_counts"}
	return append(all,
		Indicator{
			Code: "C01", ZH: "慢阻肺规范管理率", EN: "care for COPD by the rules", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "面对面随访次数足够的患者", NumeratorEN: "patients with enough face-to-face visits", DenominatorZH: "年内在管的患者", DenominatorEN: "patients on the register in the period",
			Thresholds: []string{"indicator_chronic_years", "indicator_copd_visits", "indicator_pro_rata_days", "indicator_least_visits", "indicator_visit_gap_days", "indicator_visit_span_days", "indicator_phone_counts"}, Source: "慢阻肺患者健康服务纳入基本公共卫生服务（2024-09）", Mark: "C,K",
		},
		Indicator{
			Code: "C02", ZH: "慢阻肺健康管理率", EN: "care for COPD", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(c, carev1.StatisticCode_STATISTIC_CODE_COPD_PREVALENCE),
			NumeratorZH: "年内登记在管且至少随访一次的患者", NumeratorEN: "patients on the register with at least one visit in the period", DenominatorZH: "应管患者数（登记）；已知患者（实时）", DenominatorEN: "patients that should be cared for (registered); known patients (live)",
			Thresholds: []string{"indicator_chronic_years", "indicator_managed_visits", "indicator_phone_counts"}, Source: "慢阻肺患者健康服务纳入基本公共卫生服务（2024-09）", Mark: "C,K",
		})
}

func visits() []Indicator {
	return []Indicator{
		{
			Code: "B01", ZH: "两病接诊人次", EN: "visits with hypertension or diabetes", Unit: Count, PerPerson: true, HigherIsBetter: true,
			Stat:        stat(carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_VISITS, carev1.StatisticCode_STATISTIC_CODE_DIABETES_VISITS),
			NumeratorZH: "就诊的患者", NumeratorEN: "patients who came", AmountZH: "门诊与入户接诊两病患者的人次，一人一天计一次", AmountEN: "person-times at the clinic or at home with hypertension or diabetes, one a day", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
		{
			Code: "B02", ZH: "糖尿病筛查人数", EN: "people screened for diabetes", Unit: Count, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "年内做过糖尿病筛查的人，一人计一次", NumeratorEN: "persons screened for diabetes in the period, each once", AmountZH: "筛查次数", AmountEN: "screenings", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
	}
}

func contracts() []Indicator {
	all := []Indicator{
		{
			Code: "G01", ZH: "签约服务覆盖率", EN: "residents with a contract", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(population),
			NumeratorZH: "期末签约有效的常住居民", NumeratorEN: "residents with a contract in force on the last day", DenominatorZH: "期末管理的常住居民", DenominatorEN: "residents under care on the last day", Source: "家庭医生签约服务高质量发展指导意见（2022）；县级考核与工分系统", Mark: "C",
		},
		{
			Code: "G02", ZH: "重点人群签约覆盖率", EN: "key populations with a contract", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "期末签约有效的重点人群，多标记只计一次", NumeratorEN: "people of key populations with a contract in force on the last day, each once", DenominatorZH: "期末的重点人群", DenominatorEN: "people of key populations on the last day",
			Thresholds: append([]string{"indicator_key_populations"}, allPopulationNumbers()...), Source: "家庭医生签约服务高质量发展指导意见（2022）；家庭医生签约服务重点人群（2016）；已部署的表单与代码表", Mark: "C",
		},
	}
	for _, p := range populations() {
		all = append(all, Indicator{
			Code: partOfPopulation(p.code), ZH: p.zh + "签约覆盖率", EN: "contracts: " + p.en, Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "期末签约有效的" + p.zh, NumeratorEN: "with a contract in force on the last day: " + p.en, DenominatorZH: "期末的" + p.zh, DenominatorEN: "on the last day: " + p.en, Thresholds: populationNumbers(p.code), Source: "家庭医生签约服务高质量发展指导意见（2022）；丛台区卫健局会议（2024-03-25）", Mark: "C",
		})
	}
	return append(all,
		Indicator{
			Code: "G03", ZH: "续签率", EN: "contracts renewed", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "到期后按时续签的居民", NumeratorEN: "residents who renewed in time", DenominatorZH: "期内签约到期的居民", DenominatorEN: "residents whose contract ran out in the period",
			Thresholds: []string{"indicator_renewal_days"}, Source: "县级考核与工分系统", Mark: "C",
		},
		Indicator{
			Code: "G04", ZH: "履约率", EN: "contracts fulfilled", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "期内有履约服务的签约居民", NumeratorEN: "residents under contract who were served under it in the period", DenominatorZH: "期末签约有效的居民", DenominatorEN: "residents with a contract in force on the last day",
			Thresholds: []string{"indicator_fulfilment", "indicator_pro_rata_days"}, Source: "县级考核与工分系统", Mark: "C",
		},
		Indicator{
			Code: "G05", ZH: "签约率提升", EN: "rise of contracts", Unit: PercentagePoints, HigherIsBetter: true, Of: "G01", Derived: PointsOf,
			NumeratorZH: "G01 本期", NumeratorEN: "G01 of the period", DenominatorZH: "G01 上年同期", DenominatorEN: "G01 a year before", Thresholds: []string{"indicator_rise_x100"}, Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
		Indicator{
			Code: "G06", ZH: "重点人群签约率提升", EN: "rise of contracts of key populations", Unit: PercentagePoints, HigherIsBetter: true, Of: "G02", Derived: PointsOf,
			NumeratorZH: "G02 本期", NumeratorEN: "G02 of the period", DenominatorZH: "G02 上年同期", DenominatorEN: "G02 a year before", Thresholds: []string{"indicator_rise_x100"}, Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		})
}

func restricted() []Indicator {
	return []Indicator{
		{
			Code: "M01", ZH: "严重精神障碍规范管理率", EN: "care for severe mental illness by the rules", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(carev1.StatisticCode_STATISTIC_CODE_MENTAL_ILLNESS_REGISTERED),
			NumeratorZH: "随访次数与间隔符合要求并完成年度体检的患者", NumeratorEN: "patients with enough visits, none too late, and the yearly checkup", DenominatorZH: "年内在册的确诊患者", DenominatorEN: "confirmed patients on the register in the period",
			Thresholds: []string{"indicator_mental_visits", "indicator_pro_rata_days", "mental_days", "grace_days", "indicator_mental_phone_counts", "indicator_mental_checkup_parts", "indicator_checkup_days", "indicator_refused_counts", "indicator_least_visits"}, Source: "已部署的表单与代码表", Mark: "C,K",
		},
		{
			Code: "M02", ZH: "严重精神障碍稳定率", EN: "severe mental illness, stable", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "最近一次随访分类为稳定的患者", NumeratorEN: "patients who were stable on the latest visit", DenominatorZH: "年内在册的确诊患者", DenominatorEN: "confirmed patients on the register in the period", Source: "已部署的表单与代码表", Mark: "C",
		},
		{
			Code: "P01", ZH: "肺结核患者管理率", EN: "care for tuberculosis", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(carev1.StatisticCode_STATISTIC_CODE_TUBERCULOSIS_NOTIFIED),
			NumeratorZH: "已第一次入户见到或已随访的患者", NumeratorEN: "patients met on the first home visit or followed up", DenominatorZH: "期内定点医院通知的患者", DenominatorEN: "patients notified by the hospital in the period", Source: "县级考核与工分系统", Mark: "C,K",
		},
		{
			Code: "P02", ZH: "肺结核规则服药率", EN: "regular tuberculosis treatment", Unit: Percent, PerPerson: true, HigherIsBetter: true,
			NumeratorZH: "服药率达到要求的患者", NumeratorEN: "patients who took enough of their doses", DenominatorZH: "期内完成治疗的患者", DenominatorEN: "patients who finished treatment in the period",
			Thresholds: []string{"tuberculosis_regular_percent_x10"}, Source: "县级考核与工分系统", Mark: "C,K",
		},
	}
}

func mothersAndChildren() []Indicator {
	return []Indicator{
		{
			Code: "MC1", ZH: "早孕建册率", EN: "early first antenatal visit", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(liveBirths),
			NumeratorZH: "孕 13 周前建册的产妇", NumeratorEN: "women first seen before the thirteenth week", DenominatorZH: "活产数（登记）；期内分娩的产妇（实时）", DenominatorEN: "live births (registered); women who gave birth in the period (live)",
			Thresholds: []string{"early_book_weeks", "pregnancy_days", "pregnancy_longest_days"}, Source: "县级考核与工分系统", Mark: "C,K",
		},
		{
			Code: "MC2", ZH: "产后访视率", EN: "visits after birth", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(liveBirths),
			NumeratorZH: "出院后 28 天内接受产后访视的产妇", NumeratorEN: "women visited within 28 days of leaving hospital", DenominatorZH: "活产数（登记）；期内分娩的产妇（实时）", DenominatorEN: "live births (registered); women who gave birth in the period (live)",
			Thresholds: []string{"postpartum_visit_latest_days", "pregnancy_days", "pregnancy_longest_days"}, Source: "县级考核与工分系统", Mark: "C,K",
		},
		{
			Code: "CH1", ZH: "新生儿访视率", EN: "newborn visits", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(liveBirths),
			NumeratorZH: "新生儿期接受访视的新生儿", NumeratorEN: "newborns visited within the newborn days", DenominatorZH: "活产数（登记）；期内出生的儿童（实时）", DenominatorEN: "live births (registered); children born in the period (live)",
			Thresholds: []string{"newborn_days"}, Source: "县级考核与工分系统", Mark: "C,K",
		},
		{
			Code: "CH2", ZH: "儿童健康管理率", EN: "care for children", Unit: Percent, PerPerson: true, HigherIsBetter: true, Stat: stat(carev1.StatisticCode_STATISTIC_CODE_CHILDREN_0_TO_6),
			NumeratorZH: "期内接受随访的 0～6 岁儿童", NumeratorEN: "children visited in the period", DenominatorZH: "期末 0～6 岁儿童", DenominatorEN: "children below seven on the last day",
			Thresholds: []string{"child_years"}, Source: "县级考核与工分系统", Mark: "C,K",
		},
	}
}

func surveys() []Indicator {
	all := []Indicator{
		{
			Code: "X01", ZH: "满意度", EN: "satisfaction", Unit: Percent, HigherIsBetter: true, NumeratorZH: "总体满意或基本满意", NumeratorEN: "satisfied or mostly so overall",
			DenominatorZH: "有效答卷，不含“不了解”", DenominatorEN: "valid answers without “do not know”", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
		{
			Code: "X02", ZH: "知晓率", EN: "awareness", Unit: Percent, HigherIsBetter: true, NumeratorZH: "回答知道的题次", NumeratorEN: "items that were known", DenominatorZH: "询问的题次", DenominatorEN: "items asked", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
		{
			Code: "X03", ZH: "季度调查完成", EN: "quarters surveyed", Unit: Percent, HigherIsBetter: true, Of: "X03", Derived: QuartersOf,
			NumeratorZH: "有效问卷数足够的季度", NumeratorEN: "quarters with enough valid forms", DenominatorZH: "期内季度数（全年 4）", DenominatorEN: "quarters of the period (4 in a year)", Thresholds: []string{"indicator_survey_forms"}, Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
	}
	for q := 1; q <= 4; q++ {
		all = append(all, Indicator{
			Code: quarterPart(q), ZH: fmt.Sprintf("第 %d 季度有效问卷", q), EN: fmt.Sprintf("valid forms of quarter %d", q), Unit: Count, HigherIsBetter: true,
			NumeratorZH: "有效问卷", NumeratorEN: "valid forms", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		})
	}
	return append(all,
		Indicator{
			Code: "X04", ZH: "签约居民满意度", EN: "satisfaction with the contract", Unit: Percent, HigherIsBetter: true, NumeratorZH: "对签约服务满意或基本满意", NumeratorEN: "satisfied or mostly so with the contract service",
			DenominatorZH: "对签约服务的有效回答", DenominatorEN: "valid answers on the contract service", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
		Indicator{
			Code: "X05", ZH: "获得感", EN: "services felt to be received", Unit: Percent, HigherIsBetter: true, NumeratorZH: "随访、体检真实获得：满意或基本满意", NumeratorEN: "satisfied or mostly so with the services received",
			DenominatorZH: "对服务获得的有效回答", DenominatorEN: "valid answers on the services received", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
		Indicator{
			Code: "X06", ZH: "健康素养水平", EN: "health literacy", Unit: Percent, HigherIsBetter: true, NumeratorZH: "知道的题次", NumeratorEN: "items that were known", DenominatorZH: "全部题次", DenominatorEN: "items asked", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
		Indicator{
			Code: "X07", ZH: "投诉反馈办结率", EN: "feedback answered", Unit: Percent, HigherIsBetter: true, NumeratorZH: "期末前按期办结的投诉反馈", NumeratorEN: "feedback closed in time by the last day", DenominatorZH: "期内收到且应办结的投诉反馈", DenominatorEN: "feedback received in the period and closed or due", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		})
}

func events() []Indicator {
	all := []Indicator{{
		Code: "E01", ZH: "活动次数与服务人次", EN: "events and people served", Unit: Count, HigherIsBetter: true, NumeratorZH: "活动次数", NumeratorEN: "events", AmountZH: "服务人次", AmountEN: "people at them",
		Thresholds: []string{"indicator_outreach_activities"}, Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
	}}
	for a, words := range activities() {
		all = append(all, Indicator{
			Code: activityPart(a + 1), ZH: words[0], EN: words[1], Unit: Count, HigherIsBetter: true, NumeratorZH: "活动次数", NumeratorEN: "events", AmountZH: "参加人次", AmountEN: "people at them", Source: "县级考核与工分系统 E0" + string(rune('1'+a)), Mark: "C",
		})
	}
	return append(all,
		Indicator{
			Code: "E02", ZH: "节假日健康驿站服务人次", EN: "health station on days off", Unit: Count, HigherIsBetter: true, NumeratorZH: "周末与节假日的驿站活动", NumeratorEN: "stations held on weekends and holidays", AmountZH: "服务人次", AmountEN: "people at them", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
		Indicator{
			Code: "E03", ZH: "线上培训", EN: "training online", Unit: Count, HigherIsBetter: true, NumeratorZH: "场次", NumeratorEN: "courses", AmountZH: "参训人次", AmountEN: "people trained", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
		Indicator{
			Code: "E04", ZH: "线下培训", EN: "training on site", Unit: Count, HigherIsBetter: true, NumeratorZH: "场次", NumeratorEN: "courses", AmountZH: "参训人次", AmountEN: "people trained", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
		Indicator{
			Code: "E05", ZH: "宣传节点按时完成率", EN: "publicity milestones in time", Unit: Percent, HigherIsBetter: true, NumeratorZH: "按时完成的节点", NumeratorEN: "milestones done in time", DenominatorZH: "期内到期的节点", DenominatorEN: "milestones due in the period", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		})
}

func units() []Indicator {
	return []Indicator{{
		Code: "V01", ZH: "村卫生室达标率", EN: "village clinics up to standard", Unit: Percent, HigherIsBetter: true, NumeratorZH: "期末服务能力达标的村卫生室", NumeratorEN: "village clinics that meet the standard on the last day",
		DenominatorZH: "期末的村卫生室", DenominatorEN: "village clinics on the last day", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
	}}
}

func verifications() []Indicator {
	return []Indicator{
		{
			Code: "A01", ZH: "真实率", EN: "true", Unit: Percent, HigherIsBetter: true, NumeratorZH: "核查真实的记录", NumeratorEN: "checks that found the record true", DenominatorZH: "核查到且有结论的记录；失访另列", DenominatorEN: "checks with a verdict; who was lost stands apart", Source: "高血压患者健康管理核查信息记录表（2018）；老年人健康管理核查表", Mark: "C",
		},
		{
			Code: "A02", ZH: "规范率", EN: "up to standard", Unit: Percent, HigherIsBetter: true, NumeratorZH: "核查规范的记录", NumeratorEN: "checks that found the record up to standard", DenominatorZH: "有规范性结论的核查", DenominatorEN: "checks with a verdict on the standard", Source: "高血压患者健康管理核查信息记录表（2018）；老年人健康管理核查表", Mark: "C",
		},
		{
			Code: "A03", ZH: "联系成功率", EN: "reached", Unit: Percent, HigherIsBetter: true, NumeratorZH: "联系上的抽查对象", NumeratorEN: "people drawn who were reached", DenominatorZH: "全部抽查对象", DenominatorEN: "people drawn", Thresholds: []string{"indicator_refused_reached"}, Source: "高血压患者健康管理核查信息记录表（2018）；老年人健康管理核查表", Mark: "C",
		},
		{Code: "A03.2", ZH: "联系上拒访（失访）", EN: "reached and refused", Unit: Count, NumeratorZH: "核查数", NumeratorEN: "checks", Source: "老年人健康管理核查表", Mark: "C"},
		{Code: "A03.3", ZH: "未联系上（失访）", EN: "not reached", Unit: Count, NumeratorZH: "核查数", NumeratorEN: "checks", Source: "老年人健康管理核查表", Mark: "C"},
		{Code: "A03.4", ZH: "电话或地址错误（失访）", EN: "wrong number or address", Unit: Count, NumeratorZH: "核查数", NumeratorEN: "checks", Source: "老年人健康管理核查表", Mark: "C"},
	}
}

func services() []Indicator {
	all := []Indicator{
		{
			Code: "N01", ZH: "门诊接诊人次", EN: "clinic visits", Unit: Count, HigherIsBetter: true, Stat: stat(clinicVisits), NumeratorZH: "就诊的居民", NumeratorEN: "residents who came", AmountZH: "接诊人次", AmountEN: "visits", PerPerson: true, Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
		{
			Code: "N02", ZH: "基层就诊率", EN: "share of primary care", Unit: Percent, HigherIsBetter: true, Stat: stat(clinicVisits, carev1.StatisticCode_STATISTIC_CODE_ALL_VISITS), Derived: RegisteredOf,
			NumeratorZH: "基层机构接诊人次（登记）", NumeratorEN: "visits to primary care (registered)", DenominatorZH: "居民总诊疗人次（登记）", DenominatorEN: "all visits of residents (registered)", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
		{
			Code: "N03", ZH: "绿色通道服务人次", EN: "green channel", Unit: Count, HigherIsBetter: true, PerPerson: true, NumeratorZH: "受益的居民", NumeratorEN: "residents served", AmountZH: "人次", AmountEN: "person-times", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
		greenChannel(greenParts()[0]), greenChannel(greenParts()[1]), greenChannel(greenParts()[2]),
		{
			Code: "N04", ZH: "费用减免", EN: "fees waived", Unit: Fen, HigherIsBetter: true, PerPerson: true, NumeratorZH: "受益的居民", NumeratorEN: "residents relieved", AmountZH: "减免金额（分）", AmountEN: "fen waived", Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
		},
		{
			Code: "N05", ZH: "上门服务人次", EN: "home visits", Unit: Count, HigherIsBetter: true, PerPerson: true, NumeratorZH: "见到的居民", NumeratorEN: "residents met", AmountZH: "人次", AmountEN: "visits", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
		},
	}
	for m, words := range serviceModes() {
		all = append(all, Indicator{Code: modePart(m + 1), ZH: "上门服务：" + words[0], EN: "home visits: " + words[1], Unit: Count, HigherIsBetter: true, PerPerson: true, NumeratorZH: "见到的居民", NumeratorEN: "residents met", AmountZH: "人次", AmountEN: "visits", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C"})
	}
	return append(all, Indicator{
		Code: "N06", ZH: "家签宣传告知率", EN: "told of the contract", Unit: Percent, HigherIsBetter: true, PerPerson: true, NumeratorZH: "随访时已告知的未签约居民", NumeratorEN: "residents without a contract who were told of it at a visit", DenominatorZH: "期内见到的未签约居民", DenominatorEN: "residents without a contract who were met in the period", Source: "丛台区卫健局会议（2024-03-25）", Mark: "C",
	})
}

// greenChannel returns the counter of the green channel for one of its populations.
func greenChannel(of greenPart) Indicator {
	p := populationCalled(of.population)
	return Indicator{
		Code: of.code, ZH: "绿色通道服务人次：" + p.zh, EN: "green channel: " + p.en, Unit: Count, HigherIsBetter: true, PerPerson: true,
		NumeratorZH: "受益的居民", NumeratorEN: "residents served", AmountZH: "人次", AmountEN: "person-times", Thresholds: populationNumbers(of.population), Source: "道县西洲街道社区卫生服务中心（2024）", Mark: "C",
	}
}
