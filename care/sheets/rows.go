// SPDX-License-Identifier: Apache-2.0

package sheets

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// days1904 is how many days the count from 1904 is behind the usual one.
const days1904 = 1462

// readSheet reads the rows of a sheet of a workbook.
func (b *Book) readSheet(sheet int, each func(Row) error) error {
	part := b.work.sheets[sheet]
	packed := b.work.parts[part]
	in, err := packed.Open()
	if err != nil {
		return broken(part, err)
	}
	defer in.Close() //nolint:errcheck // read only
	s := sheetReader{book: b, part: part, d: newDecoder(io.LimitReader(in, int64(packed.UncompressedSize64)))}
	for {
		t, err := s.d.RawToken()
		if errors.Is(err, io.EOF) && s.ended {
			return nil
		}
		if err != nil {
			return s.broken(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local != "row" {
				continue
			}
			if err := s.row(t); err != nil {
				return err
			}
			if filled(s.cells) {
				s.empty = 0
				if err := each(Row{Number: s.number, Cells: s.cells, Hidden: s.hidden}); err != nil {
					return err
				}
			} else if s.empty++; s.empty > b.limits.EmptyRows {
				return nil
			}
		case xml.EndElement:
			s.ended = s.ended || t.Name.Local == "sheetData" || t.Name.Local == "worksheet"
		}
	}
}

type sheetReader struct {
	book   *Book
	part   string
	d      *xml.Decoder
	ended  bool // the rows were read to their end
	empty  int
	number int
	hidden bool
	cells  []Cell
	value  []byte
}

func (s *sheetReader) broken(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	out := broken(s.part, err).(*Problem)
	out.Row = s.number
	return out
}

// row reads the cells of a row.
func (s *sheetReader) row(e xml.StartElement) error {
	s.cells, s.hidden = s.cells[:0], isTrue(attribute(e, "hidden"))
	s.number++
	if n, err := strconv.Atoi(attribute(e, "r")); err == nil && n > 0 {
		s.number = n
	}
	for {
		t, err := s.d.RawToken()
		if err != nil {
			return s.broken(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "c" {
				if err := s.cell(t); err != nil {
					return err
				}
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				return nil
			}
		}
	}
}

// cell reads a cell and puts it in its column.
func (s *sheetReader) cell(e xml.StartElement) error {
	at := len(s.cells)
	if ref := attribute(e, "r"); ref != "" {
		at = columnOf(ref)
	}
	if at < 0 || at >= s.book.limits.Columns {
		// Far to the right there is nothing but formats; what is filled in there is nobody's table.
		c, err := s.content(e)
		if err == nil && c.Kind != Empty {
			err = problemAt(WideRow, s.number)
		}
		return err
	}
	c, err := s.content(e)
	if err != nil {
		return err
	}
	for len(s.cells) <= at {
		s.cells = append(s.cells, Cell{})
	}
	s.cells[at] = c
	return nil
}

// columnOf returns the column of a place such as AB12, from 0; -1 where it names none.
func columnOf(ref string) int {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && n < 1<<20; i++ {
		n = n*26 + int(ref[i]-'A') + 1
	}
	return n - 1
}

func (s *sheetReader) content(e xml.StartElement) (Cell, error) {
	c := Cell{}
	s.value = s.value[:0]
	inValue := false
	most := s.book.limits.Cell
	for {
		t, err := s.d.RawToken()
		if err != nil {
			return c, s.broken(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				inValue = true
			case "f":
				c.Formula = true
			case "is":
				if s.value, err = appendText(s.d, "is", s.value, most); err != nil {
					return c, s.long(err)
				}
			}
		case xml.CharData:
			if inValue {
				if s.value = append(s.value, t...); len(s.value) > most {
					return c, problemAt(LongCell, s.number)
				}
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "v":
				inValue = false
			case "c":
				return s.typed(e, c)
			}
		}
	}
}

func (s *sheetReader) long(err error) error {
	var p *Problem
	if errors.As(err, &p) {
		p.Row = s.number
		return p
	}
	return s.broken(err)
}

// typed says what the value of a cell is.
func (s *sheetReader) typed(e xml.StartElement, c Cell) (Cell, error) {
	c.Text = string(s.value)
	switch attribute(e, "t") {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(c.Text))
		if err != nil && c.Text == "" {
			return Cell{Formula: c.Formula}, nil
		}
		text, ok := s.book.work.texts.at(i)
		if err != nil || !ok {
			return c, s.broken(errors.New("a text that is not there"))
		}
		c.Text, c.Kind = text, Text
	case "str", "inlineStr":
		c.Kind = Text
	case "b":
		c.Kind = Bool
	case "e":
		c.Kind = Fault
	case "d":
		c.Kind = Text
	default:
		s.numeric(e, &c)
	}
	if strings.TrimSpace(c.Text) == "" {
		return Cell{Formula: c.Formula}, nil
	}
	return c, nil
}

func (s *sheetReader) numeric(e xml.StartElement, c *Cell) {
	c.Text, c.Kind = strings.TrimSpace(c.Text), Number
	style, err := strconv.Atoi(attribute(e, "s"))
	if err != nil || style < 0 || style >= len(s.book.work.days) || !s.book.work.days[style] {
		return
	}
	c.Kind = Day
	if n, err := strconv.ParseFloat(c.Text, 64); err == nil && s.book.Dates1904 {
		c.Text = strconv.FormatFloat(n+days1904, 'f', -1, 64)
	}
}
