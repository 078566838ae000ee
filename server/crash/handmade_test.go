// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// handmade is a device that keeps in memory all that it was told, to the byte.
type handmade struct {
	t     *testing.T
	cfg   remote.Config
	key   ed25519.PrivateKey
	cert  segment.Certificate
	shard ed25519.PublicKey

	counter uint64
	last    segment.Hash
	waiting [][]byte // segments without an ack, oldest first
	acked   []ledger.StoredSegment

	cursor   []byte
	bases    map[record.ID]session.Base
	position session.Position // the greatest it was shown
}

func newHandmade(t *testing.T, c *centre) *handmade {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	h := &handmade{t: t, key: must(t, key, err), shard: c.county.Engine.ShardKey(), bases: map[record.ID]session.Base{}}
	cert, err := c.county.Engine.Certify(t.Context(), rights("chen", countyCode), key.Public().(ed25519.PublicKey))
	h.cert = must(t, cert, err)
	h.cfg = remote.Config{
		Shard: c.county.Shard(), Pin: c.server.Pin(), Tries: 1,
		Identity: func(context.Context) ([]byte, segment.Signer, error) {
			return h.cert.Raw, segment.KeySigner(h.key), nil
		},
	}
	return h
}

// call calls whoever listens at an address.
func (h *handmade) call(address string, f func(*remote.Centre) error) error {
	cfg := h.cfg
	cfg.Addresses = []string{address}
	r, err := remote.New(cfg)
	if err != nil {
		return err
	}
	return errors.Join(f(r), r.Close())
}

// seal makes a segment of new residents.
func (h *handmade) seal(residents int) {
	h.t.Helper()
	first := h.counter + 1
	var revisions []segment.Sealable
	for range residents {
		h.counter++
		revisions = append(revisions, h.resident())
	}
	s, err := segment.Seal(segment.KeySigner(h.key), segment.Header{
		Shard: h.cfg.Shard, Certificate: h.cert.Hash, First: first, Previous: h.last,
	}, revisions)
	h.last = must(h.t, s, err).Hash()
	h.waiting = append(h.waiting, s.Bytes())
}

func (h *handmade) resident() segment.Sealable {
	h.t.Helper()
	var salt [16]byte
	rand.Read(salt[:])
	now := time.Now()
	id, err := record.MakeID(care.KindResident, now, h.cert.Replica(), salt)
	must(h.t, id, err)
	changes, err := care.Diff(care.KindResident, nil, &carev1.Resident{Name: fmt.Sprintf("居民%d", h.counter)})
	must(h.t, changes, err)
	r := record.Revision{
		Dot: causal.Dot{Replica: h.cert.Replica(), Counter: h.counter}, Record: id, Author: "chen", ClockMs: now.UnixMilli(),
	}
	r.Changes, err = record.Normalise(append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(village))}))
	do(h.t, err)
	r, _, err = r.Seal(salt[:])
	return segment.Sealable{Revision: must(h.t, r, err), Salt: salt}
}

// push hands over, one by one, what is not acknowledged, and keeps the acks.
func (h *handmade) push(address string) error {
	return h.call(address, func(c *remote.Centre) error {
		for len(h.waiting) > 0 {
			reply, err := c.Push(h.t.Context(), session.PushRequest{Segments: h.waiting[:1], Certificates: [][]byte{h.cert.Raw}})
			if err != nil {
				return err
			}
			acks, err := ledger.OpenAcks(reply.Acks, h.shard)
			if err != nil || len(acks.Segments) != 1 {
				return fmt.Errorf("a segment was taken without an ack: %+v, %w", reply.Results, err)
			}
			h.acked = append(h.acked, acks.Segments...)
			h.waiting = h.waiting[1:]
		}
		return nil
	})
}

// wantAcked asks for every segment that was ever acknowledged that it is stored where
// the ack says (B10), and at a position that the feed has reached.
func (h *handmade) wantAcked(c *centre) {
	h.t.Helper()
	end := c.county.Engine.Position()
	do(h.t, c.store.View(h.t.Context(), func(r syncengine.Reader) error {
		for _, a := range h.acked {
			head, ok, err := r.Segment(a.Hash)
			if err != nil {
				return err
			}
			if !ok || head.Index != a.Index || session.Position(a.Position) > end {
				h.t.Errorf("acknowledged %+v; the centre ends at position %d and has %t, %+v", a, end, ok, head)
			}
		}
		return nil
	}))
}

// pull reads small pages from its cursor to the end, again and again until done is
// closed, and once more then.
func (h *handmade) pull(address string, done <-chan struct{}) error {
	return h.call(address, func(c *remote.Centre) error {
		for last := false; ; {
			select {
			case <-done:
				last = true
			default:
			}
			err := c.Pull(h.t.Context(), session.PullRequest{Cursor: h.cursor, PageRecords: 5}, h.page)
			if err != nil || last {
				return err
			}
		}
	})
}

// page applies a page with its cursor. Bases come in order of position, and at the
// end of a pull they are what the centre says they are: a reader never meets half of
// a commit (B9).
func (h *handmade) page(p session.Page) error {
	if !slices.IsSortedFunc(p.Bases, func(a, b session.Base) int { return cmp.Compare(a.Position, b.Position) }) {
		h.t.Error("a page is not in order of position")
	}
	for _, b := range p.Bases {
		if b.Position > h.bases[b.ID].Position {
			h.bases[b.ID] = b
		}
		h.position = max(h.position, b.Position)
	}
	if h.cursor = p.Cursor; p.Last == nil {
		return nil
	}
	if h.position > p.Last.Position {
		h.t.Errorf("position %d was shown and the feed ends at %d", h.position, p.Last.Position)
	}
	if have, want := h.sums(), p.Last.Sums; !sameSums(have, want) {
		h.t.Errorf("a complete pull has %v, and should have %v", have, want)
	}
	return nil
}

// sums adds up what is here, by division.
func (h *handmade) sums() map[record.Division]session.Sum {
	out := map[record.Division]session.Sum{}
	for _, b := range h.bases {
		for _, d := range b.Divisions {
			s := out[d]
			print := record.Fingerprint(b.ID, b.State)
			total := new(big.Int).Add(new(big.Int).SetBytes(s.Total[:]), new(big.Int).SetBytes(print[:]))
			total.Mod(total, new(big.Int).Lsh(big.NewInt(1), 256)).FillBytes(s.Total[:])
			out[d] = session.Sum{Division: d, Class: b.Class, Count: s.Count + 1, Total: s.Total}
		}
	}
	return out
}

func sameSums(have map[record.Division]session.Sum, want []session.Sum) bool {
	for _, s := range want {
		if have[s.Division] != s {
			return false
		}
	}
	return len(have) == len(want)
}
