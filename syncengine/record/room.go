// SPDX-License-Identifier: Apache-2.0

package record

// roomChunk is how many live values a Room takes memory for at a time, and
// roomKept how many such pieces it keeps for the next use: about a thousand
// records of forty registers.
const (
	roomChunk = 4096
	roomKept  = 12
)

// Room lends memory to the live values of states that are all dropped together, as
// those of one transaction are. The zero Room is ready; a nil one lends new memory
// each time. It is not safe for concurrent use.
type Room struct {
	chunks [][]Entry // all but the last are full
	spare  [][]Entry // clean
}

// take returns an empty list with memory for n entries.
func (r *Room) take(n int) []Entry {
	if r == nil || n > roomChunk/4 {
		return make([]Entry, 0, n)
	}
	k := len(r.chunks) - 1
	if k < 0 || cap(r.chunks[k])-len(r.chunks[k]) < n {
		r.chunks = append(r.chunks, r.chunk())
		k++
	}
	used := len(r.chunks[k])
	r.chunks[k] = r.chunks[k][:used+n]
	return r.chunks[k][used : used : used+n]
}

func (r *Room) chunk() []Entry {
	k := len(r.spare) - 1
	if k < 0 {
		return make([]Entry, 0, roomChunk)
	}
	c := r.spare[k]
	r.spare = r.spare[:k]
	return c
}

// Clear takes back everything that was lent. States that were made in the room must
// not be used any more.
func (r *Room) Clear() {
	for _, c := range r.chunks {
		if len(r.spare) < roomKept {
			clear(c)
			r.spare = append(r.spare, c[:0])
		}
	}
	r.chunks = r.chunks[:0]
}
