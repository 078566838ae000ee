// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// takes says what one may write into a field, as Markdown for a cell.
func (r row) takes(l language) string {
	out := []string{r.holds(l)}
	if r.inner.Enum() == nil && r.inner.Message() == nil {
		out = append(out, r.ranges(l)...)
	}
	if n := r.options.GetMaxCharacters(); n > 0 {
		out = append(out, fmt.Sprintf(l.say("至多 %d 字", "at most %d characters"), n))
	}
	if n := r.options.GetMaxEntries(); n > 0 {
		out = append(out, fmt.Sprintf(l.say("至多 %d 条", "at most %d entries"), n))
	}
	return strings.Join(out, l.semicolon())
}

func (r row) holds(l language) string {
	switch {
	case r.inner.Enum() != nil:
		return r.choice(l)
	case r.field.IsMap():
		return l.say("列表，每条有自己的键", "entries, each with a key of its own") + r.keys(l)
	case r.byField:
		return l.say("一节", "a section")
	case r.inner.Message() != nil && r.field.IsList():
		return l.say("列表", "a list")
	case r.inner.Message() != nil:
		return l.say("一组", "a group")
	case r.field.IsList():
		return r.scalar(l) + l.say("，可多个", ", several")
	}
	return r.scalar(l)
}

// keys lists the keys that entries may have, where they are fixed.
func (r row) keys(l language) string {
	var out []string
	for _, key := range entryKeys(r.inner) {
		out = append(out, code(key))
	}
	if len(out) == 0 {
		return ""
	}
	return l.say("：", ": ") + strings.Join(out, l.comma())
}

// scalar says what a single number or text is.
func (r row) scalar(l language) string {
	switch r.options.GetFormat() {
	case schemav1.Format_FORMAT_CIVIL_DATE:
		return l.say("日期 ", "date ") + code("yyyymmdd")
	case schemav1.Format_FORMAT_INSTANT_MS:
		return l.say("时刻，1970 年起的毫秒数（UTC）", "instant, milliseconds since 1970 (UTC)")
	case schemav1.Format_FORMAT_PHONE:
		return l.say("电话号码", "telephone number")
	case schemav1.Format_FORMAT_DIVISION:
		return l.say("12 位区划代码", "division code of 12 digits")
	case schemav1.Format_FORMAT_ID_NUMBER:
		return l.say("证件号码", "number of a document")
	case schemav1.Format_FORMAT_RECORD_ID:
		return l.say("另一条记录的编号，16 字节", "id of another record, 16 bytes")
	case schemav1.Format_FORMAT_STAFF_ID:
		return l.say("工作人员编号", "id of a member of staff")
	case schemav1.Format_FORMAT_COUNT:
		return l.say("个数", "count")
	case schemav1.Format_FORMAT_SCORE:
		return l.say("分值", "points") + r.stored(l)
	}
	switch r.inner.Kind() {
	case protoreflect.BoolKind:
		return l.say("是或否", "yes or no")
	case protoreflect.StringKind:
		return l.say("文本", "text")
	case protoreflect.BytesKind:
		return l.say("字节", "bytes")
	}
	out := l.say("数字", "number")
	if u := l.unit(r.options.GetUnit()); u != "" {
		out += l.say("，", ", ") + text(u)
	}
	return out + r.stored(l)
}

// stored says how a number with decimals is kept.
func (r row) stored(l language) string {
	n := r.options.GetDecimals()
	if n == 0 {
		return ""
	}
	many := l.say("，%d 位小数（存为 ×%s）", ", %d decimals (stored ×%s)")
	if n == 1 {
		many = l.say(many, ", %d decimal (stored ×%s)")
	}
	return fmt.Sprintf(many, n, "1"+strings.Repeat("0", int(n)))
}

func (r row) ranges(l language) []string {
	var out []string
	if s := r.bounds(l, r.options.GetWarn()); s != "" {
		out = append(out, l.say("常见 ", "usual ")+s)
	}
	if s := r.bounds(l, r.options.GetHard()); s != "" {
		if r.options.GetConfirmable() {
			s += l.say("，超出须确认", ", beyond it to be confirmed")
		}
		out = append(out, l.say("可能 ", "possible ")+s)
	}
	return out
}

// bounds writes a range in the numbers that people read, "" for none.
func (r row) bounds(l language, b *schemav1.Range) string {
	switch {
	case b == nil || b.Min == nil && b.Max == nil:
		return ""
	case b.Max == nil:
		return "≥ " + r.human(b.GetMin())
	case b.Min == nil:
		return "≤ " + r.human(b.GetMax())
	}
	return r.human(b.GetMin()) + l.say("～", " to ") + r.human(b.GetMax())
}

// human writes a stored number as people read it.
func (r row) human(n int64) string {
	if r.options.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE {
		return fmt.Sprintf("%04d-%02d-%02d", n/10000, n/100%100, n%100)
	}
	return decimal(n, r.options.GetDecimals())
}

// filled says when a field is to be filled, as Markdown for a cell.
func (r row) filled(l language) string {
	switch {
	case r.wanted, r.options.GetRequirement() == schemav1.Requirement_REQUIREMENT_REQUIRED:
		return l.say("必填", "always")
	case r.options.GetRequirement() != schemav1.Requirement_REQUIREMENT_CONDITIONAL:
		return ""
	}
	var out []string
	for _, p := range r.options.GetRequiredFor() {
		out = append(out, l.population(p))
	}
	for _, c := range r.options.GetRequiredWhen() {
		out = append(out, r.condition(l, c))
	}
	return strings.Join(out, l.say("；或", "; or "))
}

func (r row) condition(l language, c *schemav1.Condition) string {
	f := r.field.ContainingMessage().Fields().ByName(protoreflect.Name(c.GetField()))
	if f == nil {
		return code(c.GetField())
	}
	name, codes := text(labelOf(f, l)), strings.Join(codesNamed(f.Enum(), c.GetCodes(), l), l.say(" 或 ", " or "))
	switch {
	case codes == "" && c.GetNot():
		return fmt.Sprintf(l.say("“%s”未填时", "if “%s” is empty"), name)
	case codes == "":
		return fmt.Sprintf(l.say("“%s”已填时", "if “%s” is filled"), name)
	case c.GetNot():
		return fmt.Sprintf(l.say("“%s”已填且不含 %s 时", "if “%s” is filled with other than %s"), name, codes)
	}
	return fmt.Sprintf(l.say("“%s”为 %s 时", "if “%s” is %s"), name, codes)
}
