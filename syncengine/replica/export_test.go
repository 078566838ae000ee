// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Mutant is one rule taken wrongly, as a tempting alternative would take it. Each
// must be caught by some test.
type Mutant struct {
	Name    string
	distort func(*rules)
}

// Mutate lets r decide as the mutant does.
func Mutate(r *Replica, m Mutant) {
	r.rules = lawful
	m.distort(&r.rules)
}

// Mutants are all wrong rules of this package.
var Mutants = []Mutant{
	{"base chosen by dominance after a restore", func(r *rules) {
		r.replaces = func(o offered) bool {
			if o.departed || o.here.status != baseLive {
				return lawfulReplaces(o)
			}
			return o.state().VV.Contains(o.old().VV)
		}
	}},
	{"base chosen wrongly: a hub's is taken whatever its position", func(r *rules) {
		r.replaces = func(offered) bool { return true }
	}},
	{"departed record re-appearing from pieces", func(r *rules) {
		r.shows = func(piece) bool { return true }
	}},
	{"sweep without a departed mark", func(r *rules) {
		r.unnamed = func(b baseRow, _ named) (baseRow, bool) { return b, false }
	}},
	{"own save judged by a head that is not his", func(r *rules) {
		r.received = func(s record.State, d causal.Dot) bool {
			for _, o := range s.VV {
				if o.Replica == d.Replica && o.Counter >= d.Counter {
					return true
				}
			}
			return false
		}
	}},
	{"drop before the cursor passed the ack", func(r *rules) {
		r.droppable = func(k kept) bool {
			k.passed = passedRow{epoch: k.epoch, position: 1 << 62}
			return lawfulDroppable(k)
		}
	}},
	{"drop after one backup", func(r *rules) {
		r.droppable = func(k kept) bool {
			if n := len(k.marks); n > 0 {
				one := k.marks[n-1]
				before := one
				before.Number--
				k.marks = append(k.marks[:0:0], before, one)
			}
			return lawfulDroppable(k)
		}
	}},
	{"dot re-used", func(r *rules) {
		r.counter = func(last uint64) uint64 { return max(last, 1) }
	}},
	{"clock merged from others", func(r *rules) {
		r.clock = func(last, now int64, seen func() int64) int64 { return max(last+1, now, seen()+1) }
	}},
	{"lent save kept after the base received it", func(r *rules) {
		r.lent = func(l borrowed) bool {
			l.received = false
			return lawfulLent(l)
		}
	}},
	{"lent save kept after the cursor passed the ack", func(r *rules) {
		r.lent = func(l borrowed) bool {
			l.ack = ackRow{}
			return lawfulLent(l)
		}
	}},
	{"lent save shown whoever its author is", func(r *rules) {
		r.entitled = func(cert segment.Certificate, _ string, class record.Class, d record.Division) bool {
			return lawfulEntitled(cert, cert.Staff[0], class, d)
		}
	}},
	{"lent whatever the scope", func(r *rules) {
		r.lends = func(l lending) bool { return l.holder.AllowsClass(l.class) }
	}},
	{"lent whatever the class", func(r *rules) {
		r.lends = func(l lending) bool {
			l.class, l.base.class = record.ClassEveryone, record.ClassEveryone
			return lawfulLends(l)
		}
	}},
	{"fork not looked for", func(r *rules) {
		r.foreign = func([]session.Head, func(segment.Hash) bool) bool { return false }
	}},
}

// MutantNamed returns a mutant by name.
func MutantNamed(name string) Mutant {
	for _, m := range Mutants {
		if m.Name == name {
			return m
		}
	}
	panic("no mutant " + name)
}

// ForgetSegment removes a segment as a failing disk would: its row and nothing else.
func ForgetSegment(tx Tx, h segment.Hash) error { return tx.Delete(Segments, h[:]) }
