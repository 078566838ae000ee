// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// tree is a table or an index in a database file, with the pages of its leaves.
type tree struct {
	name   string
	leaves []int // page numbers, from 1
}

// treesOf returns the trees of a closed file that have anything in them.
func treesOf(t *testing.T, path string) []tree {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	must(t, conn, err)
	var out []tree
	do(t, sqlitex.ExecuteTransient(conn, `SELECT name, pageno FROM dbstat
		WHERE pagetype = 'leaf' AND ncell > 0 ORDER BY name, pageno`, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		if name := s.ColumnText(0); len(out) == 0 || out[len(out)-1].name != name {
			out = append(out, tree{name: name})
		}
		last := &out[len(out)-1]
		last.leaves = append(last.leaves, s.ColumnInt(1))
		return nil
	}}))
	do(t, conn.Close())
	return out
}

const pageSize = 4096

// Kinds of leaves, and where they have what: https://www.sqlite.org/fileformat2.html#b_tree_pages
const (
	tableLeaf  = 13
	leafHeader = 8
	fileHeader = 100 // before the first page's
)

// flip flips one bit in a cell of a tree: in its size, key or content.
func (x tree) flip(rnd *rand.Rand, file []byte) {
	number := x.leaves[rnd.IntN(len(x.leaves))]
	page, header := file[(number-1)*pageSize:number*pageSize], 0
	if number == 1 {
		header = fileHeader
	}
	cells := int(binary.BigEndian.Uint16(page[header+3:]))
	at := int(binary.BigEndian.Uint16(page[header+leafHeader+2*rnd.IntN(cells):]))
	page[at+rnd.IntN(cellSize(page[header], page[at:]))] ^= 1 << rnd.IntN(8)
}

// cellSize returns how many bytes of a cell stand in its page.
func cellSize(kind byte, cell []byte) int {
	payload, n := varint(cell)
	size := n
	most := (pageSize-12)*64/255 - 23
	if kind == tableLeaf {
		_, n = varint(cell[size:])
		size, most = size+n, pageSize-35
	}
	if int(payload) <= most {
		return size + int(payload)
	}
	least := (pageSize-12)*32/255 - 23
	local := least + (int(payload)-least)%(pageSize-4)
	if local > most {
		local = least
	}
	return size + local
}

// varint reads a number as SQLite writes it, most significant digits first, and
// returns how many bytes it took.
func varint(b []byte) (n uint64, size int) {
	for i, c := range b[:8] {
		if n = n<<7 | uint64(c&0x7f); c < 0x80 {
			return n, i + 1
		}
	}
	return n<<8 | uint64(b[8]), 9
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	return must(t, content, err)
}
