// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// key returns a signer that is the same in every run.
func key(name string) Signer {
	seed := sha256.Sum256([]byte(name))
	return KeySigner(ed25519.NewKeyFromSeed(seed[:]))
}

func salt(n uint64) [16]byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "salt %d", n))
	return [16]byte(sum[:16])
}

func recordID(t testing.TB, name string) record.ID {
	t.Helper()
	sum := sha256.Sum256([]byte(name))
	id, err := record.NewID(18, time.UnixMilli(1_790_000_000_000), bytes.NewReader(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// chart makes the saves of one replica: it keeps counters and prev as a tablet does.
type chart struct {
	t       testing.TB
	replica causal.ReplicaID
	next    uint64
	last    map[record.ID]record.Prev
	dots    []causal.Dot
}

func newChart(t testing.TB, signer Signer) *chart {
	return &chart{t: t, replica: causal.ReplicaOf(signer.Public()), next: 1, last: map[record.ID]record.Prev{}}
}

// save returns the next revision. Its scope was seen unless the record is new.
func (c *chart) save(id record.ID, changes ...record.Change) Sealable {
	c.t.Helper()
	changes, err := record.Normalise(changes)
	if err != nil {
		c.t.Fatal(err)
	}
	rev := record.Revision{
		Dot:     causal.Dot{Replica: c.replica, Counter: c.next},
		Record:  id,
		Prev:    c.last[id],
		ClockMs: 1_790_000_000_000 + int64(c.next)*61_000,
		Author:  fmt.Sprintf("doctor-%d", c.next%3),
		Changes: changes,
	}
	if rev.Prev.Counter > 0 {
		rev.ScopeSeen = record.ScopeSeen{Dot: rev.PrevDot(), Division: "512301001001"}
	}
	s := Sealable{Revision: rev, Salt: salt(c.next)}
	if s.Revision, _, err = rev.Seal(s.Salt[:]); err != nil {
		c.t.Fatal(err)
	}
	c.next++
	c.last[id] = record.Prev{Counter: rev.Dot.Counter, Hash: s.Revision.Dot.Hash}
	c.dots = append(c.dots, s.Revision.Dot)
	return s
}

// form returns the changes of a follow-up of fields registers, about size bytes of
// values, that replaces the given dots everywhere.
func form(fields, size int, parents ...causal.Dot) []record.Change {
	out := []record.Change{
		{Path: record.PathScope, Value: record.Of([]byte("512301001001")), Parents: parents},
		{Path: record.PathLife, Value: record.Of([]byte{1}), Parents: parents},
	}
	for f := range fields {
		value := bytes.Repeat([]byte{byte(f + 1)}, size/fields)
		out = append(out, record.Change{Path: record.Field(uint32(f + 1)), Value: record.Of(value), Parents: parents})
	}
	return out
}

// saves returns n saves with different bodies: every third one edits a record, the
// others make new ones.
func saves(t testing.TB, signer Signer, n, fields, size int) []Sealable {
	c := newChart(t, signer)
	out := make([]Sealable, n)
	for i := range out {
		id, changes := recordID(t, fmt.Sprint(i)), form(fields, size)
		if i%3 == 2 {
			before := out[i-1].Revision
			id, changes = before.Record, form(fields, size, before.Dot)
		}
		changes[2].Value.Bytes = fmt.Appendf(changes[2].Value.Bytes, "save %d", i)
		out[i] = c.save(id, changes...)
	}
	return out
}

// tiny returns n saves as short as saves can be.
func tiny(t testing.TB, n int) []Sealable {
	c := newChart(t, key("tablet"))
	out := make([]Sealable, n)
	for i := range out {
		out[i] = c.save(recordID(t, fmt.Sprint(i)), record.Change{Path: record.Field(1)})
	}
	return out
}

func header() Header {
	return Header{Shard: ShardOf(key("county").Public()), Certificate: sha256.Sum256([]byte("certificate")), First: 1}
}

func sealed(t testing.TB, n int) *Segment {
	t.Helper()
	s, err := Seal(key("tablet"), header(), saves(t, key("tablet"), n, 6, 60))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
