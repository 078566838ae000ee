// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// atLeastOne refuses a limit that selects nothing.
func atLeastOne(limit int) error {
	if limit < 1 {
		return fmt.Errorf("limit %d: at least 1", limit)
	}
	return nil
}

// stored returns a position as the file has it. Nobody gets that far.
func stored(p syncengine.Position) (int64, error) {
	if p > math.MaxInt64 {
		return 0, fmt.Errorf("position %d: out of range", p)
	}
	return int64(p), nil
}

// span returns the bounds of a question: after is exclusive, upTo inclusive and
// 0 for no end.
func span(after, upTo syncengine.Position) (from, to int64) {
	if upTo == 0 {
		upTo = math.MaxInt64
	}
	return int64(min(after, math.MaxInt64)), int64(min(upTo, math.MaxInt64))
}

// counter returns a counter as the file has it: 8 bytes, because its whole range
// must sort and SQLite's integers have a sign.
func counter(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func columnCounter(s *sqlite.Stmt, column int) uint64 {
	var b [8]byte
	s.ColumnBytes(column, b[:])
	return binary.BigEndian.Uint64(b[:])
}

// number returns divisions as the feed has them, where they are one of twelve digits.
func number(divisions []record.Division) (n int64, ok bool) {
	if len(divisions) != 1 || !divisions[0].Valid() {
		return 0, false
	}
	n, err := strconv.ParseInt(string(divisions[0]), 10, 64)
	return n, err == nil
}

// digits is how long a division is that can be a number.
const digits = 12

// numbers returns the numbers of the divisions under a prefix; none: from > to.
func numbers(prefix record.Division) (from, to int64) {
	if !prefix.ValidPrefix() {
		return 1, 0
	}
	from, _ = strconv.ParseInt("0"+string(prefix), 10, 64)
	to = from
	for range digits - len(prefix) {
		from, to = from*10, to*10+9
	}
	return from, to
}

func bindDivisions(s *sqlite.Stmt, param int, divisions []record.Division) {
	if n, ok := number(divisions); ok {
		s.BindInt64(param, n)
		return
	}
	var text strings.Builder
	for _, d := range divisions {
		text.WriteByte(' ')
		text.WriteString(string(d))
	}
	s.BindText(param, text.String())
}

func columnDivisions(s *sqlite.Stmt, column int) []record.Division {
	if s.ColumnType(column) == sqlite.TypeInteger {
		n := strconv.AppendInt(make([]byte, 0, digits+1), 1e12+s.ColumnInt64(column), 10)
		return []record.Division{record.Division(n[1:])}
	}
	text := s.ColumnText(column)
	if text == "" {
		return nil
	}
	out := make([]record.Division, 0, 1)
	for d := range strings.SplitSeq(text[1:], " ") {
		out = append(out, record.Division(d))
	}
	return out
}
