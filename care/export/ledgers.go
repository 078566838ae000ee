// SPDX-License-Identifier: Apache-2.0

package export

import (
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// EventLine is one event.
type EventLine struct {
	Event *carev1.OutreachEvent
	Names Names
	Unit  UnitName
	ID    record.ID
}

// Order is what events are sorted by: the day, then the id.
func (l EventLine) Order() string {
	return care.Date(l.Event.GetServiceDate()).String() + "\x00" + l.ID.String()
}

// Events is table (j), the ledger of events.
func Events() Sheet[EventLine] {
	type line = EventLine
	words := func(id, zh, en string, width float64, from string, of func(*carev1.OutreachEvent) string) field[line] {
		return field[line]{Column{ID: id, ZH: zh, EN: en, Width: width, Wrap: width >= 24, FromZH: "健康活动 " + zh, FromEN: "outreach_event." + from}, func(l line) Cell { return text(of(l.Event)) }}
	}
	whole := func(id, zh, en, from string, of func(*carev1.OutreachEvent) *int32) field[line] {
		return field[line]{Column{ID: id, ZH: zh, EN: en, Format: Whole, Width: 9, FromZH: "健康活动 " + zh, FromEN: "outreach_event." + from}, func(l line) Cell { return measured(of(l.Event)) }}
	}
	return define(
		Table{
			Name: "events", ZH: "健康教育与义诊活动台账", EN: "ledger of events", RowZH: "场", RowEN: "event", SheetZH: "活动台账",
			NoteZH: "期内活动日期的记录，草稿不列。", NoteEN: "Events whose day is in the period, without drafts.",
		},
		field[line]{Column{ID: "held_on", ZH: "活动日期", EN: "day", Format: Day, Width: 12, FromZH: "健康活动 日期", FromEN: "outreach_event.service_date"}, func(l line) Cell { return day(care.Date(l.Event.GetServiceDate())) }},
		field[line]{Column{ID: "time", ZH: "时间", EN: "time", Width: 13, FromZH: "健康活动 起止时间（北京时间）", FromEN: "outreach_event.time"}, func(l line) Cell { return text(hours(l.Event.GetTime())) }},
		words("activity", "活动类别", "kind", 14, "activity", func(e *carev1.OutreachEvent) string { return labelZH(e.GetActivity()) }),
		words("topic", "主题", "topic", 26, "topic", (*carev1.OutreachEvent).GetTopic),
		words("place", "地点", "place", 18, "place", (*carev1.OutreachEvent).GetPlace),
		field[line]{Column{ID: "unit", ZH: "单位", EN: "unit", Width: 20, FromZH: "健康活动 机构", FromEN: "outreach_event.organisation_code"}, func(l line) Cell { return text(l.Names.Organisation(l.Event.GetOrganisationCode())) }},
		field[line]{Column{ID: "team", ZH: "团队", EN: "team", Width: 16, FromZH: "健康活动 团队", FromEN: "outreach_event.team_id"}, func(l line) Cell { return text(l.Names.Team(l.Event.GetTeamId())) }},
		words("organiser", "组织者", "organiser", 12, "organiser", (*carev1.OutreachEvent).GetOrganiser),
		words("speaker", "主讲人", "speaker", 10, "speaker", (*carev1.OutreachEvent).GetSpeaker),
		words("audience", "对象", "audience", 18, "audience_groups", func(e *carev1.OutreachEvent) string { return labels(e.GetAudienceGroups(), e.GetAudienceOther()) }),
		whole("participants", "参加人数", "participants", "participants", func(e *carev1.OutreachEvent) *int32 { return e.Participants }),
		whole("material_kinds", "资料种类", "kinds of material", "materials.kinds", func(e *carev1.OutreachEvent) *int32 {
			m := e.GetMaterials()
			return value(m, func() *int32 { return m.Kinds })
		}),
		whole("copies", "资料份数", "copies", "materials.copies", func(e *carev1.OutreachEvent) *int32 {
			m := e.GetMaterials()
			return value(m, func() *int32 { return m.Copies })
		}),
		whole("playbacks", "音像次数", "playbacks", "playback.times", func(e *carev1.OutreachEvent) *int32 {
			m := e.GetPlayback()
			return value(m, func() *int32 { return m.Times })
		}),
		whole("minutes", "音像分钟", "minutes", "playback.minutes", func(e *carev1.OutreachEvent) *int32 {
			m := e.GetPlayback()
			return value(m, func() *int32 { return m.Minutes })
		}),
		words("holiday", "节假日", "holiday", 8, "on_holiday", func(e *carev1.OutreachEvent) string {
			if e.GetOnHoliday() {
				return "是"
			}
			return ""
		}),
		words("archived", "存档材料", "kept", 20, "archived", func(e *carev1.OutreachEvent) string { return labels(e.GetArchived(), e.GetArchivedOther()) }),
		field[line]{Column{ID: "doctor", ZH: "负责人", EN: "in charge", Width: 10, FromZH: "健康活动 负责人", FromEN: "outreach_event.doctor_id"}, func(l line) Cell { return text(l.Names.Staff(l.Event.GetDoctorId())) }},
		words("evaluation", "小结评价", "evaluation", 30, "evaluation", (*carev1.OutreachEvent).GetEvaluation),
	)
}

// hours writes from when to when, by the clock in Shanghai.
func hours(t *carev1.EventTime) string {
	shanghai := time.FixedZone("", 8*60*60)
	at := func(ms int64) string {
		if ms == 0 {
			return ""
		}
		return time.UnixMilli(ms).In(shanghai).Format("15:04")
	}
	return joined("至", at(t.GetStartedAtMs()), at(t.GetEndedAtMs()))
}

// FindingLine is one finding.
type FindingLine struct {
	Finding  *carev1.Finding
	Unit     UnitName
	Doctor   string // by name
	Resident *carev1.Resident
	Kind     string // in words; empty: the person as a whole
	Day      care.Date
	Since    care.Date
	Deadline care.Date // of the rectification; 0: none
	Person   record.ID
}

// Order is what findings are sorted by: the division, the doctor, the person, the rule.
func (l FindingLine) Order() string {
	return l.Unit.Order() + "\x00" + l.Doctor + "\x00" + l.Person.String() + "\x00" + l.Finding.GetRuleId()
}

// Findings is table (f), what quality control found.
func Findings() Sheet[FindingLine] {
	type line = FindingLine
	return define(
		Table{
			Name: "findings", ZH: "质控问题清单", EN: "findings", RowZH: "条", RowEN: "finding", SheetZH: "质控问题",
			NoteZH: "导出时仍成立的质控发现；已更正的不列。整改期限来自督导整改单，未下达整改的为空。",
			NoteEN: "What holds when the file is made. The deadline is that of the rectification, where there is one.",
		},
		append(
			unitFields(func(l line) UnitName { return l.Unit }),
			field[line]{Column{ID: "doctor", ZH: "医生", EN: "doctor", Width: 10, FromZH: "记录的责任医生", FromEN: "the record's doctor_id"}, func(l line) Cell { return text(l.Doctor) }},
			field[line]{Column{ID: "name", ZH: "姓名", EN: "name", Width: 10, FromZH: "个人基本信息表 姓名", FromEN: "resident.name"}, func(l line) Cell { return text(l.Resident.GetName()) }},
			field[line]{Column{ID: "archive_number", ZH: "档案号", EN: "archive number", Width: 21, FromZH: "个人基本信息表 档案编号", FromEN: "resident.archive_number"}, func(l line) Cell { return text(l.Resident.GetArchiveNumber()) }},
			field[line]{Column{ID: "kind", ZH: "记录", EN: "record", Width: 16, FromZH: "记录种类；空为针对个人", FromEN: "the kind of record; empty: the person as a whole"}, func(l line) Cell { return text(l.Kind) }},
			field[line]{Column{ID: "day", ZH: "记录日期", EN: "day of the record", Format: Day, Width: 12, FromZH: "记录的服务日期", FromEN: "the record's service_date"}, func(l line) Cell { return day(l.Day) }},
			field[line]{Column{ID: "rule", ZH: "规则", EN: "rule", Width: 9, FromZH: "规则包", FromEN: "the rule pack"}, func(l line) Cell { return text(l.Finding.GetRuleId()) }},
			field[line]{Column{ID: "severity", ZH: "级别", EN: "severity", Width: 8, FromZH: "规则包", FromEN: "the rule pack"}, func(l line) Cell { return text(severity(l.Finding.GetSeverity())) }},
			field[line]{Column{ID: "message", ZH: "问题", EN: "finding", Width: 50, Wrap: true, FromZH: "规则说明", FromEN: "the rule's words"}, func(l line) Cell { return text(l.Finding.GetMessageZh()) }},
			field[line]{Column{ID: "since", ZH: "发现日期", EN: "since", Format: Day, Width: 12, FromZH: "此结论起始日", FromEN: "since when it is found"}, func(l line) Cell { return day(l.Since) }},
			field[line]{Column{ID: "deadline", ZH: "整改期限", EN: "deadline", Format: Day, Width: 12, FromZH: "整改单 期限", FromEN: "rectification"}, func(l line) Cell { return day(l.Deadline) }},
		)...,
	)
}

func severity(s carev1.Severity) string {
	return map[carev1.Severity]string{
		carev1.Severity_SEVERITY_ERROR: "错误", carev1.Severity_SEVERITY_WARNING: "提醒",
		carev1.Severity_SEVERITY_SUSPICION: "可疑", carev1.Severity_SEVERITY_INFO: "提示",
	}[s]
}

// Tables returns every table that can be exported, with all columns, in the order (a) to (j)
// of indicators.md §6.8.
func Tables() []Table {
	all := []Table{Checkups().Whole()}
	for _, r := range Chronic() {
		all = append(all, r.Whole())
	}
	return append(
		all, Contracts().Whole(), Progress().Whole(), Scores().Whole(), Findings().Whole(), Calls().Whole(), Monthly().Whole(),
		Satisfaction().Whole(), Events().Whole(),
	)
}
