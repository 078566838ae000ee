// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"slices"
	"sort"
	"strings"
)

type entry struct {
	key        string
	head, body []byte
}

// table is a sorted list of entries in chunks, none of them empty. It never
// changes: with and without return another one that shares all other chunks.
type table [][]entry

// full is the number of entries at which a chunk is cut in two: small enough to
// copy at every write, large enough that the list of chunks stays short.
const full = 128

// chunk returns the place of the chunk where key is or belongs; requires chunks.
func (t table) chunk(key string) int {
	i := sort.Search(len(t), func(i int) bool { return t[i][0].key > key })
	return max(i-1, 0)
}

func find(chunk []entry, key string) (int, bool) {
	return slices.BinarySearchFunc(chunk, key, func(e entry, k string) int { return strings.Compare(e.key, k) })
}

func (t table) get(key string) (entry, bool) {
	if len(t) == 0 {
		return entry{}, false
	}
	c := t[t.chunk(key)]
	i, ok := find(c, key)
	if !ok {
		return entry{}, false
	}
	return c[i], true
}

func (t table) with(e entry) table {
	if len(t) == 0 {
		return table{{e}}
	}
	at := t.chunk(e.key)
	i, ok := find(t[at], e.key)
	if ok {
		c := slices.Clone(t[at])
		c[i] = e
		return t.replaced(at, c)
	}
	c := make([]entry, 0, len(t[at])+1)
	c = append(append(append(c, t[at][:i]...), e), t[at][i:]...)
	if len(c) < full {
		return t.replaced(at, c)
	}
	cut := full / 2
	if at == len(t)-1 && i == len(c)-1 {
		cut = full - 1 // keys that only grow fill their chunks
	}
	return t.replaced(at, c[:cut:cut], c[cut:])
}

func (t table) without(key string) table {
	if len(t) == 0 {
		return t
	}
	at := t.chunk(key)
	i, ok := find(t[at], key)
	if !ok {
		return t
	}
	if len(t[at]) == 1 {
		return t.replaced(at)
	}
	return t.replaced(at, slices.Delete(slices.Clone(t[at]), i, i+1))
}

// replaced returns t with chunks in place of chunk number at.
func (t table) replaced(at int, chunks ...[]entry) table {
	out := make(table, 0, len(t)+len(chunks)-1)
	out = append(out, t[:at]...)
	out = append(out, chunks...)
	return append(out, t[at+1:]...)
}

// walk calls f for entries with the prefix and above after, ascending, until f
// returns false.
func (t table) walk(prefix, after string, f func(entry) bool) {
	if len(t) == 0 {
		return
	}
	from := max(prefix, after)
	at := t.chunk(from)
	i, _ := find(t[at], from)
	for ; at < len(t); at, i = at+1, 0 {
		for ; i < len(t[at]); i++ {
			e := t[at][i]
			if after != "" && e.key <= after {
				continue
			}
			if !strings.HasPrefix(e.key, prefix) || !f(e) {
				return
			}
		}
	}
}
