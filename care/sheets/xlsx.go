// SPDX-License-Identifier: Apache-2.0

package sheets

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// workbook is what the rows of every sheet need.
type workbook struct {
	parts  map[string]*zip.File
	sheets []string // the part of each sheet
	days   []bool   // by style: shown as a date
	texts  shared
}

const contentTypes = "[Content_Types].xml"

func (b *Book) openWorkbook() error {
	packed, err := zip.NewReader(b.file, b.size)
	if err != nil {
		return broken("zip", err)
	}
	w := &workbook{parts: map[string]*zip.File{}}
	if len(packed.File) > b.limits.Entries {
		return problem(Bomb, fmt.Sprint(len(packed.File)))
	}
	for _, f := range packed.File {
		size := int64(f.UncompressedSize64)
		if size < 0 || size > b.limits.Part || size > 1<<20 && size/b.limits.Ratio > int64(f.CompressedSize64) {
			return problem(Bomb, path.Base(f.Name))
		}
		name := strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/")
		w.parts[name] = f
		b.Macros = b.Macros || strings.EqualFold(path.Base(name), "vbaProject.bin")
	}
	b.Format, b.work = Workbook, w
	if w.parts[contentTypes] == nil || w.parts["xl/workbook.xml"] == nil {
		return problem(OtherFormat, "")
	}
	for _, read := range []func() error{b.readBook, b.readStyles, b.readTexts} {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// elements walks over a part: each start is told with its path's last two names. It is not
// called for a part that is not there.
func (b *Book) elements(part string, each func(d *xml.Decoder, e xml.StartElement) error) error {
	f := b.work.parts[part]
	if f == nil {
		return nil
	}
	in, err := f.Open()
	if err != nil {
		return broken(part, err)
	}
	defer in.Close()                                                 //nolint:errcheck // read only
	d := newDecoder(io.LimitReader(in, int64(f.UncompressedSize64))) // what it says was looked at before
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(part, err)
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := each(d, e); err != nil {
				return err
			}
		}
	}
}

func newDecoder(r io.Reader) *xml.Decoder {
	d := xml.NewDecoder(r)
	d.Strict = true
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("not UTF-8") }
	return d
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func isTrue(text string) bool { return text == "1" || text == "true" }

// readBook finds the sheets and their parts.
func (b *Book) readBook() error {
	target := map[string]string{}
	err := b.elements("xl/_rels/workbook.xml.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" {
			at := attribute(e, "Target")
			if !strings.HasPrefix(at, "/") {
				at = "xl/" + at
			}
			target[attribute(e, "Id")] = strings.TrimPrefix(path.Clean(at), "/")
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = b.elements("xl/workbook.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			b.Dates1904 = isTrue(attribute(e, "date1904"))
		case "sheet":
			part := target[attribute(e, "id")]
			if b.work.parts[part] == nil || strings.Contains(part, "chartsheets/") {
				return nil // a chart, or nothing
			}
			state := attribute(e, "state")
			b.Sheets = append(b.Sheets, Sheet{Name: attribute(e, "name"), Hidden: state == "hidden" || state == "veryHidden"})
			b.work.sheets = append(b.work.sheets, part)
		}
		return nil
	})
	if err == nil && len(b.Sheets) == 0 {
		err = problem(Nothing, "")
	}
	return err
}

// readStyles finds out which styles show a number as a date.
func (b *Book) readStyles() error {
	custom, inCells := map[string]bool{}, false
	return b.elements("xl/styles.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			custom[attribute(e, "numFmtId")] = showsDate(attribute(e, "formatCode"))
		case "cellXfs":
			inCells = true
		case "cellStyles", "dxfs", "cellStyleXfs":
			inCells = false
		case "xf":
			if inCells {
				id := attribute(e, "numFmtId")
				n, _ := strconv.Atoi(id)
				day, known := custom[id]
				b.work.days = append(b.work.days, known && day || !known && builtInDate(n))
			}
		}
		return nil
	})
}

// builtInDate reports whether a built-in number format shows a date (ECMA-376 part 1,
// 18.8.30, the Chinese ones included).
func builtInDate(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 54 || id == 57 || id == 58
}

// showsDate reports whether a format has a year or a day outside quotes and brackets.
func showsDate(format string) bool {
	if strings.EqualFold(format, "General") {
		return false
	}
	quoted, bracket := false, false
	for i := 0; i < len(format); i++ {
		switch c := format[i]; {
		case c == '\\' || c == '_' || c == '*':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			bracket = true
		case c == ']':
			bracket = false
		case bracket:
		case c == ';':
			return false // the sections behind are for other numbers
		case strings.IndexByte("yYdDeE", c) >= 0 && !(c == 'E' && i+1 < len(format) && (format[i+1] == '+' || format[i+1] == '-')):
			return true
		}
	}
	return false
}

// shared holds the texts that cells share, one behind the other.
type shared struct {
	text []byte
	ends []int
}

func (s shared) at(i int) (string, bool) {
	if i < 0 || i >= len(s.ends) {
		return "", false
	}
	from := 0
	if i > 0 {
		from = s.ends[i-1]
	}
	return string(s.text[from:s.ends[i]]), true
}

func (b *Book) readTexts() error {
	part := ""
	for _, name := range []string{"xl/sharedStrings.xml", "xl/SharedStrings.xml"} {
		if b.work.parts[name] != nil {
			part = name
		}
	}
	s := &b.work.texts
	return b.elements(part, func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		var err error
		if s.text, err = appendText(d, "si", s.text, len(s.text)+b.limits.Cell); err != nil {
			return withPart(err, part)
		}
		if int64(len(s.text)) > b.limits.SharedTexts {
			return problem(Bomb, part)
		}
		s.ends = append(s.ends, len(s.text))
		return nil
	})
}

func withPart(err error, part string) error {
	var p *Problem
	if errors.As(err, &p) {
		return err
	}
	return broken(part, err)
}

// appendText appends the text of what ends with an element: of all its runs, without the
// reading aids for pronunciation.
func appendText(d *xml.Decoder, end string, to []byte, most int) ([]byte, error) {
	inText, aids := false, 0
	for {
		t, err := d.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return to, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				inText = true
			case "rPh", "phoneticPr":
				aids++
			}
		case xml.EndElement:
			switch t.Name.Local {
			case end:
				return to, nil
			case "t":
				inText = false
			case "rPh", "phoneticPr":
				aids--
			}
		case xml.CharData:
			if inText && aids == 0 {
				if to = append(to, t...); len(to) > most {
					return to, problem(LongCell, "")
				}
			}
		}
	}
}
