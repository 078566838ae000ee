// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/sheets"
)

// exactDigits is how many digits of a number spreadsheets keep.
const exactDigits = 15

var scientific = regexp.MustCompile(`^[+-]?\d(?:\.\d+)?[eE]\+?\d{1,3}$`)

// LongNumber returns what stands in a cell that should hold a number of a document or a
// telephone, and whether digits of it are lost for certain or perhaps: a number that a
// spreadsheet took for one keeps 15 of them, and text that was exported from such a cell shows it.
func LongNumber(c sheets.Cell) (text string, lossy bool) {
	text = Tidy(c.Text)
	if c.Kind != sheets.Number && c.Kind != sheets.Day {
		return text, scientific.MatchString(text)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) >= 1e15 {
		return text, true
	}
	return strconv.FormatFloat(n, 'f', 0, 64), false
}

// value reads a cell for a field and puts it into a form. It returns why it could not.
func (r *rowReader) value(f Field, c sheets.Cell) Reason {
	text := Tidy(c.Text)
	if means, ok := r.plan.codes[f.Path][same(text)]; ok {
		if means == "" {
			return ""
		}
		n, _ := f.meaning(means)
		if f.leaf.Kind() == protoreflect.BoolKind {
			return r.put(f, protoreflect.ValueOfBool(n == 1))
		}
		return r.put(f, protoreflect.ValueOfEnum(n))
	}
	switch {
	case f.options.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE:
		return r.date(f, c)
	case f.leaf.Kind() == protoreflect.EnumKind:
		return r.enum(f, text)
	case f.leaf.Kind() == protoreflect.BoolKind:
		return r.boolean(f, text)
	case f.leaf.Kind() == protoreflect.StringKind:
		return r.text(f, c, text)
	}
	return r.integer(f, text)
}

func (r *rowReader) date(f Field, c sheets.Cell) Reason {
	partial := f.leaf.Name() == "diagnosed_on" || f.leaf.Name() == "happened_on"
	d, why := ReadDate(c, int(r.plan.Profile.GetTwoDigitYearsFrom()), partial)
	if why != "" {
		return why
	}
	if hard := f.options.GetHard(); hard != nil && hard.Min != nil && int64(d) < *hard.Min && d.Day() > 0 {
		return Limit
	}
	if d > r.plan.Today && !strings.Contains(string(f.leaf.Name()), "next_") && !ahead[f.leaf.Name()] {
		return Future
	}
	return r.put(f, protoreflect.ValueOfInt32(int32(d)))
}

// ahead are dates that may lie ahead.
var ahead = map[protoreflect.Name]bool{"until": true, "valid_until": true, "ends_on": true, "deadline": true, "expected_date": true, "wanted_date": true}

func (r *rowReader) enum(f Field, text string) Reason {
	words := []string{text}
	repeated := f.leaf.IsList() || r.each(f)
	if repeated {
		if _, ok := f.codes.by[same(text)]; !ok {
			words = strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(separates, c) })
		}
	}
	for _, w := range words {
		n, why := r.code(f, w)
		if why != "" {
			return why
		}
		if n == 0 {
			continue
		}
		if why := r.put(f, protoreflect.ValueOfEnum(n)); why != "" {
			return why
		}
	}
	return ""
}

// each reports whether every value of a cell is an entry of a map of its own.
func (r *rowReader) each(f Field) bool {
	for _, s := range f.steps {
		if s.field.IsMap() && s.index < 0 {
			return true
		}
	}
	return false
}

var labelled = regexp.MustCompile(`^(\d{1,3})\s*[.、:：\-_ ]\s*(\D.*)$`)

func (r *rowReader) code(f Field, word string) (protoreflect.EnumNumber, Reason) {
	w := same(word)
	if means, ok := r.plan.codes[f.Path][w]; ok {
		n, _ := f.meaning(means)
		return n, ""
	}
	if n, ok := f.codes.by[w]; ok {
		return n, ""
	}
	if at := labelled.FindStringSubmatch(Tidy(word)); at != nil { // 1 男
		if n, ok := f.codes.by[same(at[2])]; ok {
			return n, ""
		}
	}
	bare := strings.TrimSuffix(strings.TrimSuffix(w, ".0"), ".00")
	if !onlyDigit.MatchString(bare) {
		return 0, CodeUnknown
	}
	n, ok := f.codes.bare[strings.TrimLeft(bare, "0")]
	switch {
	case !ok:
		return 0, CodeUnknown
	case f.codes.yes && !r.plan.Profile.GetNationalCodes():
		return 0, CodeTrap
	}
	return n, ""
}

func (r *rowReader) boolean(f Field, text string) Reason {
	w := same(text)
	switch {
	case yesWords[w]:
		return r.put(f, protoreflect.ValueOfBool(true))
	case noWords[w]:
		return r.put(f, protoreflect.ValueOfBool(false))
	case onlyDigit.MatchString(w):
		return CodeTrap
	}
	return CodeUnknown
}

func (r *rowReader) text(f Field, c sheets.Cell, text string) Reason {
	switch f.options.GetFormat() {
	case schemav1.Format_FORMAT_ID_NUMBER, schemav1.Format_FORMAT_PHONE:
		var lossy bool
		if text, lossy = LongNumber(c); lossy {
			return Lossy
		}
	case schemav1.Format_FORMAT_DIVISION:
		code, why := r.division(c, "")
		if why != "" {
			return why
		}
		text = string(care.FullCode(code))
		if f.leaf.IsList() {
			text = string(code)
		}
	default:
		if c.Kind == sheets.Number {
			var lossy bool
			if text, lossy = LongNumber(c); lossy && strings.ContainsAny(c.Text, "eE") || len(strings.TrimLeft(text, "-0")) > exactDigits {
				return Lossy
			}
		}
	}
	if f.options.GetFormat() == schemav1.Format_FORMAT_ID_NUMBER {
		text = care.NormaliseNumber(text)
	}
	if f.options.GetFormat() == schemav1.Format_FORMAT_PHONE && !phoneLike.MatchString(care.NormaliseNumber(text)) {
		r.note(f, c, PhoneForm)
	}
	if most := f.options.GetMaxCharacters(); most > 0 && utf8.RuneCountInString(text) > int(most) {
		return TooLong
	}
	return r.put(f, protoreflect.ValueOfString(text))
}

var phoneLike = regexp.MustCompile(`^(?:\+?86)?(?:1\d{10}|0\d{9,11}|\d{7,8})$`)

// integer reads a number into the integer that the form keeps.
func (r *rowReader) integer(f Field, text string) Reason {
	plain := strings.ReplaceAll(strings.ReplaceAll(text, ",", ""), "，", "")
	plain = strings.TrimSuffix(plain, "%")
	n, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsNaN(n) || math.Abs(n) > 1e15 {
		return NoNumber
	}
	scaled := n * math.Pow10(int(f.options.GetDecimals()))
	whole := math.Round(scaled)
	if math.Abs(scaled-whole) > 1e-6*math.Max(1, math.Abs(scaled)) {
		return Decimals
	}
	hard := f.options.GetHard()
	if hard != nil && (hard.Min != nil && int64(whole) < *hard.Min || hard.Max != nil && int64(whole) > *hard.Max) {
		return Limit
	}
	switch f.leaf.Kind() {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		if whole > math.MaxInt32 || whole < math.MinInt32 {
			return Limit
		}
		return r.put(f, protoreflect.ValueOfInt32(int32(whole)))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return r.put(f, protoreflect.ValueOfInt64(int64(whole)))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return r.put(f, protoreflect.ValueOfUint32(uint32(max(whole, 0))))
	}
	return NoNumber
}
