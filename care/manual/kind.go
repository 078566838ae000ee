// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"cmp"
	"fmt"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// openLinks is how many links stand in a cell as they are; more are folded.
const openLinks = 6

// kindPath returns where the page of a kind lies.
func kindPath(l language, name string) string { return "kinds/" + string(l) + "/" + name + ".md" }

// kindPage writes what a form asks, and which rules look at it.
func (b *book) kindPage(l language, k *kind) Page {
	s := &sheet{}
	s.heading(1, fmt.Sprintf(l.say("%s（%d）", "%s (%d)"), capital(k.label(l)), k.options.GetNumber())) // sections may be called like their kind
	s.block(strings.Join([]string{
		link(l.say("English", "中文"), "../"+string(l.other())+"/"+k.Name+".md"),
		link(l.say("全部表种与读法", "All kinds, and how to read this page"), "../README.md"),
		link(l.say("规则", "Rules"), "../../"+rulesPath(l)),
	}, " · "))
	if c := b.comments[k.Message.FullName()]; c != "" && l == english {
		s.block(text(c))
	}
	s.list(b.facts(l, k))
	b.fields(s, l, k)
	b.kindRules(s, l, k)
	b.codeLists(s, l, k)
	return Page{kindPath(l, k.Name), s.String()}
}

func (b *book) facts(l language, k *kind) []string {
	source := k.Message.ParentFile().Path()
	fact := func(zh, en, what string) string { return l.say(zh+"：", en+": ") + what }
	out := []string{
		fact("名称与编号", "Name and number", code(k.Name)+l.say("，", ", ")+fmt.Sprint(k.options.GetNumber())),
		fact("对象", "About", l.subject(k.options.GetSubject())),
		fact("保密级别", "Privacy class", l.class(k.options.GetPrivacyClass())+l.say("，", ", ")+l.receivers(k.options.GetPrivacyClass())),
		fact("消息", "Message", code(string(k.Message.FullName()))+l.say("，", ", ")+link(code(source), "../../../proto/"+source)),
	}
	if k.options.GetOfficeOnly() {
		out = append(out, fact("保存", "Saved by", l.say("只由中心保存，平板的保存会被搁置", "the centre only; what a tablet saves is held")))
	}
	var sections []string
	for _, title := range k.sections(l) {
		sections = append(sections, link(text(title), "#"+slug(title)))
	}
	if len(sections) > 1 {
		out = append(out, fact("章节", "Sections", strings.Join(sections, " · ")))
	}
	return out
}

// sections returns the headings of the fields, in the order of the form.
func (k *kind) sections(l language) []string {
	var out []string
	k.eachSection(l, func(title string, _ []row) { out = append(out, title) })
	return out
}

// eachSection visits the fields by heading: first those under none, then those under
// each heading of the form. A heading without fields is left out.
func (k *kind) eachSection(l language, visit func(title string, rows []row)) {
	under := func(name string) []row { return filter(k.rows, func(r row) bool { return r.section == name }) }
	if rows := under(""); len(rows) > 0 {
		title := l.say("项目", "Fields")
		if len(k.options.GetSections()) > 0 {
			title = l.say("表头", "Head")
		}
		visit(title, rows)
	}
	for _, section := range k.options.GetSections() {
		if rows := under(section.GetName()); len(rows) > 0 {
			visit(capital(l.say(section.GetZh(), section.GetEn())), rows)
		}
	}
}

func (b *book) fields(s *sheet, l language, k *kind) {
	head := []string{l.say("编号", "No."), l.say("项目", "Field"), l.say("填写内容", "Takes"), l.say("何时必填", "To be filled"), l.say("说明", "Notes")}
	k.eachSection(l, func(title string, rows []row) {
		s.heading(2, title)
		var cells [][]string
		for _, r := range rows {
			cells = append(cells, []string{r.place(), r.named(l), r.takes(l), r.filled(l), b.notes(l, k, r)})
		}
		s.table(head, cells)
	})
}

// place is the register that begins at the row, by numbers.
func (r row) place() string {
	if r.byField || r.register == "" {
		return ""
	}
	return code(r.register)
}

func (r row) named(l language) string {
	label := text(labelOf(r.field, l))
	if r.depth > 0 {
		label = strings.Repeat("&nbsp;&nbsp;", r.depth-1) + "└ " + label
	}
	if r.byField {
		label = "**" + label + "**"
	}
	return label + "<br>" + code(r.path)
}

// notes is what else there is to say of a field.
func (b *book) notes(l language, k *kind, r row) string {
	var out []string
	if c := b.comments[r.field.FullName()]; c != "" && l == english {
		out = append(out, text(c))
	}
	if r.options.GetPersonal() {
		out = append(out, l.say("个人信息", "personal"))
	}
	if r.byField {
		out = append(out, l.say("各项分别合并", "its fields merge one by one"))
	}
	if others := alternatives(r.field); len(others) > 1 {
		var names []string
		for _, f := range others {
			names = append(names, text(labelOf(f, l)))
		}
		out = append(out, l.say("只填其一：", "only one of: ")+strings.Join(names, l.comma()))
	}
	if from := r.derived(l); from != "" {
		out = append(out, l.say("由以下各项算出：", "computed from: ")+from)
	}
	if e := r.options.GetDataElement(); e != "" {
		out = append(out, l.say("数据元 ", "data element ")+text(e))
	}
	if ids := k.looking[r.path]; len(ids) > 0 {
		out = append(out, l.ruleLinks(ids))
	}
	return strings.Join(out, "<br>")
}

func (r row) derived(l language) string {
	var out []string
	for _, name := range r.options.GetDerivedFrom() {
		label := name
		for _, f := range inOrder(r.field.ContainingMessage()) {
			if string(f.Name()) == name {
				label = labelOf(f, l)
			}
		}
		out = append(out, text(label))
	}
	return strings.Join(out, l.comma())
}

// ruleLinks lists rows of the pack in a cell of a page about a kind.
func (l language) ruleLinks(ids []string) string {
	var links []string
	for _, id := range ids {
		links = append(links, l.ruleLink(id))
	}
	list := strings.Join(links, l.comma())
	if len(ids) <= openLinks {
		return l.say("规则：", "rules: ") + list
	}
	return "<details><summary>" + fmt.Sprintf(l.say("%d 条规则", "%d rules"), len(ids)) + "</summary>" + list + "</details>"
}

// ruleLink leads from a page about a kind to a row of the pack.
func (l language) ruleLink(id string) string {
	return link(text(id), "../../"+rulesPath(l)+"#"+slug(id))
}

// kindRules writes which rows of the pack are about the kind.
func (b *book) kindRules(s *sheet, l language, k *kind) {
	s.heading(2, l.say("规则", "Rules"))
	var checks []string
	for _, c := range b.checksOf(k) {
		checks = append(checks, l.ruleLink(c.GetId()))
	}
	if len(checks) > 0 {
		s.block(l.say("每次保存前还要做的内置检查：", "Built-in checks look at every field: ") + strings.Join(checks, l.comma()))
	}
	var rows [][]string
	for _, r := range b.about(ofRule, k) {
		rows = append(rows, []string{l.ruleLink(r.id), l.severity(r.severity) + l.off(r.off), b.words(l, r.zh, r.en)})
	}
	s.table([]string{l.say("规则", "Rule"), l.say("程度", "Severity"), l.say("提示内容", "Says")}, rows)
	b.kindOffers(s, l, k)
	if others := b.elsewhere(k); len(others) > 0 {
		s.block(l.say("其他规则也读取本表：", "Other rows read these forms, too: ") + strings.TrimPrefix(l.ruleLinks(others), l.say("规则：", "rules: ")))
	}
}

func (b *book) kindOffers(s *sheet, l language, k *kind) {
	var rows [][]string
	for _, p := range b.about(ofProposal, k) {
		rows = append(rows, []string{l.ruleLink(p.id), b.fieldNamed(l, k, p.paths[0]), b.words(l, p.zh, p.en) + l.off(p.off)})
	}
	s.table([]string{l.say("提议", "Proposal"), l.say("项目", "Field"), l.say("理由", "Reason")}, rows)
	rows = nil
	for _, d := range b.about(ofDue, k) {
		rows = append(rows, []string{l.ruleLink(d.id), b.words(l, d.zh, d.en) + l.off(d.off)})
	}
	s.table([]string{l.say("到期", "Due"), l.say("理由", "Reason")}, rows)
}

// fieldNamed returns the label of a field with its path.
func (b *book) fieldNamed(l language, k *kind, path string) string {
	for _, r := range k.rows {
		if bare(r.path) == bare(path) {
			return text(labelOf(r.field, l)) + " " + code(path)
		}
	}
	return code(path)
}

func (l language) off(off bool) string {
	if off {
		return l.say("（停用）", " (not in use)")
	}
	return ""
}

// words returns what a row of the pack says, with thresholds in it as their numbers.
func (b *book) words(l language, zh, en string) string {
	out := cmp.Or(l.say(zh, en), zh, en)
	for _, t := range b.pack.GetThresholds() {
		out = strings.ReplaceAll(out, "{t."+t.GetId()+"}", thresholdNumber(t))
	}
	return text(out)
}

// thresholdNumber returns what a threshold is worth, without its unit.
func thresholdNumber(t *carev1.Threshold) string {
	switch v := t.GetValue().(type) {
	case *carev1.Threshold_Text:
		return v.Text
	case *carev1.Threshold_Numbers:
		var out []string
		for _, n := range v.Numbers.GetValues() {
			out = append(out, decimal(n, t.GetDecimals()))
		}
		return strings.Join(out, ", ")
	}
	return decimal(t.GetNumber(), t.GetDecimals())
}
