// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"fmt"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// index writes the list of kinds, and how their pages are read.
func (b *book) index() Page {
	s := &sheet{}
	s.heading(1, "Kinds of records 表种")
	s.block("[Rules](../" + rulesPath(english) + ") · [规则](../" + rulesPath(chinese) + ") · [How to read a page](#how-to-read-a-page) · [读法](#读法)")
	s.block("These pages are made from the descriptors in `proto/` and from the rule pack: mend them there. 本目录由 `proto/` 中的表单定义和规则包生成，请在那里修改。")
	var rows [][]string
	for _, k := range b.kinds {
		rows = append(rows, []string{
			fmt.Sprint(k.options.GetNumber()),
			link(text(k.label(chinese)), "zh/"+k.Name+".md"), link(text(k.label(english)), "en/"+k.Name+".md"), code(k.Name),
			about(k),
			chinese.class(k.options.GetPrivacyClass()) + " " + english.class(k.options.GetPrivacyClass()),
		})
	}
	s.table([]string{"No.", "中文", "English", "Name", "About a resident 属于居民", "Privacy class 保密级别"}, rows)
	for _, l := range []language{english, chinese} {
		s.heading(2, l.say("读法", "How to read a page"))
		s.list(legend(l))
	}
	return Page{"kinds/README.md", s.String()}
}

// about says whether the records are each about one resident.
func about(k *kind) string {
	if k.options.GetSubject() == schemav1.Subject_SUBJECT_NONE {
		return "no 否"
	}
	return "yes 是"
}

func legend(l language) []string {
	return []string{
		l.say("**编号**是寄存器的路径（字段号）。一个寄存器整体合并：两人同时各存一值，两个值都完整保留，由人来定。编号相同的几项同属一个寄存器；`[key]` 是条目的键，每条一个寄存器。没有编号、带 └ 的各项是上一项的组成部分，随它一起合并；名称加粗的是一节，节内各项分别合并。所有编号见 [REGISTERS.md](../../care/REGISTERS.md)。",
			"**No.** is the path of a register by field numbers. A register merges as one: of two concurrent saves each value is kept whole, and a person decides. Fields with the same number are one register; `[key]` is the key of an entry, and each entry is a register. What has no number and a └ is a part of the field above it and merges with it; a bold name is a section, whose fields merge one by one. All registers stand in [REGISTERS.md](../../care/REGISTERS.md)."),
		l.say("**项目**下的名称是表单 JSON 和规则所用的路径。", "Under the **field** stands its path as the JSON of the form and the rules have it."),
		l.say("**可能**范围防止录入失误，**常见**范围之外请再看一眼；测得的数据从不拒绝，确认后照样保存。", "Outside the **possible** range a number is hardly more than a slip of the finger, outside the **usual** one a form asks to look again. Nothing measured is refused: what is confirmed stands."),
		l.say("**必填**：未填是一条错误提示，表单仍可保存。一组内各项的必填，只在该组已填时算。", "**To be filled**: what is empty is a finding, and the form is saved all the same. Within a group it counts where the group is filled."),
		l.say("代码写成国家代码表的样子；与存储值不同的，见页末的代码表。", "Codes are written as the national list prints them; where the stored number differs, the code list at the end of the page has it."),
		l.say("**个人信息**：能识别人或住处，不进日志，在列表和匿名导出中遮盖。", "**Personal**: names a person or tells where one lives; it is left out of logs and masked in lists and in exports without names."),
		l.say("每条记录另有三个寄存器：居民（subject）、所属区划（scope）、是否有效（life）。", "Besides its fields every record has the registers subject (the resident), scope (the division) and life (active or voided)."),
	}
}
