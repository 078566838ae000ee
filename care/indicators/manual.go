// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// Manual returns the page that people read about the indicators, in Chinese or in English: of each its
// definition, what may fail, and the numbers of a pack that decide, with their sources.
func Manual(pack *carev1.RulePackContent, chinese bool) string {
	m := manual{zh: chinese, thresholds: map[string]*carev1.Threshold{}}
	for _, th := range pack.GetThresholds() {
		m.thresholds[th.GetId()] = th
	}
	m.preface(pack)
	for _, one := range catalogue() {
		m.indicator(one)
	}
	m.numbers()
	m.work()
	return m.b.String()
}

type manual struct {
	b          strings.Builder
	zh         bool
	thresholds map[string]*carev1.Threshold
}

// say returns the words of the language of the page.
func (m *manual) say(zh, en string) string {
	if m.zh {
		return zh
	}
	return en
}

func (m *manual) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *manual) preface(pack *carev1.RulePackContent) {
	m.line("# %s\n", m.say("指标", "Indicators"))
	m.line("%s\n", m.say("[English](indicators.en.md) · [规则](rules.zh.md)", "[中文](indicators.zh.md) · [Rules](rules.en.md)"))
	m.line(m.say("规则包 `%s`，版本 %s。本页由程序生成。\n", "Rule pack `%s`, version %s. This page is made by the program.\n"), pack.GetName(), pack.GetVersion())
	for _, p := range [][2]string{
		{"期末是统计期最后一天与查询日中较早的一天。居民按期末所在地、不在管者按最后在管日所在地计一次；相互关联的档案是同一个人。", "The last day is the earlier of the end of the period and the day of the question. A person is counted once, where it is managed on that day or was last; records that are linked are one person."},
		{"去世当日起不在管；迁出、失访当日仍在管，次日起不在管；迁入、恢复管理当日起在管。", "Who dies is not under care from that day on; who leaves or is lost is under care on that day for the last time; who comes back, from that day on."},
		{"草稿与被退回未更正的表单不计数。设定截止收到日时，其后收到的记录一概不计。", "Drafts, and forms that were returned and not corrected, do not count. With a cutoff nothing counts that the centre received later."},
		{"在管天数折算随访次数：每年次数 × 期内在册天数 ÷ `indicator_pro_rata_days`，舍去小数，不少于 `indicator_least_visits`；计数的随访彼此至少相隔 `indicator_visit_gap_days` 天，首末次至少相隔 `indicator_visit_span_days` ×（次数 − 1）天。", "Visits pro rata: visits a year × days on the register in the period ÷ `indicator_pro_rata_days`, rounded down, no less than `indicator_least_visits`; visits that count are at least `indicator_visit_gap_days` days apart, the first and the last `indicator_visit_span_days` × (visits − 1)."},
		{"分母有两种：登记（主管部门每年录入的统计数或任务数）与实时（本库记录）。两者都显示，计分用哪一种由考核目标决定。分母为空时没有比率。", "There are two denominators: registered (what the bureau enters each year, or the quota of a task) and live (the records here). Both are shown; a target says which one scores. An empty denominator has no rate."},
		{"依据标记：C 文件已核对，K 据实践，D 本项目提出。", "Marks of sources: C confirmed in the document, K known from practice, D proposed here."},
	} {
		m.line("- %s", m.say(p[0], p[1]))
	}
	m.line("")
}

func (m *manual) indicator(one Indicator) {
	m.line("## %s %s\n", one.Code, m.say(one.ZH, one.EN))
	m.line("| | |\n|---|---|")
	row := func(what, value string) {
		if value != "" {
			m.line("| %s | %s |", what, strings.ReplaceAll(value, "|", "\\|"))
		}
	}
	row(m.say("单位", "Unit"), m.unit(one))
	row(m.say("分子", "Numerator"), m.say(one.NumeratorZH, one.NumeratorEN))
	row(m.say("分母", "Denominator"), m.say(one.DenominatorZH, one.DenominatorEN))
	row(m.say("登记数", "Registered"), m.statistics(one))
	row(m.say("计量", "Amount"), m.say(one.AmountZH, one.AmountEN))
	row(m.say("参数", "Numbers"), m.settings(one))
	row(m.say("依据", "Source"), fmt.Sprintf("%s (%s)", one.Source, one.Mark))
	m.line("")
	reasons := Reasons(one.Code)
	if len(reasons) == 0 {
		return
	}
	m.line("%s\n", m.say("不计入分子的原因：", "Why somebody does not count:"))
	for _, r := range reasons {
		m.line("- `%s` %s", r.ID, m.say(r.ZH, r.EN))
	}
	m.line("")
}

func (m *manual) unit(one Indicator) string {
	switch {
	case one.Derived == PointsOf:
		return fmt.Sprintf(m.say("百分点，由 %s 推算", "percentage points, from %s"), one.Of)
	case one.Unit == Fen:
		return m.say("分", "fen")
	case one.Unit == Count && one.PerPerson:
		return m.say("人数与人次", "persons and person-times")
	case one.Unit == Count:
		return m.say("计数", "a count")
	}
	return "%"
}

func (m *manual) statistics(one Indicator) string {
	var out []string
	for _, code := range one.Stat {
		out = append(out, m.label(code))
	}
	if one.Code == "T01" {
		out = append(out, m.say("本单位的任务数", "the quota of the unit's task"))
	}
	return strings.Join(out, m.say("；", "; "))
}

// label returns what a statistic is called.
func (m *manual) label(code carev1.StatisticCode) string {
	value := code.Descriptor().Values().ByNumber(code.Number())
	if value == nil {
		return code.String()
	}
	options, _ := proto.GetExtension(value.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
	return m.say(options.GetZh(), options.GetEn())
}

func (m *manual) settings(one Indicator) string {
	var out []string
	for _, id := range one.Thresholds {
		out = append(out, fmt.Sprintf("[`%s`](#%s) = %s", id, id, valueOf(m.thresholds[id])))
	}
	return strings.Join(out, ", ")
}

// valueOf returns a threshold as people read it.
func valueOf(th *carev1.Threshold) string {
	switch v := th.GetValue().(type) {
	case *carev1.Threshold_Number:
		return decimal(v.Number, th.GetDecimals())
	case *carev1.Threshold_Numbers:
		var out []string
		for _, n := range v.Numbers.GetValues() {
			out = append(out, decimal(n, th.GetDecimals()))
		}
		return strings.Join(out, " ")
	}
	return th.GetText()
}

func decimal(n int64, places uint32) string {
	text := fmt.Sprintf("%0*d", int(places)+1, n)
	if places == 0 {
		return text
	}
	return text[:len(text)-int(places)] + "." + text[len(text)-int(places):]
}

// numbers lists every number that decides.
func (m *manual) numbers() {
	m.line("## %s\n", m.say("参数", "Numbers that decide"))
	m.line("| %s | %s | %s | %s |\n|---|---|---|---|", m.say("参数", "Number"), m.say("含义", "Meaning"), m.say("值", "Value"), m.say("依据", "Source"))
	for _, id := range SettingIDs() {
		th := m.thresholds[id]
		value := valueOf(th)
		if th.GetUnit() != "" {
			value += " " + th.GetUnit()
		}
		m.line("| <a id=\"%s\"></a>`%s` | %s | %s | %s, %s (%s) |", id, id, m.say(th.GetZh(), th.GetEn()), value, th.GetSource().GetDocument(), th.GetSource().GetSection(), markOf(th.GetSource().GetMark()))
	}
	m.line("")
	m.line("%s\n", m.say("体检表的部分：", "Parts of a checkup form:"))
	for i, words := range partWords {
		m.line("%d. %s", i+1, m.say(words[0], words[1]))
	}
	m.line("")
}

func markOf(mark carev1.SourceMark) string {
	switch mark {
	case carev1.SourceMark_SOURCE_MARK_CONFIRMED:
		return "C"
	case carev1.SourceMark_SOURCE_MARK_KNOWN:
		return "K"
	}
	return "D"
}

// work lists the items that doctors are given points for.
func (m *manual) work() {
	m.line("## %s\n", m.say("工分项目", "Work points"))
	m.line("| %s | %s |\n|---|---|", m.say("项目", "Item"), m.say("每次工分", "Points each"))
	th := m.thresholds[lists[workPointsX100].id]
	for i, n := range th.GetNumbers().GetValues() {
		if i < int(workItemCount) {
			m.line("| %s | %s |", m.say(WorkItem(i).ZH(), WorkItem(i).EN()), decimal(n, th.GetDecimals()))
		}
	}
}
