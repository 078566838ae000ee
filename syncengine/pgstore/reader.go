// SPDX-License-Identifier: Apache-2.0

package pgstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// reader answers questions about one shard in one transaction.
type reader struct {
	ctx   context.Context
	q     pgx.Tx
	shard []byte
}

// Mark counts the commits that the snapshot has.
func (r *reader) Mark() (uint64, error) {
	var n int64
	ok, err := r.one(sqlCommits, []any{r.shard}, &n)
	if err == nil && !ok {
		err = ErrNoShard
	}
	return uint64(n), err
}

// question is SQL in the making.
type question struct {
	text strings.Builder
	args []any
}

func ask(text string, args ...any) *question {
	q := &question{args: args}
	q.text.WriteString(text)
	return q
}

// add appends SQL with one more argument, which stands at each "?".
func (q *question) add(text string, arg any) {
	q.args = append(q.args, arg)
	q.text.WriteString(strings.ReplaceAll(text, "?", "$"+strconv.Itoa(len(q.args))))
}

// among appends a condition that a column is one of these.
func (q *question) among(column string, classes []record.Class) {
	q.text.WriteString(" AND " + column + " IN (")
	for i, c := range classes {
		if i > 0 {
			q.text.WriteByte(',')
		}
		q.add("?", int16(c))
	}
	q.text.WriteByte(')')
}

// one reads the only row of an answer into to; ok is false when there is none.
func (r *reader) one(text string, args []any, to ...any) (ok bool, err error) {
	err = r.q.QueryRow(r.ctx, text, args...).Scan(to...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls f for each row of an answer, after it was read into to.
func (r *reader) each(q *question, to []any, f func() error) error {
	rows, err := r.q.Query(r.ctx, q.text.String(), q.args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, to, f)
	return err
}

func atLeastOne(limit int) error {
	if limit < 1 {
		return fmt.Errorf("a limit of %d", limit)
	}
	return nil
}

// signed returns a position as the database has it; greater ones than it can have are the
// greatest.
func signed(p syncengine.Position) int64 { return int64(min(p, math.MaxInt64)) }

func divisionsText(all []record.Division) []byte {
	b := []byte{}
	for _, d := range all {
		b = append(append(b, ' '), d...)
	}
	return b
}

func divisionsOf(text []byte) []record.Division {
	var out []record.Division
	for _, d := range strings.Fields(string(text)) {
		out = append(out, record.Division(d))
	}
	return out
}

func counter(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Size returns the number of leaves.
func (r *reader) Size() (ledger.Size, error) {
	var n int64
	_, err := r.one(`SELECT size FROM xz_shards WHERE shard = $1`, []any{r.shard}, &n)
	return ledger.Size(n), err
}

// Leaf returns a leaf as it was written.
func (r *reader) Leaf(i ledger.Index) (leaf []byte, ok bool, err error) {
	ok, err = r.one(`SELECT bytes FROM xz_leaves WHERE shard = $1 AND leaf = $2`, []any{r.shard, int64(i)}, &leaf)
	return leaf, ok, err
}

// ReadHashes returns stored tree hashes, or an error if one is not stored.
func (r *reader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	if len(indexes) == 0 {
		return nil, nil
	}
	q := ask(`SELECT number, hash FROM xz_tree_hashes WHERE shard = $1 AND number IN (0`, r.shard)
	for _, n := range indexes {
		q.text.WriteString("," + strconv.FormatInt(n, 10))
	}
	q.text.WriteString(")")
	found := make(map[int64]tlog.Hash, len(indexes))
	var number int64
	var hash []byte
	if err := r.each(q, []any{&number, &hash}, func() error {
		found[number] = tlog.Hash(hash)
		return nil
	}); err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		h, ok := found[n]
		if !ok {
			return nil, fmt.Errorf("tree hash %d: not stored", n)
		}
		out[i] = h
	}
	return out, nil
}

// Acts returns the acts of a family about a key, in order of key, dot, body.
func (r *reader) Acts(f syncengine.ActFamily, key []byte) ([]syncengine.Act, error) {
	q := ask(`SELECT key, dot, body FROM xz_acts WHERE shard = $1 AND family = $2`, r.shard, int16(f))
	if key != nil {
		q.add(" AND key = ?", key)
	}
	q.text.WriteString(" ORDER BY key, dot, body")
	var out []syncengine.Act
	var k, dot, body []byte
	err := r.each(q, []any{&k, &dot, &body}, func() error {
		d, _, err := causal.DecodeDot(dot)
		out = append(out, syncengine.Act{Family: f, Key: k, Dot: d, Body: body})
		k, dot, body = nil, nil, nil
		return err
	})
	return out, err
}

// Value returns a single named value.
func (r *reader) Value(name string) (value []byte, ok bool, err error) {
	ok, err = r.one(`SELECT value FROM xz_named_values WHERE shard = $1 AND name = $2`, []any{r.shard, []byte(name)}, &value)
	return value, ok, err
}
