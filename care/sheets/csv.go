// SPDX-License-Identifier: Apache-2.0

package sheets

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encodings of delimited text.
const (
	UTF8    = "UTF-8"
	UTF16LE = "UTF-16LE"
	UTF16BE = "UTF-16BE"
	GB18030 = "GB18030" // and GBK and GB 2312, which are part of it
)

const sampleSize = 64 << 10

// openDelimited finds out how a text is written. Whether it is UTF-8 is decided by the whole
// of it: the first name in another encoding may stand on the last line.
func (b *Book) openDelimited() error {
	b.Format, b.Sheets = Delimited, []Sheet{{}}
	sample := make([]byte, min(b.size, sampleSize))
	if _, err := b.file.ReadAt(sample, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(sample, []byte("\xff\xfe")):
		b.Encoding = UTF16LE
	case bytes.HasPrefix(sample, []byte("\xfe\xff")):
		b.Encoding = UTF16BE
	case zeros(sample, 1) > len(sample)/8 && zeros(sample, 0) == 0:
		b.Encoding = UTF16LE
	case zeros(sample, 0) > len(sample)/8 && zeros(sample, 1) == 0:
		b.Encoding = UTF16BE
	case bytes.IndexByte(sample, 0) >= 0:
		return problem(NoTable, "")
	default:
		ok, err := isUTF8(io.NewSectionReader(b.file, 0, b.size))
		if err != nil {
			return err
		}
		b.Encoding = UTF8
		if !ok {
			b.Encoding = GB18030
		}
	}
	text, err := io.ReadAll(io.LimitReader(b.text(), sampleSize))
	if err != nil {
		return err
	}
	b.Separator = separatorOf(text)
	return nil
}

// zeros counts zero bytes at even (0) or odd (1) places.
func zeros(b []byte, odd int) (n int) {
	for i := odd; i < len(b); i += 2 {
		if b[i] == 0 {
			n++
		}
	}
	return n
}

func isUTF8(r io.Reader) (bool, error) {
	buf := make([]byte, 64<<10)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		n += kept
		whole := n
		for whole > 0 && whole > n-utf8.UTFMax && !utf8.RuneStart(buf[whole-1]) {
			whole--
		}
		if whole > 0 && buf[whole-1] >= utf8.RuneSelf {
			whole-- // what begins here may go on
		}
		if errors.Is(err, io.EOF) {
			return utf8.Valid(buf[:n]), nil
		}
		if err != nil {
			return false, err
		}
		if !utf8.Valid(buf[:whole]) || n-whole > utf8.UTFMax {
			return false, nil
		}
		kept = copy(buf, buf[whole:n])
	}
}

// text returns the file in UTF-8 without a byte order mark. Bytes that mean nothing come as
// U+FFFD.
func (b *Book) text() io.Reader {
	raw := io.NewSectionReader(b.file, 0, b.size)
	var decoder transform.Transformer
	switch b.Encoding {
	case UTF16LE:
		decoder = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case UTF16BE:
		decoder = unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()
	case GB18030:
		decoder = simplifiedchinese.GB18030.NewDecoder()
	default:
		decoder = unicode.UTF8BOM.NewDecoder()
	}
	return transform.NewReader(raw, decoder)
}

// separatorOf returns what stands between cells: that which most lines have the same number
// of, outside quotes; a comma where nothing does.
func separatorOf(text []byte) byte {
	best, score := byte(','), 0
	for _, sep := range []byte{',', '\t', ';', '|'} {
		counts := map[int]int{}
		n, quoted := 0, false
		for _, c := range text {
			switch {
			case c == '"':
				quoted = !quoted
			case c == sep && !quoted:
				n++
			case c == '\n' && !quoted:
				counts[n]++
				n = 0
			}
		}
		counts[n]++
		for per, lines := range counts {
			if s := lines * min(per, 8); per > 0 && s > score {
				best, score = sep, s
			}
		}
	}
	return best
}

// readDelimited reads text. A quote inside a cell that is not quoted is part of it; what
// follows the closing quote up to the separator is, too.
func (b *Book) readDelimited(each func(Row) error) error {
	r := delimited{in: bufio.NewReaderSize(b.text(), 256<<10), sep: b.Separator, limits: b.limits, line: 1}
	empty := 0
	for {
		row, err := r.row()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if filled(row.Cells) {
			empty = 0
			if err := each(row); err != nil {
				return err
			}
		} else if empty++; empty > b.limits.EmptyRows {
			return nil
		}
		if err != nil {
			return nil
		}
	}
}

type delimited struct {
	in     *bufio.Reader
	sep    byte
	limits Limits
	line   int
	cells  []Cell
	cell   []byte
}

// row reads one row. With io.EOF the row is the last one, and may be empty.
func (r *delimited) row() (Row, error) {
	row := Row{Number: r.line}
	r.cells, r.cell = r.cells[:0], r.cell[:0]
	quoted, wasQuoted := false, false
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			if quoted && errors.Is(err, io.EOF) {
				return row, problemAt(LongCell, row.Number)
			}
			r.close()
			row.Cells = r.cells
			return row, err
		}
		if c == '\n' {
			r.line++
		}
		switch {
		case quoted && c == '"':
			if next, err := r.in.Peek(1); err == nil && next[0] == '"' {
				r.in.Discard(1) //nolint:errcheck // it was there
				r.cell = append(r.cell, '"')
				continue
			}
			quoted = false
		case quoted:
			r.cell = append(r.cell, c)
		case c == '"' && len(r.cell) == 0 && !wasQuoted:
			quoted, wasQuoted = true, true
		case c == r.sep:
			r.close()
			wasQuoted = false
			if len(r.cells) > r.limits.Columns {
				return row, problemAt(WideRow, row.Number)
			}
		case c == '\n':
			r.close()
			row.Cells = r.cells
			return row, nil
		default:
			r.cell = append(r.cell, c)
		}
		if len(r.cell) > r.limits.Cell {
			return row, problemAt(LongCell, row.Number)
		}
	}
}

func (r *delimited) close() {
	text := bytes.TrimSuffix(r.cell, []byte("\r"))
	if len(text) > 1 && text[0] == '\'' && strings.IndexByte("=+-@\t", text[1]) >= 0 {
		text = text[1:] // put in front, so that no spreadsheet takes the cell for a formula
	}
	c := Cell{Text: string(text), Kind: Text}
	if len(bytes.TrimSpace(text)) == 0 {
		c = Cell{}
	}
	r.cells, r.cell = append(r.cells, c), r.cell[:0]
}
