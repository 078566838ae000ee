// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/xunzhen/xunzhen/care/export"
)

// spool keeps the rows of one table on disk until all are there: only then are they sorted and
// counted, and the lines above them can say what they are.
type spool struct {
	table export.Table
	blobs *blobs
	rows  []spooled
	sets  map[string][]int // rows that go together, by what they are about
	buf   []byte
}

type spooled struct {
	order string
	at    int64
	size  int32
}

func newSpool(dir string, table export.Table) (*spool, error) {
	b, err := newBlobs(dir)
	return &spool{table: table, blobs: b}, err
}

// add keeps a row; order is what it is sorted by.
func (s *spool) add(order string, row export.Row) error {
	s.buf = appendRow(s.buf[:0], row)
	at, err := s.blobs.add(s.buf)
	s.rows = append(s.rows, spooled{order, at, int32(len(s.buf))})
	return err
}

// addOf keeps a row that belongs to a set, so that the set can be dropped.
func (s *spool) addOf(set, order string, row export.Row) error {
	if s.sets == nil {
		s.sets = map[string][]int{}
	}
	s.sets[set] = append(s.sets[set], len(s.rows))
	return s.add(order, row)
}

// dropSet leaves out the rows of a set.
func (s *spool) dropSet(set string) {
	for _, i := range s.sets[set] {
		s.rows[i].size = -1
	}
	delete(s.sets, set)
}

// sort puts the rows in order; those of equal order stay as they came.
func (s *spool) sort() error {
	s.rows = slices.DeleteFunc(s.rows, func(r spooled) bool { return r.size < 0 })
	s.sets = nil
	slices.SortStableFunc(s.rows, func(a, b spooled) int { return cmp.Compare(a.order, b.order) })
	return s.blobs.flush()
}

// progressEach is after how many rows progress is told and a cancelled job ends.
const progressEach = 500

// each calls do with every row in order, with its serial number in place.
func (s *spool) each(ctx context.Context, do func(n int, row export.Row) error) error {
	serial := slices.IndexFunc(s.table.Columns, func(c export.Column) bool { return c.ID == export.SerialNumber })
	for n, r := range s.rows {
		if n%progressEach == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := s.blobs.read(r.at, r.size)
		if err != nil {
			return err
		}
		row, err := decodeRow(b, len(s.table.Columns))
		if err != nil {
			return err
		}
		if serial >= 0 {
			row[serial] = export.Cell{Number: int64(n + 1), Given: true}
		}
		if err := do(n, row); err != nil {
			return err
		}
	}
	return nil
}

// digest returns SHA-256 of the header and the rows as CSV in UTF-8 with CRLF: the bytes of
// the file that is made with rows only, without its byte order mark.
func (s *spool) digest(ctx context.Context) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	w := newCSV(h)
	if err := w.Write(headers(s.table)); err != nil {
		return sum, err
	}
	err = s.each(ctx, func(_ int, row export.Row) error { return w.Write(texts(s.table, row)) })
	w.Flush()
	return [sha256.Size]byte(h.Sum(nil)), errors.Join(err, w.Error())
}

func newCSV(to interface{ Write([]byte) (int, error) }) *csv.Writer {
	w := csv.NewWriter(to)
	w.UseCRLF = true
	return w
}

func headers(t export.Table) []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.ZH
	}
	return out
}

func texts(t export.Table, row export.Row) []string {
	out := make([]string, len(row))
	for i, c := range row {
		out[i] = c.String(t.Columns[i].Format)
	}
	return out
}

func (s *spool) close() error { return s.blobs.close() }

// How a cell is kept.
const (
	cellEmpty = iota
	cellText
	cellNumber
)

func appendRow(b []byte, row export.Row) []byte {
	for _, c := range row {
		switch {
		case c.Given:
			b = binary.AppendVarint(append(b, cellNumber), c.Number)
		case c.Text != "":
			b = binary.AppendUvarint(append(b, cellText), uint64(len(c.Text)))
			b = append(b, c.Text...)
		default:
			b = append(b, cellEmpty)
		}
	}
	return b
}

var errSpool = errors.New("what was kept aside for the export is damaged")

func decodeRow(b []byte, columns int) (export.Row, error) {
	row := make(export.Row, columns)
	for i := range row {
		if len(b) == 0 {
			return nil, errSpool
		}
		kind := b[0]
		b = b[1:]
		switch kind {
		case cellNumber:
			v, n := binary.Varint(b)
			if n <= 0 {
				return nil, errSpool
			}
			row[i], b = export.Cell{Number: v, Given: true}, b[n:]
		case cellText:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return nil, errSpool
			}
			row[i], b = export.Cell{Text: string(b[n : n+int(size)])}, b[n+int(size):]
		}
	}
	return row, nil
}

// blobs is a file of pieces that are written once and read in any order.
type blobs struct {
	file *os.File
	w    *bufio.Writer
	at   int64
	buf  []byte
}

func newBlobs(dir string) (*blobs, error) {
	f, err := os.CreateTemp(dir, "rows-*")
	if err != nil {
		return nil, fmt.Errorf("keep rows aside: %w", err)
	}
	return &blobs{file: f, w: bufio.NewWriterSize(f, 1<<16)}, nil
}

func (b *blobs) add(piece []byte) (at int64, err error) {
	at = b.at
	b.at += int64(len(piece))
	_, err = b.w.Write(piece)
	return at, err
}

func (b *blobs) flush() error { return b.w.Flush() }

// read returns a piece, which is good until the next call.
func (b *blobs) read(at int64, size int32) ([]byte, error) {
	b.buf = slices.Grow(b.buf[:0], int(size))[:size]
	_, err := b.file.ReadAt(b.buf, at)
	return b.buf, err
}

// close removes the file.
func (b *blobs) close() error { return errors.Join(b.file.Close(), os.Remove(b.file.Name())) }
