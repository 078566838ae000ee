// SPDX-License-Identifier: Apache-2.0

// Package storetest says what a replica.Store owes, as tests. Every
// implementation runs them.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// Run runs the suite. open returns an empty store each time it is called.
func Run(t *testing.T, open func(*testing.T) replica.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, replica.Store)
	}{
		{"what is not there is no error", absent},
		{"a row comes back whole, a scanned one without body", whole},
		{"a row replaces the one with its key", replaced},
		{"a head is replaced without its body", headReplaced},
		{"deleting what is not there does nothing", deleted},
		{"buckets do not see each other", buckets},
		{"a scan is ascending, after, within its prefix and its limit", scanned},
		{"keys of any bytes and lengths keep their order", oddKeys},
		{"a transaction sees its own writes", ownWrites},
		{"a failed update leaves nothing", rolledBack},
		{"a panic in an update leaves nothing and blocks nobody", panicked},
		{"a view sees a snapshot", snapshot},
		{"slices may be kept", kept},
		{"a cancelled context changes nothing", cancelled},
		{"random writes agree with a plain map", random},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

var errNo = errors.New("no")

func view(t *testing.T, s replica.Store, f func(replica.Reader) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func update(t *testing.T, s replica.Store, f func(replica.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, s replica.Store, b replica.Bucket, key, head, body string) {
	t.Helper()
	update(t, s, func(tx replica.Tx) error { return tx.Put(b, row(key, head, body)) })
}

func row(key, head, body string) replica.Row {
	return replica.Row{Key: []byte(key), Head: []byte(head), Body: []byte(body)}
}

func get(t *testing.T, s replica.Store, b replica.Bucket, key string) (head, body string, ok bool) {
	t.Helper()
	view(t, s, func(r replica.Reader) error {
		got, found, err := r.Get(b, []byte(key))
		head, body, ok = string(got.Head), string(got.Body), found
		return err
	})
	return head, body, ok
}

func keys(t *testing.T, s replica.Store, b replica.Bucket, prefix, after string, limit int) []string {
	t.Helper()
	var out []string
	view(t, s, func(r replica.Reader) error {
		var from []byte
		if after != "" {
			from = []byte(after)
		}
		rows, err := r.Scan(b, []byte(prefix), from, limit)
		for _, row := range rows {
			out = append(out, string(row.Key))
		}
		return err
	})
	return out
}

func absent(t *testing.T, s replica.Store) {
	view(t, s, func(r replica.Reader) error {
		if _, ok, err := r.Get(replica.Bases, []byte("k")); ok || err != nil {
			t.Errorf("Get: %v, %v", ok, err)
		}
		if _, ok, err := r.Head(replica.Bases, []byte("k")); ok || err != nil {
			t.Errorf("Head: %v, %v", ok, err)
		}
		rows, err := r.Scan(replica.Bases, nil, nil, 10)
		if len(rows) > 0 {
			t.Errorf("Scan: %d rows", len(rows))
		}
		return err
	})
}

func whole(t *testing.T, s replica.Store) {
	put(t, s, replica.Bases, "k", "head", "body")
	if head, body, ok := get(t, s, replica.Bases, "k"); head != "head" || body != "body" || !ok {
		t.Errorf("Get: %q %q %v", head, body, ok)
	}
	view(t, s, func(r replica.Reader) error {
		if head, ok, _ := r.Head(replica.Bases, []byte("k")); string(head) != "head" || !ok {
			t.Errorf("Head: %q %v", head, ok)
		}
		rows, err := r.Scan(replica.Bases, nil, nil, 10)
		if len(rows) != 1 || string(rows[0].Key) != "k" || string(rows[0].Head) != "head" || rows[0].Body != nil {
			t.Errorf("Scan: %+v", rows)
		}
		return err
	})
}

func replaced(t *testing.T, s replica.Store) {
	put(t, s, replica.Bases, "k", "head", "body")
	put(t, s, replica.Bases, "k", "other", "")
	if head, body, _ := get(t, s, replica.Bases, "k"); head != "other" || body != "" {
		t.Errorf("got %q %q", head, body)
	}
}

func headReplaced(t *testing.T, s replica.Store) {
	put(t, s, replica.Segments, "k", "head", "body")
	update(t, s, func(tx replica.Tx) error {
		return errors.Join(
			tx.PutHead(replica.Segments, []byte("k"), []byte("new")),
			tx.PutHead(replica.Segments, []byte("fresh"), []byte("h")),
		)
	})
	if head, body, _ := get(t, s, replica.Segments, "k"); head != "new" || body != "body" {
		t.Errorf("got %q %q", head, body)
	}
	if head, body, ok := get(t, s, replica.Segments, "fresh"); head != "h" || body != "" || !ok {
		t.Errorf("a head alone: %q %q %v", head, body, ok)
	}
}

func deleted(t *testing.T, s replica.Store) {
	put(t, s, replica.Bases, "k", "", "body")
	for range 2 {
		update(t, s, func(tx replica.Tx) error { return tx.Delete(replica.Bases, []byte("k")) })
	}
	if _, _, ok := get(t, s, replica.Bases, "k"); ok {
		t.Error("still there")
	}
}

func buckets(t *testing.T, s replica.Store) {
	for _, b := range replica.Buckets() {
		put(t, s, b, "k", fmt.Sprint(b), "")
	}
	for _, b := range replica.Buckets() {
		if head, _, _ := get(t, s, b, "k"); head != fmt.Sprint(b) {
			t.Errorf("bucket %d has %q", b, head)
		}
	}
}

func scanned(t *testing.T, s replica.Store) {
	for _, k := range []string{"b2", "a", "b", "c", "b1", "b3", "ba"} {
		put(t, s, replica.Places, k, "", "")
	}
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          string
	}{
		{"", "", 10, "a b b1 b2 b3 ba c"},
		{"b", "", 10, "b b1 b2 b3 ba"},
		{"b", "", 2, "b b1"},
		{"b", "b1", 2, "b2 b3"},
		{"b", "b11", 10, "b2 b3 ba"},
		{"b", "ba", 10, ""},
		{"b", "a", 10, "b b1 b2 b3 ba"},
		{"b", "x", 10, ""},
		{"x", "", 10, ""},
		{"", "c", 10, ""},
	} {
		if got := strings.Join(keys(t, s, replica.Places, c.prefix, c.after, c.limit), " "); got != c.want {
			t.Errorf("prefix %q after %q limit %d: %q, want %q", c.prefix, c.after, c.limit, got, c.want)
		}
	}
}

func oddKeys(t *testing.T, s replica.Store) {
	want := []string{"\x00", "\x00\x00", "\x00\xff", "\x7f", "\x80", "\xff", "\xff\x00", "\xff\xff", "\xff\xff\xff"}
	for _, k := range slices.Backward(want) {
		put(t, s, replica.Places, k, "", "")
	}
	if got := keys(t, s, replica.Places, "", "", 100); !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
	if got := keys(t, s, replica.Places, "\xff", "", 100); !slices.Equal(got, want[5:]) {
		t.Errorf("prefix ff: %q", got)
	}
}

func ownWrites(t *testing.T, s replica.Store) {
	put(t, s, replica.Places, "a", "", "")
	update(t, s, func(tx replica.Tx) error {
		if err := errors.Join(tx.Put(replica.Places, row("b", "h", "x")), tx.Delete(replica.Places, []byte("a"))); err != nil {
			return err
		}
		got, ok, err := tx.Get(replica.Places, []byte("b"))
		if !ok || string(got.Body) != "x" {
			t.Errorf("own write: %+v %v", got, ok)
		}
		rows, serr := tx.Scan(replica.Places, nil, nil, 10)
		if len(rows) != 1 || string(rows[0].Key) != "b" {
			t.Errorf("scan in a transaction: %+v", rows)
		}
		return errors.Join(err, serr)
	})
}

func rolledBack(t *testing.T, s replica.Store) {
	put(t, s, replica.Bases, "old", "h", "b")
	err := s.Update(t.Context(), func(tx replica.Tx) error {
		return errors.Join(
			tx.Put(replica.Bases, row("new", "", "")), tx.PutHead(replica.Bases, []byte("old"), []byte("x")),
			tx.Delete(replica.Bases, []byte("old")), errNo,
		)
	})
	if !errors.Is(err, errNo) {
		t.Errorf("error %v", err)
	}
	if head, body, ok := get(t, s, replica.Bases, "old"); head != "h" || body != "b" || !ok {
		t.Errorf("old row: %q %q %v", head, body, ok)
	}
	if _, _, ok := get(t, s, replica.Bases, "new"); ok {
		t.Error("new row stayed")
	}
}

func panicked(t *testing.T, s replica.Store) {
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(t.Context(), func(tx replica.Tx) error {
			_ = tx.Put(replica.Bases, row("k", "", ""))
			panic("in an update")
		})
	}()
	put(t, s, replica.Bases, "other", "", "")
	if _, _, ok := get(t, s, replica.Bases, "k"); ok {
		t.Error("a row of the update that panicked is there")
	}
}

func snapshot(t *testing.T, s replica.Store) {
	put(t, s, replica.Bases, "k", "1", "")
	view(t, s, func(r replica.Reader) error {
		done := make(chan error)
		go func() {
			done <- s.Update(t.Context(), func(tx replica.Tx) error { return tx.Put(replica.Bases, row("k", "2", "")) })
		}()
		if err := <-done; err != nil {
			return err
		}
		head, _, err := r.Head(replica.Bases, []byte("k"))
		if string(head) != "1" {
			t.Errorf("a view saw %q, written after it began", head)
		}
		return err
	})
	if head, _, _ := get(t, s, replica.Bases, "k"); head != "2" {
		t.Errorf("afterwards %q", head)
	}
}

func kept(t *testing.T, s replica.Store) {
	put(t, s, replica.Bases, "k", "head", "body")
	var r replica.Row
	var rows []replica.Row
	view(t, s, func(tx replica.Reader) (err error) {
		if r, _, err = tx.Get(replica.Bases, []byte("k")); err == nil {
			rows, err = tx.Scan(replica.Bases, nil, nil, 1)
		}
		return err
	})
	for i := range 100 {
		put(t, s, replica.Bases, "k", strings.Repeat("x", i), strings.Repeat("y", i))
	}
	if string(r.Head) != "head" || string(r.Body) != "body" || string(rows[0].Key) != "k" || string(rows[0].Head) != "head" {
		t.Errorf("kept slices changed: %q %q %q", r.Head, r.Body, rows[0].Head)
	}
}

func cancelled(t *testing.T, s replica.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(ctx, func(tx replica.Tx) error { return tx.Put(replica.Bases, row("k", "", "")) }); err == nil {
		t.Error("an update succeeded under a cancelled context")
	}
	put(t, s, replica.Bases, "other", "", "")
	if _, _, ok := get(t, s, replica.Bases, "k"); ok {
		t.Error("written under a cancelled context")
	}
}

// random writes many rows and compares with a map after every transaction.
func random(t *testing.T, s replica.Store) {
	const seed = 7
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, seed))
	model := map[string][2]string{}
	for range 200 {
		next := maps.Clone(model)
		fail := rnd.IntN(5) == 0
		err := s.Update(t.Context(), func(tx replica.Tx) error {
			for range rnd.IntN(20) {
				if err := randomWrite(rnd, tx, next); err != nil {
					return err
				}
			}
			if fail {
				return errNo
			}
			return nil
		})
		if err != nil && !fail {
			t.Fatal(err)
		}
		if !fail {
			model = next
		}
		compare(t, rnd, s, model)
	}
}

func randomWrite(rnd *rand.Rand, tx replica.Tx, model map[string][2]string) error {
	key := fmt.Sprintf("%0*b", 1+rnd.IntN(9), rnd.IntN(400))
	head := fmt.Sprint(rnd.IntN(1000))
	switch rnd.IntN(4) {
	case 0:
		delete(model, key)
		return tx.Delete(replica.Bases, []byte(key))
	case 1:
		model[key] = [2]string{head, model[key][1]}
		return tx.PutHead(replica.Bases, []byte(key), []byte(head))
	}
	model[key] = [2]string{head, key + head}
	return tx.Put(replica.Bases, row(key, head, key+head))
}

func compare(t *testing.T, rnd *rand.Rand, s replica.Store, model map[string][2]string) {
	t.Helper()
	prefix := strings.Repeat("1", rnd.IntN(3))
	var want []string
	for _, k := range slices.Sorted(maps.Keys(model)) {
		if strings.HasPrefix(k, prefix) {
			want = append(want, k)
		}
	}
	limit := 1 + rnd.IntN(1000)
	if got := keys(t, s, replica.Bases, prefix, "", limit); !slices.Equal(got, want[:min(limit, len(want))]) {
		t.Fatalf("prefix %q: %q, want %q", prefix, got, want)
	}
	view(t, s, func(r replica.Reader) error {
		for k, v := range model {
			got, ok, err := r.Get(replica.Bases, []byte(k))
			if err != nil || !ok || string(got.Head) != v[0] || !bytes.Equal(got.Body, []byte(v[1])) {
				t.Fatalf("row %q: %q %q %v %v, want %q", k, got.Head, got.Body, ok, err, v)
			}
		}
		return nil
	})
}
