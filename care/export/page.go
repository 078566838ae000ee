// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"strings"
)

// Page returns the page of documentation about every table, in Markdown: in Chinese, or in English.
func Page(chinese bool) string {
	say := func(zh, en string) string {
		if chinese {
			return zh
		}
		return en
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n# %s\n\n%s\n", say("[English](exports.en.md)", "[中文](exports.zh.md)"), say("导出的表", "Tables that are exported"), say(
		"本页由表的定义生成（`make manual`），请勿手改。命令：`xunzhen export 名称 --period 2026 --author 工号 --purpose 用途 -o 文件.xlsx`；按单位的表可加 `--level`，"+
			"一个乡镇或村加 `--division`。\n\n"+
			"每张工作表前五行：表名；填报单位、期间、统计截止、计量单位；数据位置、完整性、行数与行摘要；填报人、审核人、填报日期；表头。"+
			"行摘要是表头与各行按 CSV（UTF-8，行尾 CRLF）写出的 SHA-256，与 `--rows-only` 写出的文件相同。日期为 YYYY-MM-DD，只知年月的为文本；"+
			"证件号码始终为文本；以 = + - @ 开头的文字前加撇号；分母为零的比率为“—”。\n\n"+
			"CSV 默认带 BOM 的 UTF-8；`--encoding gb18030` 能写 Unicode 的每个字，但 Excel 只认其中 GBK 的两字节字，四字节的生僻字会显示为问号，请改用 .xlsx 或 UTF-8。",
		"This page is made from the tables' definitions (`make manual`); do not edit it. Command: `xunzhen export NAME --period 2026 --author ID --purpose TEXT -o FILE.xlsx`; "+
			"tables by unit take `--level`, one township or village `--division`.\n\n"+
			"Above the rows of each sheet stand: the title; the unit that reports, the period, the last day counted, what is counted; the position of the data, its completeness, the number of rows and their digest; "+
			"who filled in, who reviewed, the date; the headers, which are Chinese in every file. The digest is SHA-256 of header and rows as CSV (UTF-8, CRLF), the bytes that `--rows-only` writes. "+
			"Days are YYYY-MM-DD, a month alone is a text; numbers of documents are always text; what begins with = + - @ has an apostrophe before it; a rate of nothing is “—”.\n\n"+
			"CSV is UTF-8 with a byte order mark; `--encoding gb18030` has a place for every character of Unicode, but Excel knows only the two-byte ones of GBK there: rare characters of four bytes show as "+
			"question marks, so take .xlsx or UTF-8 for them."))
	for i, t := range Tables() {
		fmt.Fprintf(&b, "\n## %d. %s\n\n%s\n\n", i+1, say(t.ZH, t.EN), say(t.NoteZH, t.NoteEN))
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n|---|---|---|---|\n", say("列", "column"), say("名称", "header"), say("格式", "format"), say("来源", "from"))
		for _, c := range t.Columns {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.ID, say(c.ZH, c.ZH+" ("+c.EN+")"), c.words(say), strings.ReplaceAll(say(c.FromZH, c.FromEN), "|", "\\|"))
		}
	}
	return b.String()
}

// words says how a column's cells are shown.
func (c Column) words(say func(zh, en string) string) string {
	out := map[Format]string{
		Text: say("文本", "text"), Whole: say("整数", "whole number"), Tenths: say("一位小数", "one decimal"), Hundredths: say("两位小数", "two decimals"),
		Percent: say("百分比，两位小数", "per cent, two decimals"), Day: say("日期", "day"),
	}[c.Format]
	if c.Mask != Open {
		out += say("；可隐去", "; can be masked")
	}
	if c.Sensitive {
		out += say("；受限", "; restricted")
	}
	return out
}
