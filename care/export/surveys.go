// SPDX-License-Identifier: Apache-2.0

package export

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// CallLine is what the verifications of one unit came to.
type CallLine struct {
	Unit                                  UnitName
	Sampled, Phoned, Visited, Waiting     int64
	NoNumber, Wrong, Dead, Suspended      int64
	NoAnswer, Connected                   int64
	Accepted, Refused, Missed, WrongPlace int64
	True, Untrue, Undecided               int64
	Standard, NotStandard                 int64
}

// Add counts one verification.
func (l *CallLine) Add(v *carev1.Verification) {
	l.Sampled++
	switch v.GetMode() {
	case carev1.VerificationMode_VERIFICATION_MODE_PHONE:
		l.Phoned++
	case carev1.VerificationMode_VERIFICATION_MODE_FACE_TO_FACE:
		l.Visited++
	}
	count(v.GetCallResult(), map[carev1.VerificationCallResult]*int64{
		1: &l.NoNumber, 2: &l.Wrong, 3: &l.Dead, 4: &l.Suspended, 5: &l.NoAnswer, 6: &l.Connected,
	})
	count(v.GetContact(), map[carev1.VerificationContact]*int64{
		0: &l.Waiting, 1: &l.Accepted, 2: &l.Refused, 3: &l.Missed, 4: &l.WrongPlace,
	})
	if v.GetContact() != carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED {
		return // lost: reported apart, and no part of the rates
	}
	count(v.GetTruthVerdict(), map[carev1.VerificationVerdict]*int64{1: &l.True, 2: &l.Untrue, 3: &l.Undecided, 0: &l.Undecided})
	count(v.GetStandardVerdict(), map[carev1.StandardVerdict]*int64{1: &l.Standard, 2: &l.NotStandard})
}

func count[E comparable](of E, into map[E]*int64) {
	if n := into[of]; n != nil {
		*n++
	}
}

// Calls is table (g), what telephone calls and visits found.
func Calls() Sheet[CallLine] {
	type line = CallLine
	whole := func(id, zh, en, fromZH string, of func(line) int64) field[line] {
		return field[line]{Column{ID: id, ZH: zh, EN: en, Format: Whole, Width: 8, FromZH: fromZH, FromEN: "verification"}, func(l line) Cell { return number(of(l)) }}
	}
	share := func(id, zh, en, fromZH, fromEN string, of func(line) (int64, int64)) field[line] {
		return field[line]{Column{ID: id, ZH: zh, EN: en, Format: Percent, Width: 10, FromZH: fromZH, FromEN: fromEN}, func(l line) Cell { return rate(of(l)) }}
	}
	return define(Table{
		Name: "calls", ZH: "电话核查汇总表", EN: "summary of verifications", RowZH: "人", RowEN: "person", SheetZH: "电话核查",
		NoteZH: "按被核查单位；真实率与规范率的分母为核查到（联系上且接受）并有结论者，失访另列。",
		NoteEN: "By the unit that was checked. Rates are of those who were reached, accepted and have a verdict; the lost stand apart.",
	}, append(
		unitFields(func(l line) UnitName { return l.Unit }),
		whole("sampled", "抽查数", "sampled", "核查记录数", func(l line) int64 { return l.Sampled }),
		whole("phoned", "电话", "by telephone", "核查方式", func(l line) int64 { return l.Phoned }),
		whole("visited", "面访", "face to face", "核查方式", func(l line) int64 { return l.Visited }),
		whole("no_number", "无电话", "no number", "接通情况", func(l line) int64 { return l.NoNumber }),
		whole("wrong", "错号", "wrong number", "接通情况", func(l line) int64 { return l.Wrong }),
		whole("dead", "空号", "not in service", "接通情况", func(l line) int64 { return l.Dead }),
		whole("suspended", "停机", "suspended", "接通情况", func(l line) int64 { return l.Suspended }),
		whole("no_answer", "无人接听", "no answer", "接通情况", func(l line) int64 { return l.NoAnswer }),
		whole("connected", "有效接通", "connected", "接通情况", func(l line) int64 { return l.Connected }),
		whole("accepted", "接受核查", "accepted", "联系结果", func(l line) int64 { return l.Accepted }),
		whole("refused", "拒访", "refused", "联系结果（失访）", func(l line) int64 { return l.Refused }),
		whole("missed", "未联系上", "not reached", "联系结果（失访）", func(l line) int64 { return l.Missed }),
		whole("wrong_place", "电话或地址错误", "wrong address", "联系结果（失访）", func(l line) int64 { return l.WrongPlace }),
		whole("waiting", "待核查", "not tried", "已抽取未联系", func(l line) int64 { return l.Waiting }),
		share("reached", "联系成功率", "reached", "接受核查/抽查数", "accepted over sampled", func(l line) (int64, int64) { return l.Accepted, l.Sampled }),
		whole("true", "真实", "true", "真实性结论", func(l line) int64 { return l.True }),
		whole("untrue", "不真实", "untrue", "真实性结论", func(l line) int64 { return l.Untrue }),
		whole("undecided", "未定", "undecided", "真实性结论", func(l line) int64 { return l.Undecided }),
		share("truth", "真实率", "truth rate", "真实/（真实＋不真实）", "true over true and untrue", func(l line) (int64, int64) { return l.True, l.True + l.Untrue }),
		whole("standard", "规范", "standard", "规范性结论", func(l line) int64 { return l.Standard }),
		whole("not_standard", "不规范", "not standard", "规范性结论", func(l line) int64 { return l.NotStandard }),
		share("standard_rate", "规范率", "standard rate", "规范/（规范＋不规范）", "standard over standard and not", func(l line) (int64, int64) { return l.Standard, l.Standard + l.NotStandard }),
	)...)
}

// SurveyLine is what the satisfaction surveys of one unit and quarter came to.
type SurveyLine struct {
	Unit    UnitName
	Quarter string      // 2026Q1
	Forms   int64       // all
	Overall [6]int64    // by answer
	Items   [8][2]int64 // of each item: satisfied or mostly; all answers but 5
	Aware   [2]int64    // known; asked
}

// Add counts one form.
func (l *SurveyLine) Add(s *carev1.SatisfactionSurvey) {
	l.Forms++
	if o := s.GetOverall(); o >= 0 && int(o) < len(l.Overall) {
		l.Overall[o]++
	}
	for i, a := range []carev1.SurveyAnswer{
		s.GetAttitude(), s.GetSkill(), s.GetEnvironment(), s.GetWaiting(), s.GetConvenience(), s.GetCost(), s.GetServicesReceived(), s.GetContractService(),
	} {
		if a >= 1 && a <= 4 {
			l.Items[i][1]++
		}
		if a == 1 || a == 2 {
			l.Items[i][0]++
		}
	}
	for _, a := range s.GetAwareness() {
		switch labelled := a.GetAnswer(); labelled {
		case carev1.Awareness_AWARENESS_KNOWN:
			l.Aware[0]++
			l.Aware[1]++
		case carev1.Awareness_AWARENESS_NOT_KNOWN:
			l.Aware[1]++
		}
	}
}

// Satisfaction is table (i), satisfaction by quarter.
func Satisfaction() Sheet[SurveyLine] {
	type line = SurveyLine
	fields := append(
		unitFields(func(l line) UnitName { return l.Unit }),
		field[line]{Column{ID: "quarter", ZH: "季度", EN: "quarter", Width: 9, FromZH: "调查期", FromEN: "satisfaction_survey.period, else its day"}, func(l line) Cell { return text(l.Quarter) }},
		field[line]{Column{ID: "forms", ZH: "问卷数", EN: "forms", Format: Whole, Width: 8, FromZH: "问卷份数", FromEN: "forms"}, func(l line) Cell { return number(l.Forms) }},
	)
	for i, zh := range [...]string{1: "满意", 2: "基本满意", 3: "一般", 4: "不满意", 5: "不了解"} {
		if zh == "" {
			continue
		}
		en := [...]string{"", "satisfied", "mostly", "fair", "dissatisfied", "do not know"}[i]
		fields = append(fields, field[line]{Column{ID: "overall_" + decimal(int64(i), 0), ZH: zh, EN: en, Format: Whole, Width: 9, FromZH: "总体评价", FromEN: "satisfaction_survey.overall"}, func(l line) Cell { return number(l.Overall[i]) }})
	}
	fields = append(fields, field[line]{Column{ID: "satisfied", ZH: "满意度", EN: "satisfaction", Format: Percent, Width: 10, FromZH: "（满意＋基本满意）/（有效答卷－不了解）", FromEN: "satisfied and mostly over valid answers without 5"}, func(l line) Cell {
		o := l.Overall
		return rate(o[1]+o[2], o[1]+o[2]+o[3]+o[4])
	}})
	for i, zh := range [...]string{"服务态度", "技术水平", "就医环境", "等候时间", "就近便捷", "费用", "随访体检真实获得", "签约服务"} {
		en := [...]string{"attitude", "skill", "environment", "waiting", "convenience", "cost", "services_received", "contract_service"}[i]
		fields = append(fields, field[line]{Column{ID: en, ZH: zh, EN: en, Format: Percent, Width: 10, FromZH: "单项（满意＋基本满意）/有效答卷", FromEN: "satisfaction_survey." + en}, func(l line) Cell { return rate(l.Items[i][0], l.Items[i][1]) }})
	}
	fields = append(fields, field[line]{Column{ID: "aware", ZH: "知晓率", EN: "awareness", Format: Percent, Width: 10, FromZH: "知道/（知道＋不知道），按题次", FromEN: "known over asked, by question"}, func(l line) Cell { return rate(l.Aware[0], l.Aware[1]) }})
	return define(Table{
		Name: "satisfaction", ZH: "服务对象满意度季度汇总表", EN: "satisfaction by quarter", RowZH: "份", RowEN: "form", SheetZH: "满意度",
		NoteZH: "满意度不含“不了解”；无有效答卷时记“—”。", NoteEN: "Who does not know is not counted; without a valid answer there is no rate.",
	}, fields...)
}
