// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// errGivenUp ends updates that the generator wants to see rolled back.
var errGivenUp = errors.New("given up on purpose")

// A Random makes random updates and questions from a seed, over a small world, so
// that they often meet: 24 records, 4 replicas, 3 divisions, 8 values. The same
// seed makes the same calls.
type Random struct {
	rnd      *rand.Rand
	position syncengine.Position
}

// NewRandom returns the generator of a seed.
func NewRandom(seed uint64) *Random { return &Random{rnd: rand.New(rand.NewPCG(seed, 0))} }

// Compare runs so many random updates on both stores, a fifth of them rolled
// back, and asks both the same questions inside and after each. It stops the test
// at the first difference and prints the seed.
func Compare(t *testing.T, seed uint64, updates int, oracle, subject syncengine.Store) {
	t.Helper()
	t.Logf("seed %d", seed)
	g := NewRandom(seed)
	for n := range updates {
		if err := g.UpdateBoth(oracle, subject); err != nil {
			t.Fatalf("seed %d, update %d: %v", seed, n, err)
		}
		if err := g.askBoth(oracle, subject, n%8 == 0 || n == updates-1); err != nil {
			t.Fatalf("seed %d, after update %d: %v", seed, n, err)
		}
	}
}

// UpdateBoth makes one random update on both stores and asks both the same
// questions after each write. It returns the first difference, or an error of one
// of them.
func (g *Random) UpdateBoth(oracle, subject syncengine.Store) error {
	before := g.position
	err := oracle.Update(context.Background(), func(a syncengine.Tx) error {
		return subject.Update(context.Background(), func(b syncengine.Tx) error {
			for range 1 + g.rnd.IntN(12) {
				if err := g.writeBoth(a, b); err != nil {
					return err
				}
			}
			if g.rnd.IntN(5) == 0 {
				return errGivenUp
			}
			return nil
		})
	})
	if errors.Is(err, errGivenUp) {
		g.position = before
		return nil
	}
	return err
}

func (g *Random) writeBoth(a, b syncengine.Tx) error {
	op, err := g.write(a)
	if err != nil {
		return err
	}
	errA, errB := op.do(a), op.do(b)
	if (errA == nil) != (errB == nil) {
		return fmt.Errorf("%s: the oracle says %v, the store %v", op.what, errA, errB)
	}
	if errA != nil {
		return errGivenUp
	}
	q := g.question()
	if d := answers(q, a, b); d != "" {
		return fmt.Errorf("%s, after %s (-oracle +store): %s", q.what, op.what, d)
	}
	return nil
}

func (g *Random) askBoth(oracle, subject syncengine.Store, whole bool) error {
	return oracle.View(context.Background(), func(a syncengine.Reader) error {
		return subject.View(context.Background(), func(b syncengine.Reader) error {
			for range 6 {
				q := g.question()
				if d := answers(q, a, b); d != "" {
					return fmt.Errorf("%s (-oracle +store): %s", q.what, d)
				}
			}
			if !whole {
				return nil
			}
			q := question{"everything", func(r syncengine.Reader) (any, error) { return ReadWorld(r) }}
			if d := answers(q, a, b); d != "" {
				return fmt.Errorf("%s (-oracle +store): %s", q.what, d)
			}
			return nil
		})
	})
}

// Update makes one random update of up to 12 writes on s. It returns the error of
// s only.
func (g *Random) Update(s syncengine.Store) error {
	before := g.position
	err := s.Update(context.Background(), func(tx syncengine.Tx) error {
		for range 1 + g.rnd.IntN(12) {
			op, err := g.write(tx)
			if err != nil {
				return err
			}
			if err := op.do(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		g.position = before
	}
	return err
}

// ReadWorld returns all that r sees of the world that generators write.
func ReadWorld(r syncengine.Reader) (Contents, error) {
	var ids []record.ID
	for n := range 24 {
		ids = append(ids, worldID(n))
	}
	var names []string
	for n := range 8 {
		names = append(names, worldName(n))
	}
	return Read(r, ids, names)
}

func worldID(n int) record.ID { return sampleID([]record.Kind{resident, homeVisit, 18}[n%3], n) }

func worldName(n int) string { return "value/" + string(rune('a'+n)) }

func (g *Random) id() record.ID { return worldID(g.rnd.IntN(24)) }

func (g *Random) division() record.Division {
	return []record.Division{village, neighbour, elsewhere}[g.rnd.IntN(3)]
}

func (g *Random) class() record.Class { return record.Class(g.rnd.IntN(3)) }

func (g *Random) replica() causal.ReplicaID { return sampleReplica(byte(g.rnd.IntN(4))) }

func (g *Random) dot() causal.Dot { return sampleDot(byte(g.rnd.IntN(4)), g.counter()) }

// counter is mostly small, rarely beyond what a signed number holds.
func (g *Random) counter() uint64 {
	if g.rnd.IntN(20) == 0 {
		return math.MaxUint64 - uint64(g.rnd.IntN(3))
	}
	return uint64(1 + g.rnd.IntN(40))
}

// bytes returns fewer than most bytes, nil when none.
func (g *Random) bytes(most int) []byte {
	n := g.rnd.IntN(most)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.rnd.UintN(256))
	}
	return b
}

func (g *Random) hashes(size ledger.Size) []tlog.Hash {
	out := make([]tlog.Hash, tlog.StoredHashCount(int64(size)+1)-tlog.StoredHashCount(int64(size)))
	for i := range out {
		copy(out[i][:], g.bytes(33))
	}
	return out
}
