// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"fmt"
	"slices"
)

// Erase returns the segment without the bodies of the revisions at the given
// places, of which the hashes stay. Its hash, its signature and its revisions'
// dots are those of s.
func (s *Segment) Erase(places ...int) (*Segment, error) {
	gone := make([]bool, len(s.rows))
	for _, i := range places {
		if i < 0 || i >= len(s.rows) {
			return nil, fmt.Errorf("segment: erase place %d of %d", i, len(s.rows))
		}
		gone[i] = true
	}
	var b builder
	var scratch []byte
	for i := range s.rows {
		if gone[i] || s.Erased(i) {
			b.addErased(s.raw(i), s.bodyHash(i, &scratch))
		} else {
			b.add(s.raw(i))
		}
	}
	return Open(b.appendColumns(slices.Clone(s.wire[:s.head.size()])))
}

// raw returns revision i as columns hold it.
func (s *Segment) raw(i int) Raw {
	r := &s.rows[i]
	return Raw{Head: s.revisionHead(i), Shape: s.columns.shapes[r.shape].raw, Body: r.body, Salt: s.Salt(i)}
}
