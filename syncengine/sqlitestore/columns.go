// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"encoding/binary"
	"fmt"
	"math"
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

// joinDivisions returns divisions as the file has them: a space before each, so
// that a space and a prefix is found at the beginning of a division only.
func joinDivisions(divisions []record.Division) string {
	if len(divisions) == 1 {
		return " " + string(divisions[0])
	}
	var text strings.Builder
	for _, d := range divisions {
		text.WriteByte(' ')
		text.WriteString(string(d))
	}
	return text.String()
}

func splitDivisions(text string) []record.Division {
	if text == "" {
		return nil
	}
	out := make([]record.Division, 0, 1)
	for d := range strings.SplitSeq(text[1:], " ") {
		out = append(out, record.Division(d))
	}
	return out
}
