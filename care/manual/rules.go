// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"fmt"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// rulesPath returns where the page of rules lies.
func rulesPath(l language) string { return "rules." + string(l) + ".md" }

// A rulesSheet is the page of rules being written.
type rulesSheet struct {
	*sheet
	*book
	l language
}

func (b *book) rulesPage(l language) Page {
	s := rulesSheet{&sheet{}, b, l}
	s.heading(1, l.say("规则", "Rules"))
	s.block(strings.Join([]string{
		link(l.say("English", "中文"), rulesPath(l.other())),
		link(l.say("全部表种", "All kinds"), "kinds/README.md"),
	}, " · "))
	s.block(fmt.Sprintf(l.say("规则包 %s，版本 %s。", "Rule pack %s, version %s."), code(b.pack.GetName()), text(b.pack.GetVersion())))
	s.reading()
	s.contents()
	s.thresholds()
	s.checks()
	s.findings()
	s.offers()
	s.populations()
	s.due()
	s.definitions()
	return Page{rulesPath(l), s.String()}
}

// reading says how the page is read.
func (s rulesSheet) reading() {
	l := s.l
	s.block(l.say(
		"规则只提示，从不拒绝已测得的数据。县里可以用自己的规则包改阈值、改程度、停用或增加规则。",
		"Rules speak in findings; nothing measured is ever refused. A county changes thresholds and severities, switches rules off and adds its own in a pack of its own."))
	s.list([]string{
		l.say("程度：**错误**，照此不成立，仍可保存；**警示**，请核对并确认；**疑点**，整体不太可能，只引发复核，不作处罚依据；**提示**，供参考。",
			"Severity: **Error**, wrong as it stands, and saved all the same; **Warning**, to be looked at again and confirmed; **Suspicion**, unlikely as a whole, draws a review and is never a punishment by itself; **Info**, good to know."),
		l.say("来源：**已核实**，已在文件中核对；**据实践**，来自实际工作，未再核对文件；**本项目提出**，没有文件规定。",
			"Source: **confirmed** in the document; **known from practice**, not read again in the document; **proposed here**, since no document says it."),
		l.say("表达式用 [CEL](https://cel.dev) 写成：`r` 为本表，`previous` 为同一人上一份同类表，`history` 为此前各份，`records.K` 为此人的 K 类各表，`person` 为此人当日的情况，`as_of` 为评估日，`t.` 为阈值，`d.` 为定义。数字按存储值书写，日期为 yyyymmdd。",
			"Expressions are written in [CEL](https://cel.dev): `r` is the form, `previous` the person's form of that kind before it, `history` all earlier ones, `records.K` the person's forms of kind K, `person` what holds of the person on the day, `as_of` the day of the evaluation, `t.` a threshold, `d.` a definition. Numbers are as stored, dates are yyyymmdd."),
		l.say("提示内容里的 `{名称}` 换成规则下所列表达式的值。", "`{name}` in words stands for the value of the expression listed under the rule."),
	})
}

func (s rulesSheet) titles() []string {
	l := s.l
	return []string{
		l.say("阈值", "Thresholds"), l.say("内置检查", "Built-in checks"), l.say("发现规则", "Findings"), l.say("提议", "Proposals"),
		l.say("人群", "Populations"), l.say("到期清单", "Due lists"), l.say("定义", "Definitions"),
	}
}

func (s rulesSheet) contents() {
	var links []string
	for _, title := range s.titles() {
		links = append(links, link(title, "#"+slug(title)))
	}
	s.block(strings.Join(links, " · "))
}

func (s rulesSheet) thresholds() {
	l := s.l
	s.heading(2, s.titles()[0])
	var rows [][]string
	for _, t := range s.pack.GetThresholds() {
		rows = append(rows, []string{
			`<a id="` + anchor(t.GetId()) + `"></a>` + text(l.say(t.GetZh(), t.GetEn())) + "<br>" + code("t."+t.GetId()),
			s.worth(t), l.strength(t.GetStrength()), l.source(t.GetSource()), s.users(t.GetId()),
		})
	}
	s.table([]string{l.say("阈值", "Threshold"), l.say("值", "Value"), l.say("约束", "Strength"), l.say("来源", "Source"), l.say("用于", "Used by")}, rows)
}

func anchor(threshold string) string { return "t-" + threshold }

// worth returns what a threshold is worth, with its unit.
func (s rulesSheet) worth(t *carev1.Threshold) string {
	if t.GetText() != "" {
		return code(t.GetText())
	}
	return strings.TrimSpace(text(thresholdNumber(t))+" "+text(s.l.unit(t.GetUnit()))) + s.duration(t)
}

// duration says milliseconds in words where they are whole minutes or hours.
func (s rulesSheet) duration(t *carev1.Threshold) string {
	const minute, hour = 60_000, 3_600_000
	n := t.GetNumber()
	switch {
	case t.GetUnit() != "ms" || n == 0 || n%minute != 0:
		return ""
	case n%hour == 0:
		return fmt.Sprintf(s.l.say("（%d 小时）", " (%d hours)"), n/hour)
	}
	return fmt.Sprintf(s.l.say("（%d 分钟）", " (%d minutes)"), n/minute)
}

// users lists the rows that use a threshold.
func (s rulesSheet) users(id string) string {
	var links []string
	for _, e := range s.entries {
		if e.uses(id) {
			links = append(links, link(text(e.id), "#"+slug(e.id)))
		}
	}
	list := strings.Join(links, s.l.comma())
	if len(links) <= openLinks {
		return list
	}
	return "<details><summary>" + fmt.Sprintf(s.l.say("%d 条", "%d rows"), len(links)) + "</summary>" + list + "</details>"
}

func (s rulesSheet) checks() {
	s.heading(2, s.titles()[1])
	s.block(s.l.say("按表单自身的说明（必填、代码、范围、长度）检查每个项目，对所有表种相同。",
		"They check each field by what the form itself says (what is to be filled, codes, ranges, sizes), alike for all kinds."))
	for _, r := range s.pack.GetRules() {
		if r.GetCheck() == 0 {
			continue
		}
		s.heading(3, r.GetId())
		s.block("**" + s.l.severity(r.GetSeverity()) + "**" + s.l.off(r.GetOff()) + s.l.say("：", ": ") + s.l.check(r.GetCheck()))
		s.block("> " + s.words(s.l, r.GetZh(), r.GetEn()))
		s.list([]string{s.l.say("来源：", "Source: ") + s.l.source(r.GetSource())})
	}
}

func (s rulesSheet) findings() {
	s.heading(2, s.titles()[2])
	s.byKind(ofRule, s.l.say("发现：", "Findings: "))
}

func (s rulesSheet) offers() {
	s.heading(2, s.titles()[3])
	s.block(s.l.say("表单据此填入建议值，由人决定。一个项目有多条成立时，取最先的一条。",
		"What a form is offered; a person decides. Of several that hold for one field the first is offered."))
	s.byKind(ofProposal, s.l.say("提议：", "Proposals: "))
}

func (s rulesSheet) populations() {
	s.heading(2, s.titles()[4])
	s.block(s.l.say("某人在某日属于哪些人群。", "Who belongs to which population on a day."))
	s.all(ofPopulation)
}

func (s rulesSheet) due() {
	s.heading(2, s.titles()[5])
	s.block(s.l.say("某人在某日到期的服务。", "What is due for a person on a day."))
	s.all(ofDue)
}

// byKind writes the entries of a sort: those about several kinds first, then those of each kind.
// Their headings begin with what they are.
func (s rulesSheet) byKind(of sort, what string) {
	entries := filter(s.entries, func(e entry) bool { return e.sort == of })
	write := func(title string, some []entry) {
		if len(some) == 0 {
			return
		}
		s.heading(3, what+title)
		for _, e := range some {
			s.entry(e)
		}
	}
	write(s.l.say("多个表种", "several kinds"), filter(entries, func(e entry) bool { return len(e.kinds) != 1 }))
	for _, k := range s.kinds {
		write(k.label(s.l), filter(entries, func(e entry) bool { return len(e.kinds) == 1 && e.kinds[0] == k.Name }))
	}
}

func (s rulesSheet) all(of sort) {
	for _, e := range s.entries {
		if e.sort == of {
			s.entry(e)
		}
	}
}

// definitions lists the named parts of expressions by the kinds they are computed for.
func (s rulesSheet) definitions() {
	s.heading(2, s.titles()[6])
	var groups []string
	lines := map[string][]string{}
	for _, d := range s.pack.GetDefinitions() {
		group := strings.Join(d.GetKinds(), " ")
		if lines[group] == nil {
			groups = append(groups, group)
		}
		lines[group] = append(lines[group], layOut("d."+d.GetId()+" = "+d.GetExpression(), "")...)
	}
	for _, group := range groups {
		s.block(s.kindLinks(strings.Fields(group)))
		s.block(fence(lines[group]))
	}
}

func (s rulesSheet) kindLinks(names []string) string {
	var links []string
	for _, name := range names {
		if k := s.named[name]; k != nil {
			links = append(links, link(text(k.label(s.l)), kindPath(s.l, name)))
		} else {
			links = append(links, code(name))
		}
	}
	return strings.Join(links, s.l.comma())
}
