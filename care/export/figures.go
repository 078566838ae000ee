// SPDX-License-Identifier: Apache-2.0

package export

import (
	"cmp"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// UnitName is a unit as tables have it: a division, and in it perhaps one doctor.
type UnitName struct {
	Division record.Division
	Name     string // of the division
	Doctor   string // empty: all of them
}

// Order is what rows of units are sorted by: what contains comes before what it contains.
func (u UnitName) Order() string { return string(care.ShortCode(u.Division)) + "\x00" + u.Doctor }

func unitFields[S any](of func(S) UnitName) []field[S] {
	return []field[S]{
		{Column{ID: "unit", ZH: "单位", EN: "unit", Width: 22, FromZH: "区划内机构名称", FromEN: "named after the organisation that serves the division"}, func(s S) Cell {
			return text(joined(" ", cmp.Or(of(s).Name, string(of(s).Division)), of(s).Doctor))
		}},
		{Column{ID: "division", ZH: "区划代码", EN: "division", Width: 15, FromZH: "区划", FromEN: "the division's code"}, func(s S) Cell { return text(string(of(s).Division)) }},
	}
}

// ProgressLine is how far a unit has come with one task.
type ProgressLine struct {
	Unit        UnitName
	Indicator   string // in words
	Owner       string // by name
	Base        int64  // who is eligible
	Task        int64
	Set         bool // there is a task
	Done        int64
	Elapsed     int64 // of the task's time, in hundredths of a per cent; below 0: there is no window
	DueOn       care.Date
	Rank        int // among the units of its level, 1 is the furthest; 0: none
	Outstanding bool
}

func (l ProgressLine) whole() int64 {
	if l.Set {
		return l.Task
	}
	return l.Base
}

// Progress is table (d), how far each unit has come.
func Progress() Sheet[ProgressLine] {
	type line = ProgressLine
	return define(Table{
		Name: "progress", ZH: "基本公共卫生服务项目进度表", EN: "progress by unit", RowZH: "人", RowEN: "person", SheetZH: "项目进度",
		NoteZH: "完成率 = 已完成/任务数（未下达任务时为应完成基数）；名次在同级单位之间，完成率相同名次相同。",
		NoteEN: "The rate is done over task, or over the base where there is no task. Ranks are among units of one level; equal rates have equal ranks.",
	}, append(
		unitFields(func(l line) UnitName { return l.Unit }),
		field[line]{Column{ID: "indicator", ZH: "项目", EN: "task", Width: 24, FromZH: "指标目录", FromEN: "the catalogue of indicators"}, func(l line) Cell { return text(l.Indicator) }},
		field[line]{Column{ID: "owner", ZH: "责任人", EN: "owner", Width: 10, FromZH: "任务 责任人", FromEN: "task.owner_id"}, func(l line) Cell { return text(l.Owner) }},
		field[line]{Column{ID: "base", ZH: "应完成基数", EN: "base", Format: Whole, Width: 12, FromZH: "指标分母（登记在管）", FromEN: "the indicator's live denominator"}, func(l line) Cell { return number(l.Base) }},
		field[line]{Column{ID: "task", ZH: "任务数", EN: "quota", Format: Whole, Width: 10, FromZH: "任务分解 配额", FromEN: "task.quota"}, func(l line) Cell {
			if !l.Set {
				return Cell{Text: "未下达"}
			}
			return number(l.Task)
		}},
		field[line]{Column{ID: "done", ZH: "已完成", EN: "done", Format: Whole, Width: 10, FromZH: "指标分子", FromEN: "the indicator's numerator"}, func(l line) Cell { return number(l.Done) }},
		field[line]{Column{ID: "rate", ZH: "完成率", EN: "rate", Format: Percent, Width: 10, FromZH: "已完成/任务数", FromEN: "done over task"}, func(l line) Cell { return rate(l.Done, l.whole()) }},
		field[line]{Column{ID: "elapsed", ZH: "时间进度", EN: "time elapsed", Format: Percent, Width: 10, FromZH: "任务窗口已过天数/总天数", FromEN: "days of the window that have gone over all"}, func(l line) Cell {
			if l.Elapsed < 0 {
				return Cell{Text: noRate}
			}
			return number(l.Elapsed)
		}},
		field[line]{Column{ID: "behind", ZH: "落后于时间", EN: "behind", Width: 10, FromZH: "完成率低于时间进度", FromEN: "the rate is below the time elapsed"}, func(l line) Cell {
			if r := rate(l.Done, l.whole()); r.Given && l.Elapsed >= 0 && r.Number < l.Elapsed {
				return Cell{Text: "是"}
			}
			return Cell{}
		}},
		field[line]{Column{ID: "due_on", ZH: "截止日期", EN: "due", Format: Day, Width: 12, FromZH: "任务 截止", FromEN: "task.window.due_on"}, func(l line) Cell { return day(l.DueOn) }},
		field[line]{Column{ID: "rank", ZH: "名次", EN: "rank", Format: Whole, Width: 8, FromZH: "同级完成率由高到低", FromEN: "by rate among units of the level"}, func(l line) Cell {
			if l.Rank == 0 {
				return Cell{}
			}
			return number(int64(l.Rank))
		}},
	)...)
}

// RateOf returns the rate of a line in hundredths of a per cent; false where there is none.
func (l ProgressLine) RateOf() (int64, bool) {
	r := rate(l.Done, l.whole())
	return r.Number, r.Given
}

// ScoreLine is one indicator on the score sheet of a unit.
type ScoreLine struct {
	Unit        UnitName
	Code        indicators.Code
	Indicator   string
	Numerator   int64
	Denominator int64
	// ValueX100, TargetX100: in hundredths of the unit of the indicator; no value where Valued is false.
	ValueX100, TargetX100                 int64
	Valued                                bool
	Unitary                               string // of value and target: %, pp, or empty
	Algorithm                             string
	WeightX100, PointsX100, DeductionX100 int64
	Scored                                bool
	Remark                                string
}

// Scores is table (e), the score sheet.
func Scores() Sheet[ScoreLine] {
	type line = ScoreLine
	hundredths := func(id, zh, en, fromZH, fromEN string, of func(line) (int64, bool)) field[line] {
		return field[line]{Column{ID: id, ZH: zh, EN: en, Format: Hundredths, Width: 10, FromZH: fromZH, FromEN: fromEN}, func(l line) Cell {
			n, ok := of(l)
			if !ok {
				return Cell{Text: noRate}
			}
			return number(n)
		}}
	}
	return define(Table{
		Name: "scores", ZH: "基本公共卫生服务项目考核得分表", EN: "score sheet", RowZH: "分", RowEN: "point", SheetZH: "考核得分",
		NoteZH: "得分按目标所定算法计算；无分母的指标无值，不得满分也不扣分，记“—”。",
		NoteEN: "Points by the algorithm of the target. An indicator without a denominator has no value and no points; it says so.",
	}, append(
		unitFields(func(l line) UnitName { return l.Unit }),
		field[line]{Column{ID: "code", ZH: "指标", EN: "code", Width: 9, FromZH: "指标目录", FromEN: "the catalogue of indicators"}, func(l line) Cell { return text(string(l.Code)) }},
		field[line]{Column{ID: "indicator", ZH: "指标名称", EN: "indicator", Width: 26, FromZH: "指标目录", FromEN: "the catalogue of indicators"}, func(l line) Cell { return text(l.Indicator) }},
		field[line]{Column{ID: "numerator", ZH: "分子", EN: "numerator", Format: Whole, Width: 11, FromZH: "指标", FromEN: "the figure"}, func(l line) Cell { return number(l.Numerator) }},
		field[line]{Column{ID: "denominator", ZH: "分母", EN: "denominator", Format: Whole, Width: 11, FromZH: "指标（按目标取登记数或统计数）", FromEN: "the figure, live or registered as the target says"}, func(l line) Cell { return number(l.Denominator) }},
		hundredths("value", "指标值", "value", "指标", "the figure", func(l line) (int64, bool) { return l.ValueX100, l.Valued }),
		hundredths("target", "目标值", "target", "考核目标", "assessment_target", func(l line) (int64, bool) { return l.TargetX100, true }),
		field[line]{Column{ID: "of", ZH: "计量", EN: "unit of value", Width: 7, FromZH: "指标目录", FromEN: "the catalogue of indicators"}, func(l line) Cell { return text(l.Unitary) }},
		field[line]{Column{ID: "algorithm", ZH: "计分方法", EN: "algorithm", Width: 12, FromZH: "考核目标", FromEN: "assessment_target"}, func(l line) Cell { return text(l.Algorithm) }},
		hundredths("weight", "分值", "weight", "考核目标", "assessment_target", func(l line) (int64, bool) { return l.WeightX100, true }),
		hundredths("points", "得分", "points", "指标值按计分方法", "the value by the algorithm", func(l line) (int64, bool) { return l.PointsX100, l.Scored }),
		hundredths("deduction", "扣分", "deduction", "分值－得分", "weight less points", func(l line) (int64, bool) { return l.DeductionX100, l.Scored }),
		field[line]{Column{ID: "remark", ZH: "说明", EN: "remark", Width: 26, Wrap: true, FromZH: "失分原因或人工加分依据", FromEN: "why points were lost, or evidence of manual ones"}, func(l line) Cell { return text(l.Remark) }},
	)...)
}

// MonthLine is what is reported and known of one disease in one unit and month.
type MonthLine struct {
	Unit    UnitName
	Month   string // 2026-05
	Disease string
	// Reported by the organisation as statistics; -1: not.
	ReportedNew, ReportedAtEnd int64
	// Known from residents' records.
	New, AtEnd int64
}

// Monthly is table (h), the monthly report by disease.
func Monthly() Sheet[MonthLine] {
	type line = MonthLine
	reported := func(n int64) Cell {
		if n < 0 {
			return Cell{Text: "未报"}
		}
		return number(n)
	}
	return define(Table{
		Name: "monthly", ZH: "慢性病发病与患病月报", EN: "monthly report by disease", RowZH: "人", RowEN: "person", SheetZH: "月报",
		NoteZH: "上报数来自机构统计报表，登记数由居民档案得出；两者不一致时均列出，不互相替代。登记本月发病：确诊日在本月；登记月末患病：月末在管。",
		NoteEN: "Reported numbers are the organisations' statistics, recorded ones follow from residents' records. Both stand there where they differ.",
	}, append(
		unitFields(func(l line) UnitName { return l.Unit }),
		field[line]{Column{ID: "month", ZH: "月份", EN: "month", Width: 10, FromZH: "统计月份", FromEN: "the month"}, func(l line) Cell { return text(l.Month) }},
		field[line]{Column{ID: "disease", ZH: "病种", EN: "disease", Width: 12, FromZH: "高血压、2型糖尿病、慢阻肺", FromEN: "hypertension, type 2 diabetes, COPD"}, func(l line) Cell { return text(l.Disease) }},
		field[line]{Column{ID: "reported_new", ZH: "本月发病数（上报）", EN: "new, reported", Format: Whole, Width: 14, FromZH: "统计数据 发病数", FromEN: "statistic, new cases"}, func(l line) Cell { return reported(l.ReportedNew) }},
		field[line]{Column{ID: "new", ZH: "本月发病数（登记）", EN: "new, recorded", Format: Whole, Width: 14, FromZH: "确诊日期在本月的居民", FromEN: "residents diagnosed in the month"}, func(l line) Cell { return number(l.New) }},
		field[line]{Column{ID: "reported_at_end", ZH: "月末患病数（上报）", EN: "at the end, reported", Format: Whole, Width: 14, FromZH: "统计数据 患病数", FromEN: "statistic, cases at the end"}, func(l line) Cell { return reported(l.ReportedAtEnd) }},
		field[line]{Column{ID: "at_end", ZH: "月末患病数（登记）", EN: "at the end, recorded", Format: Whole, Width: 14, FromZH: "月末属于该病种人群的居民", FromEN: "residents of the population on the month's last day"}, func(l line) Cell { return number(l.AtEnd) }},
		field[line]{Column{ID: "difference", ZH: "患病数相差", EN: "difference", Format: Whole, Width: 12, FromZH: "上报－登记", FromEN: "reported less recorded"}, func(l line) Cell {
			if l.ReportedAtEnd < 0 {
				return Cell{}
			}
			return number(l.ReportedAtEnd - l.AtEnd)
		}},
	)...)
}

// Disease is one that the monthly report counts.
type Disease struct {
	Group  carev1.PopulationCode
	ZH, EN string

	of *disease
}

// Diseases returns those of the monthly report, in its order.
func Diseases() []Disease {
	var out []Disease
	for _, d := range []*disease{hypertension(), diabetes(), copd()} {
		out = append(out, Disease{d.group, d.zh, d.en, d})
	}
	return out
}

// Monthly reports whether a person was diagnosed with a disease in the days from and until,
// and whether it belongs to the disease's population on the latter.
func (p *Person) Monthly(d Disease, from, until care.Date) (isNew, atEnd bool) {
	since := ChronicLine{Person: p, disease: d.of}.since()
	members, _ := p.question.Rules.Populations(p.rules, until)
	for _, m := range members {
		atEnd = atEnd || m.Population == d.Group
	}
	return since.Whole() && from <= since && since <= until, atEnd && since <= until
}

// ReportedBy returns which disease a statistic is about, by its place in Diseases, and whether
// it is of the month's end; false for other statistics.
func ReportedBy(code carev1.StatisticCode) (disease int, atEnd, ok bool) {
	switch code {
	case carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_NEW:
		return 0, false, true
	case carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_AT_END:
		return 0, true, true
	case carev1.StatisticCode_STATISTIC_CODE_DIABETES_NEW:
		return 1, false, true
	case carev1.StatisticCode_STATISTIC_CODE_DIABETES_AT_END:
		return 1, true, true
	case carev1.StatisticCode_STATISTIC_CODE_COPD_NEW:
		return 2, false, true
	case carev1.StatisticCode_STATISTIC_CODE_COPD_AT_END:
		return 2, true, true
	}
	return 0, false, false
}

// Months returns the calendar months of a period; false for one that cuts a month, or has more
// than twelve.
func Months(p indicators.Period) ([]indicators.Period, bool) {
	var out []indicators.Period
	for year, month := p.From.Year(), p.From.Month(); len(out) < 12; {
		m := indicators.Month(year, month)
		if m.From < p.From || m.To > p.To {
			return nil, false
		}
		out = append(out, m)
		if m.To == p.To {
			return out, true
		}
		if month++; month > 12 {
			year, month = year+1, 1
		}
	}
	return nil, false
}

// QuarterOf returns the quarter that a survey is of, as 2026Q1, and whether the quarter lies in
// the period: by what the form says of it, else by its day.
func QuarterOf(s *carev1.SatisfactionSurvey, p indicators.Period) (string, bool) {
	year, quarter := int(s.GetPeriod().GetYear()), int(s.GetPeriod().GetQuarter())
	if d := care.Date(s.GetServiceDate()); (year == 0 || quarter == 0) && d.Whole() {
		year, quarter = d.Year(), (d.Month()+2)/3
	}
	if year < 1900 || quarter < 1 || quarter > 4 {
		return "", false
	}
	q := indicators.Quarter(year, quarter)
	return q.String(), q.From >= p.From && q.To <= p.To || p.Has(care.Date(s.GetServiceDate())) && q.Has(care.Date(s.GetServiceDate()))
}
