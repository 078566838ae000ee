// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"hash/maphash"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// tag stands for something that residents can have in common, such as a number: eight
// bytes of its HMAC under the county's key. Without the key it says nothing, with it two
// things can have one tag by chance, so whoever is found by it is looked at. 0: nothing.
type tag uint64

// What tags stand for.
const (
	tagNumber = "number" // the key of a document
	tagPerson = "person" // name, birth date and village
	tagSlip   = "slip"   // a resident number that somebody may have meant who typed another
)

// tagger makes tags. It is for one goroutine at a time.
type tagger struct{ mac hash.Hash }

func newTagger(key []byte) tagger { return tagger{hmac.New(sha256.New, key)} }

// tag returns the tag of a text; 0 for none.
func (t tagger) tag(what, text string) tag {
	if text == "" {
		return 0
	}
	var room [sha256.Size]byte
	t.mac.Reset()
	t.mac.Write([]byte(what))
	t.mac.Write([]byte{0})
	t.mac.Write([]byte(text))
	return tag(binary.BigEndian.Uint64(t.mac.Sum(room[:0])))
}

// index finds residents by their tags. A resident has a slot for ever; each of its tags is
// an entry. Slots and entries stand in chains under their hash, as in any hash table; written
// by hand because this takes half the memory of maps (some 95 bytes a resident). Of residents it
// keeps ids and tags only.
type index struct {
	seed maphash.Seed

	slots []slot // slot 0 is none
	byID  []uint32
	more  map[uint32][]tag // tags of slips, by slot; few have any

	entries []entry // entry 0 is none
	byTag   []uint32
	free    uint32 // the first entry of the chain of those that are free
	used    int
}

// slot is what is kept of a resident: number and person.
type slot struct {
	id    record.ID
	usual [2]tag
	next  uint32
}

type entry struct {
	tag  tag
	slot uint32
	next uint32
}

const leastBuckets = 1 << 10

func newIndex() index {
	return index{
		seed: maphash.MakeSeed(), slots: make([]slot, 1), more: map[uint32][]tag{}, entries: make([]entry, 1),
		byID: make([]uint32, leastBuckets), byTag: make([]uint32, leastBuckets),
	}
}

// put gives a resident these tags in place of those it had.
func (x *index) put(id record.ID, usual [2]tag, slips []tag) {
	at := x.slotOf(id)
	if x.slots[at].usual == usual && slices.Equal(x.more[at], slips) {
		return
	}
	for _, t := range x.tags(at) {
		x.remove(t, at)
	}
	x.slots[at].usual = usual
	delete(x.more, at)
	if len(slips) > 0 {
		x.more[at] = slips
	}
	for _, t := range x.tags(at) {
		x.add(t, at)
	}
}

// slotOf returns the slot of a resident, a new one where it has none.
func (x *index) slotOf(id record.ID) uint32 {
	for at := x.byID[x.bucketOf(id)]; at != 0; at = x.slots[at].next {
		if x.slots[at].id == id {
			return at
		}
	}
	if len(x.slots) > len(x.byID) {
		x.byID = make([]uint32, 2*len(x.byID))
		for at := 1; at < len(x.slots); at++ {
			b := &x.byID[x.bucketOf(x.slots[at].id)]
			x.slots[at].next, *b = *b, uint32(at)
		}
	}
	b := &x.byID[x.bucketOf(id)]
	x.slots = append(x.slots, slot{id: id, next: *b})
	*b = uint32(len(x.slots) - 1)
	return *b
}

// bucketOf hashes with a seed, because ids are made by devices.
func (x *index) bucketOf(id record.ID) uint64 {
	return maphash.Bytes(x.seed, id[:]) % uint64(len(x.byID))
}

// tags returns the tags of a slot, those that are nothing left out.
func (x *index) tags(at uint32) []tag {
	usual := x.slots[at].usual
	return slices.DeleteFunc(append(usual[:], x.more[at]...), func(t tag) bool { return t == 0 })
}

func (x *index) add(t tag, of uint32) {
	if x.used++; x.used > len(x.byTag) {
		x.byTag = make([]uint32, 2*len(x.byTag))
		for at := 1; at < len(x.entries); at++ {
			if e := &x.entries[at]; e.tag != 0 {
				b := x.chain(e.tag)
				e.next, *b = *b, uint32(at)
			}
		}
	}
	at := x.free
	if at == 0 {
		at = uint32(len(x.entries))
		x.entries = append(x.entries, entry{})
	} else {
		x.free = x.entries[at].next
	}
	b := x.chain(t)
	x.entries[at] = entry{t, of, *b}
	*b = at
}

// chain returns where the chain begins in which entries with a tag stand.
func (x *index) chain(t tag) *uint32 { return &x.byTag[uint64(t)%uint64(len(x.byTag))] }

func (x *index) remove(t tag, of uint32) {
	for at := x.chain(t); *at != 0; at = &x.entries[*at].next {
		if e := x.entries[*at]; e.tag == t && e.slot == of {
			gone := *at
			*at = e.next
			x.entries[gone] = entry{next: x.free}
			x.free = gone
			x.used--
			return
		}
	}
}

// bearers returns the residents with a tag, ascending; at most limit of them, in which case
// nothing is said about which.
func (x *index) bearers(t tag, limit int) []record.ID {
	var out []record.ID
	if t == 0 {
		return nil
	}
	for at := *x.chain(t); at != 0 && len(out) < limit; at = x.entries[at].next {
		if x.entries[at].tag == t {
			out = append(out, x.slots[x.entries[at].slot].id)
		}
	}
	slices.SortFunc(out, record.ID.Compare)
	return out
}
