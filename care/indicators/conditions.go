// SPDX-License-Identifier: Apache-2.0

package indicators

// A Reason is why somebody of a denominator may not count, as the manual lists it.
type Reason struct {
	ID     string
	ZH, EN string
}

// Reasons returns the conditions of an indicator in the order in which they are tried, nil where none can fail.
func Reasons(code Code) []Reason {
	switch code {
	case "S01":
		return []Reason{draftRecord(), {"cover", "封面有未填项", "an item of the cover is empty"}, {"newborn_visit", "0～6 岁儿童无新生儿家庭访视记录", "a child without a newborn visit"}, {"basic", "个人基本信息表未填项超过允许数", "too many items of the basic form are empty"}}
	case "S02":
		return []Reason{draftRecord()}
	case "S03":
		return []Reason{{"entry", "期末前规定天数内无动态记录", "no entry of care in the days before the last"}}
	case "S23":
		return standardReasons()
	case "O00":
		return []Reason{draftRecord(), noCheckup(), incomplete(), {"guidance", "体检无健康指导", "the checkup gives no guidance"}}
	case "O01":
		return []Reason{incomplete()}
	case "O02":
		return []Reason{{"constitution", "年内无体质辨识", "no constitution in the period"}, {"complete", "体质辨识有未答题", "questions without an answer"}, {"advice", "无中医药保健指导", "no advice"}}
	case "T01":
		return []Reason{noCheckup(), {"accepted", "体检未经要求级别审核", "not accepted at the level that is wanted"}}
	case "T02":
		return []Reason{{"returned", "体检被退回，未更正", "returned and not corrected"}, {"errors", "体检有错误", "the checkup has errors"}, {"suspicion", "真实性存疑（仅当规则包计入）", "it is doubted (where the pack counts that)"}}
	}
	if out := chronicReasons(code); out != nil {
		return out
	}
	return otherReasons(code)
}

func draftRecord() Reason { return Reason{"record", "档案仍为草稿", "the record is a draft"} }

func noCheckup() Reason { return Reason{"checkup", "年内未体检", "no checkup in the period"} }

func incomplete() Reason {
	return Reason{"complete", "体检表缺必填部分", "the checkup form lacks parts"}
}

func standardReasons() []Reason {
	return []Reason{
		{"returned", "档案被退回，未更正", "the record was returned and not corrected"},
		{"verified", "核查不规范", "found not up to standard"},
		{"basic_errors", "个人基本信息有规范性错误", "errors in the basic information"},
		{"errors", "期内记录有规范性错误", "errors in a record of the period"},
		{"aged_tag", "有老年人标记而未满年龄", "tagged as aged and too young"},
		{"no_aged_tag", "已满年龄而无老年人标记", "aged and not tagged"},
		{"child_tag", "有儿童标记而已满年龄", "tagged as a child and too old"},
		{"no_hypertension_tag", "有高血压随访而当日不在册", "followed up for hypertension and not on the register"},
		{"no_diabetes_tag", "有糖尿病随访而当日不在册", "followed up for diabetes and not on the register"},
		{"no_copd_tag", "有慢阻肺随访而当日不在册", "followed up for COPD and not on the register"},
	}
}

func chronicReasons(code Code) []Reason {
	visits := Reason{"visits", "面对面规范随访次数不足", "too few face-to-face visits up to standard"}
	spread := Reason{"spread", "随访过于集中", "the visits lie too close together"}
	checkup := []Reason{{"checkup", "期内无年度体检", "no yearly checkup in the period"}, {"checkup_parts", "年度体检缺项", "the yearly checkup lacks parts"}}
	switch code {
	case "H00", "D00", "C02":
		return []Reason{{"register", "已知患病而不在册", "known to have it and not on the register"}, {"visits", "期内随访次数不足", "too few visits in the period"}}
	case "H01", "D01":
		return append([]Reason{visits, spread, checkup[0], checkup[1]}, Reason{"referral", "连续两次未控制而未转诊", "not controlled twice in a row and not referred"}, Reason{"handled", "未控制后未按时再随访", "not controlled and not followed up in time"})
	case "C01":
		return []Reason{visits, spread}
	case "H02", "D02":
		return []Reason{{"lost", "失访", "lost to follow-up"}, {"visit", "期内无面对面随访", "no face-to-face visit in the period"}, {"measured", "最近一次随访未测", "not measured on the latest visit"}, {"target", "最近一次未达标", "not at the target on the latest visit"}}
	case "M01":
		return []Reason{{"interval", "两次随访间隔过长", "too long between two follow-ups"}, {"visits", "随访次数不足", "too few follow-ups"}, checkup[0], checkup[1]}
	case "M02":
		return []Reason{{"visit", "期内无随访", "no follow-up in the period"}, {"stable", "最近一次分类不是稳定", "not stable on the latest follow-up"}}
	}
	return nil
}

func otherReasons(code Code) []Reason {
	switch code {
	case "G01", "G02":
		return []Reason{{"contract", "期末无有效签约", "no contract in force on the last day"}}
	case "G03":
		return []Reason{{"renewed", "到期后未按时续签", "not renewed in time"}}
	case "G04":
		return []Reason{{"service", "期内无履约服务", "no service in the period"}, {"services", "应履约项目次数不足（仅当规则包要求）", "services given less often than due (where the pack wants it)"}}
	case "P01":
		return []Reason{{"visit", "通知后未入户见到，也未随访", "neither met at home nor followed up after the notice"}}
	case "P02":
		return []Reason{{"doses", "服药率不足或未记录", "too few doses, or no share recorded"}}
	case "MC1":
		return []Reason{{"first_visit", "孕期无产前随访", "no antenatal visit of the pregnancy"}, {"early", "建册过晚或无孕周", "first seen too late, or the week is not said"}}
	case "MC2", "CH1", "CH2":
		return []Reason{{"visit", "规定时间内无访视", "no visit in time"}}
	case "X01", "X04", "X05":
		return []Reason{{"satisfied", "一般或不满意", "fair or dissatisfied"}}
	case "X07":
		return []Reason{{"closed", "未按期办结", "not closed in time"}}
	case "E05":
		return []Reason{{"done", "节点未按时完成", "the milestone was not done in time"}}
	case "V01":
		return []Reason{{"standard", "服务能力未达标", "does not meet the standard"}}
	case "A01":
		return []Reason{{"true", "核查不真实", "found untrue"}}
	case "A02":
		return []Reason{{"standard", "核查不规范", "found not up to standard"}}
	case "A03":
		return []Reason{{"reached", "未联系上", "not reached"}}
	case "N06":
		return []Reason{{"told", "入户时未告知签约", "not told of the contract when met at home"}}
	}
	if len(code) > 4 && code[:4] == "G02." {
		return otherReasons("G02")
	}
	return nil
}
