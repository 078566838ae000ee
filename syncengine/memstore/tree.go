// SPDX-License-Identifier: Apache-2.0

package memstore

import "iter"

// key is what trees are ordered by.
type key[K any] interface{ compare(K) int }

// tree is an ordered map that never changes: put and without return another one
// that shares all untouched nodes. So a snapshot is an assignment, and so is a
// rollback. The zero tree is empty. It is an AVL tree.
type tree[K key[K], V any] struct{ root *node[K, V] }

type node[K key[K], V any] struct {
	key         K
	value       V
	left, right *node[K, V]
	height      int
}

// get returns the value of k and whether there is one.
func (t tree[K, V]) get(k K) (V, bool) {
	for n := t.root; n != nil; {
		switch c := k.compare(n.key); {
		case c == 0:
			return n.value, true
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	var none V
	return none, false
}

// put returns t with v under k.
func (t tree[K, V]) put(k K, v V) tree[K, V] { return tree[K, V]{t.root.put(k, v)} }

// without returns t without k.
func (t tree[K, V]) without(k K) tree[K, V] {
	if _, ok := t.get(k); !ok {
		return t
	}
	return tree[K, V]{t.root.without(k)}
}

// all returns everything in t, ascending.
func (t tree[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.root.walk(nil, yield) }
}

// from returns what stands at k and above, ascending.
func (t tree[K, V]) from(k K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.root.walk(&k, yield) }
}

func (n *node[K, V]) walk(from *K, yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if from != nil && (*from).compare(n.key) > 0 {
		return n.right.walk(from, yield)
	}
	return n.left.walk(from, yield) && yield(n.key, n.value) && n.right.walk(nil, yield)
}

func (n *node[K, V]) put(k K, v V) *node[K, V] {
	if n == nil {
		return &node[K, V]{key: k, value: v, height: 1}
	}
	switch c := k.compare(n.key); {
	case c == 0:
		return &node[K, V]{k, v, n.left, n.right, n.height}
	case c < 0:
		return balanced(n.key, n.value, n.left.put(k, v), n.right)
	default:
		return balanced(n.key, n.value, n.left, n.right.put(k, v))
	}
}

// without requires that k is below n.
func (n *node[K, V]) without(k K) *node[K, V] {
	switch c := k.compare(n.key); {
	case c < 0:
		return balanced(n.key, n.value, n.left.without(k), n.right)
	case c > 0:
		return balanced(n.key, n.value, n.left, n.right.without(k))
	case n.left == nil:
		return n.right
	case n.right == nil:
		return n.left
	}
	next := n.right
	for next.left != nil {
		next = next.left
	}
	return balanced(next.key, next.value, n.left, n.right.without(next.key))
}

func (n *node[K, V]) depth() int {
	if n == nil {
		return 0
	}
	return n.height
}

func made[K key[K], V any](k K, v V, left, right *node[K, V]) *node[K, V] {
	return &node[K, V]{k, v, left, right, 1 + max(left.depth(), right.depth())}
}

// balanced returns a node of parts whose depths differ by two at most.
func balanced[K key[K], V any](k K, v V, left, right *node[K, V]) *node[K, V] {
	switch d := left.depth() - right.depth(); {
	case d > 1 && left.left.depth() >= left.right.depth():
		return made(left.key, left.value, left.left, made(k, v, left.right, right))
	case d > 1:
		m := left.right
		return made(m.key, m.value, made(left.key, left.value, left.left, m.left), made(k, v, m.right, right))
	case d < -1 && right.right.depth() >= right.left.depth():
		return made(right.key, right.value, made(k, v, left, right.left), right.right)
	case d < -1:
		m := right.left
		return made(m.key, m.value, made(k, v, left, m.left), made(right.key, right.value, m.right, right.right))
	}
	return made(k, v, left, right)
}
