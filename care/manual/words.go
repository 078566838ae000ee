// SPDX-License-Identifier: Apache-2.0

package manual

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// unit returns a unit as people read it: those of time and money have words.
func (l language) unit(u string) string {
	switch u {
	case "a":
		return l.say("年（岁）", "years")
	case "mo":
		return l.say("个月", "months")
	case "wk", "week":
		return l.say("周", "weeks")
	case "d":
		return l.say("天", "days")
	case "min":
		return l.say("分钟", "minutes")
	case "ms":
		return l.say("毫秒", "ms")
	case "h/day":
		return l.say("小时/天", "hours per day")
	case "/min":
		return l.say("每分钟", "per minute")
	case "/day":
		return l.say("每天", "per day")
	case "/week":
		return l.say("每周", "per week")
	case "/year":
		return l.say("每年", "per year")
	case "g/day":
		return l.say("克/天", "g per day")
	case "IU/day":
		return l.say("单位/天", "IU per day")
	case "liang/day":
		return l.say("两/天", "liang (50 g) per day")
	case "fen":
		return l.say("分（人民币）", "fen (0.01 yuan)")
	case "B":
		return l.say("字节", "bytes")
	}
	return u
}

// population says for whom a field is to be filled.
func (l language) population(p schemav1.Population) string {
	switch p {
	case schemav1.Population_POPULATION_AGED_65_AND_OVER:
		return l.say("65 岁及以上者", "for people of 65 and over")
	case schemav1.Population_POPULATION_RURAL:
		return l.say("农村居民", "for people in the countryside")
	case schemav1.Population_POPULATION_FEMALE:
		return l.say("女性", "for women")
	case schemav1.Population_POPULATION_MALE:
		return l.say("男性", "for men")
	}
	return p.String()
}

// class says who receives the records of a kind.
func (l language) class(c schemav1.PrivacyClass) string {
	switch c {
	case schemav1.PrivacyClass_PRIVACY_CLASS_UNSPECIFIED:
		return l.say("不分级", "none")
	case schemav1.PrivacyClass_PRIVACY_CLASS_GENERAL:
		return l.say("普通", "general")
	case schemav1.PrivacyClass_PRIVACY_CLASS_SENSITIVE:
		return l.say("敏感", "sensitive")
	}
	return c.String()
}

// receivers says more of a class than its name.
func (l language) receivers(c schemav1.PrivacyClass) string {
	switch c {
	case schemav1.PrivacyClass_PRIVACY_CLASS_UNSPECIFIED:
		return l.say("所有设备都会收到", "every device receives it")
	case schemav1.PrivacyClass_PRIVACY_CLASS_GENERAL:
		return l.say("服务该区划的设备会收到", "devices that serve the division receive it")
	case schemav1.PrivacyClass_PRIVACY_CLASS_SENSITIVE:
		return l.say("只发给获准接收敏感记录的设备", "only devices that may have sensitive records receive it")
	}
	return c.String()
}

// subject says whom a kind is about.
func (l language) subject(s schemav1.Subject) string {
	if s == schemav1.Subject_SUBJECT_NONE {
		return l.say("不挂在某位居民名下", "no resident; it stands by itself")
	}
	return l.say("一位居民", "one resident")
}

func (l language) severity(s carev1.Severity) string {
	switch s {
	case carev1.Severity_SEVERITY_ERROR:
		return l.say("错误", "Error")
	case carev1.Severity_SEVERITY_WARNING:
		return l.say("警示", "Warning")
	case carev1.Severity_SEVERITY_SUSPICION:
		return l.say("疑点", "Suspicion")
	case carev1.Severity_SEVERITY_INFO:
		return l.say("提示", "Info")
	}
	return s.String()
}

func (l language) strength(s carev1.Strength) string {
	switch s {
	case carev1.Strength_STRENGTH_HARD:
		return l.say("必须", "binding")
	case carev1.Strength_STRENGTH_WARN:
		return l.say("可由人判断", "a person may decide")
	case carev1.Strength_STRENGTH_SUSPICION:
		return l.say("仅提示", "draws attention only")
	}
	return s.String()
}

func (l language) mark(m carev1.SourceMark) string {
	switch m {
	case carev1.SourceMark_SOURCE_MARK_CONFIRMED:
		return l.say("已核实", "confirmed")
	case carev1.SourceMark_SOURCE_MARK_KNOWN:
		return l.say("据实践", "known from practice")
	case carev1.SourceMark_SOURCE_MARK_PROPOSED:
		return l.say("本项目提出", "proposed here")
	}
	return m.String()
}

// source says where a row of the pack comes from.
func (l language) source(s *carev1.RuleSource) string {
	return text(s.GetDocument()) + l.say("，", ", ") + text(s.GetSection()) + l.say("（", " (") + l.mark(s.GetMark()) + l.say("）", ")")
}

// check says what a check of the schema looks for.
func (l language) check(c carev1.SchemaCheck) string {
	switch c {
	case carev1.SchemaCheck_SCHEMA_CHECK_REQUIRED:
		return l.say("表单要求填写的项目为空", "what the form wants filled is empty")
	case carev1.SchemaCheck_SCHEMA_CHECK_UNKNOWN_CODE:
		return l.say("代码不在列表中", "a code that the list does not have")
	case carev1.SchemaCheck_SCHEMA_CHECK_EXCLUSIVE_CODE:
		return l.say("只能单独选择的代码与其他代码同时选择", "a code that stands alone, together with others")
	case carev1.SchemaCheck_SCHEMA_CHECK_HARD_RANGE:
		return l.say("数值超出可能范围且未确认", "a number outside what is possible, not confirmed")
	case carev1.SchemaCheck_SCHEMA_CHECK_WARN_RANGE:
		return l.say("数值可能但超出常见范围且未确认", "a number that is possible and outside what is usual, not confirmed")
	case carev1.SchemaCheck_SCHEMA_CHECK_DATE:
		return l.say("日历上没有的日期", "a date that the calendar does not have")
	case carev1.SchemaCheck_SCHEMA_CHECK_SIZE:
		return l.say("文本过长或条目过多", "a text too long, or a list with too many entries")
	}
	return c.String()
}
