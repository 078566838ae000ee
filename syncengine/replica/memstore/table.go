// SPDX-License-Identifier: Apache-2.0

package memstore

import "strings"

type entry struct {
	key        string
	head, body []byte
	damaged    bool // the body does not open
}

// table is a sorted set of entries that never changes: with and without return
// another one that shares all untouched nodes. It is a treap whose priorities are
// hashes of the keys, so its form depends on its contents only.
type table struct{ root *node }

type node struct {
	entry
	priority    uint64
	left, right *node
}

// priorityOf mixes the bytes of key (FNV-1a, then a finaliser).
func priorityOf(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h ^= h >> 31
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

func (t table) get(key string) (entry, bool) {
	for n := t.root; n != nil; {
		switch c := strings.Compare(key, n.key); {
		case c == 0:
			return n.entry, true
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	return entry{}, false
}

func (t table) with(e entry) table { return table{t.root.with(e, priorityOf(e.key))} }

func (n *node) with(e entry, priority uint64) *node {
	if n == nil || priority > n.priority {
		left, right := n.split(e.key)
		return &node{e, priority, left, right}
	}
	m := *n
	switch c := strings.Compare(e.key, n.key); {
	case c == 0:
		m.entry = e
	case c < 0:
		m.left = n.left.with(e, priority)
	default:
		m.right = n.right.with(e, priority)
	}
	return &m
}

// split returns what is below key and what is above it.
func (n *node) split(key string) (left, right *node) {
	if n == nil {
		return nil, nil
	}
	m := *n
	switch c := strings.Compare(key, n.key); {
	case c == 0:
		return n.left, n.right
	case c < 0:
		left, m.left = n.left.split(key)
		return left, &m
	}
	m.right, right = n.right.split(key)
	return &m, right
}

func (t table) without(key string) table {
	if _, ok := t.get(key); !ok {
		return t
	}
	return table{t.root.without(key)}
}

// without requires that key is below n.
func (n *node) without(key string) *node {
	m := *n
	switch c := strings.Compare(key, n.key); {
	case c == 0:
		return merge(n.left, n.right)
	case c < 0:
		m.left = n.left.without(key)
	default:
		m.right = n.right.without(key)
	}
	return &m
}

// merge requires that all of left is below all of right.
func merge(left, right *node) *node {
	switch {
	case left == nil:
		return right
	case right == nil:
		return left
	case left.priority > right.priority:
		m := *left
		m.right = merge(left.right, right)
		return &m
	}
	m := *right
	m.left = merge(left, right.left)
	return &m
}

// size returns the number of entries.
func (n *node) size() int {
	if n == nil {
		return 0
	}
	return n.left.size() + 1 + n.right.size()
}

// walk calls f for entries with the prefix and above after, ascending, until f
// returns false.
func (t table) walk(prefix, after string, f func(entry) bool) {
	t.root.walk(prefix, after, f)
}

func (n *node) walk(prefix, after string, f func(entry) bool) bool {
	if n == nil {
		return true
	}
	above := n.key >= prefix && (after == "" || n.key > after)
	if above && !n.left.walk(prefix, after, f) {
		return false
	}
	if above && (!strings.HasPrefix(n.key, prefix) || !f(n.entry)) {
		return false
	}
	return n.right.walk(prefix, after, f)
}
