// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Hello compares what a caller holds with what is stored: which of its segments
// are wanted, which are safe here, and where its own histories stand. A caller
// that has seen a later ledger of this epoch than the store holds shows that the
// store is an older file; the engine then stops accepting (ReasonRolledBack).
func (e *Engine) Hello(ctx context.Context, caller segment.Certificate, q session.HelloRequest) (session.HelloReply, error) {
	if len(q.Offers) > session.MaxOffers || len(q.Asks) > session.MaxOffers || len(q.Certificates) > session.MaxCertificates {
		return session.HelloReply{}, refuse(ReasonTooMuch, "hello", fmt.Errorf("%d offers, %d certificates", len(q.Offers), len(q.Certificates)))
	}
	if err := e.compareLedger(ctx, q.Checkpoint); err != nil {
		return session.HelloReply{}, err
	}
	if err := e.keepCertificates(ctx, q.Certificates); err != nil {
		return session.HelloReply{}, fmt.Errorf("hello: %w", err)
	}
	if err := e.hear(ctx, caller.Replica(), q.Checkpoint); err != nil {
		return session.HelloReply{}, fmt.Errorf("hello: %w", err)
	}
	var reply session.HelloReply
	err := e.view(ctx, func(r Reader) (err error) {
		reply, err = e.hello(r, caller, q)
		return err
	})
	if err != nil {
		return reply, fmt.Errorf("hello: %w", err)
	}
	e.lacking.note(caller.Replica(), reply.Wants)
	return reply, nil
}

func (e *Engine) hello(r Reader, caller segment.Certificate, q session.HelloRequest) (session.HelloReply, error) {
	h, err := e.headOf(r) // the store may be ahead of the engine's head
	if err != nil {
		return session.HelloReply{}, err
	}
	reply := session.HelloReply{Epoch: h.epoch}
	acks := ledger.Acks{Shard: e.shard, Epoch: h.epoch}
	for _, o := range q.Offers {
		head, ok, err := r.Segment(o.Hash)
		if err != nil {
			return reply, err
		}
		if !ok {
			reply.Wants = append(reply.Wants, o.Hash)
			continue
		}
		acks.Segments = append(acks.Segments, ledger.StoredSegment{Hash: o.Hash, Index: head.Index, Position: uint64(head.Position)})
	}
	for _, h := range q.Asks {
		if head, ok, err := r.Segment(h); err != nil {
			return reply, err
		} else if ok {
			acks.Segments = append(acks.Segments, ledger.StoredSegment{Hash: h, Index: head.Index, Position: uint64(head.Position)})
		}
	}
	if reply.Acks, err = e.signAcks(acks); err != nil {
		return reply, err
	}
	if reply.CursorHolds, err = cursorHolds(r, q.Cursor, h); err != nil {
		return reply, err
	}
	reply.Gaps = gapRanges(caller.Replica(), h.acts[actKey{ActGap, string(idBytes(caller.Replica()))}])
	if reply.OwnHeads, err = ownHeads(r, caller.Replica()); err != nil {
		return reply, err
	}
	if reply.Marks, err = e.epochMarks(r, h.epoch); err != nil {
		return reply, err
	}
	if reply.Certificates, err = e.centreCertificates(r); err != nil {
		return reply, err
	}
	reply.Revoked = e.revoked(caller)
	return reply, nil
}

func cursorHolds(r Reader, raw []byte, h head) (bool, error) {
	c, err := decodeCursor(raw)
	if err != nil {
		return false, nil
	}
	return c.holds(r, h)
}

func idBytes(r causal.ReplicaID) []byte { return r[:] }

func ownHeads(r Reader, replica causal.ReplicaID) ([]session.Head, error) {
	heads, err := allSegments(r, replica, 1)
	if err != nil {
		return nil, err
	}
	var out []session.Head
	for _, h := range endsOf(heads) {
		out = append(out, session.Head{Last: h.Last, Hash: h.Hash})
	}
	return out, nil
}

// compareLedger holds a caller's checkpoint against the ledger. One of a later
// epoch, or one that this epoch's ledger does not extend, shows that the file in
// place is an older one.
func (e *Engine) compareLedger(ctx context.Context, raw []byte) error {
	c, err := ledger.OpenCheckpoint(raw, e.cfg.ShardKey.Public())
	shown := len(raw) > 0 && err == nil
	extends, stopped := true, false
	err = e.view(ctx, func(r Reader) (err error) {
		if stopped = e.Stopped(); shown {
			extends, err = e.extends(r, c)
		}
		return err
	})
	if err == nil && !extends {
		stopped, err = e.stop(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	if stopped {
		return refuse(ReasonRolledBack, "hello", errStopped)
	}
	return nil
}

// Witness compares the ledger with a signed checkpoint of this shard that somebody
// kept, as Hello does. Error: ReasonRolledBack when the store holds an older ledger,
// now or since earlier; the engine then takes nothing until a restore.
func (e *Engine) Witness(ctx context.Context, checkpoint []byte) error {
	return e.compareLedger(ctx, checkpoint)
}

// extends reports whether the store's ledger can have come after a checkpoint. It
// asks the store, which may be ahead of the engine's head.
func (e *Engine) extends(r Reader, c ledger.Checkpoint) (bool, error) {
	h, err := e.headOf(r)
	if err != nil || c.Epoch != h.epoch {
		return c.Epoch.Number <= h.epoch.Number, err
	}
	if c.Size > h.size {
		return false, nil
	}
	root, err := ledger.Root(r, c.Size)
	return root == c.Root, err
}

// stop makes the engine refuse until a restore, over restarts, unless the ledger extends the checkpoint after
// all; it reports which. It remembers the epoch that was shown: the next one must come after it.
func (e *Engine) stop(ctx context.Context, shown ledger.Checkpoint) (stopped bool, err error) {
	err = e.update(ctx, func(b *batch) error {
		extends, err := e.extends(b.tx, shown)
		if stopped = b.head.stopped; err != nil || extends {
			return err
		}
		stopped, b.head.stopped, b.changed = true, true, true
		return b.tx.PutValue(valueStopped, []byte(shown.Epoch.String()))
	})
	if err == nil && stopped {
		e.cfg.Log.Error("a caller has seen another ledger than this file holds; not accepting until restore is run", "epoch", shown.Epoch.String())
	}
	return stopped, err
}

// keepCertificates stores certificates that are new here.
func (e *Engine) keepCertificates(ctx context.Context, raws [][]byte) error {
	fresh := false
	err := e.view(ctx, func(r Reader) error {
		for hash := range e.presented(raws) {
			acts, err := r.Acts(ActCertificate, hash[:])
			if err != nil {
				return err
			}
			fresh = fresh || len(acts) == 0
		}
		return nil
	})
	if err != nil || !fresh {
		return err
	}
	return e.update(ctx, func(b *batch) error { return b.present(raws) })
}

// centreCertificates returns the certificates of the centre's replicas.
func (e *Engine) centreCertificates(r ActReader) ([][]byte, error) {
	all, err := e.certificates(r)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, c := range all {
		if c.Role == segment.RoleCentre {
			out = append(out, c.Raw)
		}
	}
	return out, nil
}

// Revoked reports whether a fence is in force on the caller or one it continues.
func (e *Engine) Revoked(ctx context.Context, caller segment.Certificate) (bool, error) {
	if err := e.Refresh(ctx); err != nil {
		return false, err
	}
	return e.revoked(caller), ctx.Err()
}

func (e *Engine) revoked(caller segment.Certificate) bool {
	h := e.snapshot()
	line := h.lineage(caller.Replica())
	if p := caller.Predecessor; !p.IsZero() && !slices.Contains(line, p) { // by a certificate not yet known here
		line = append(line, h.lineage(p)...)
	}
	return slices.ContainsFunc(line, func(r causal.ReplicaID) bool {
		return len(fencesInForce(h.acts[actKey{ActFence, string(idBytes(r))}])) > 0
	})
}

// certificateOf returns the newest certificate of a replica.
func (e *Engine) certificateOf(r ActReader, replica causal.ReplicaID) (segment.Certificate, bool, error) {
	all, err := e.certificates(r)
	if err != nil {
		return segment.Certificate{}, false, err
	}
	var out segment.Certificate
	for _, c := range all {
		if c.Replica() == replica && (out.Raw == nil || c.IssuedAt.After(out.IssuedAt)) {
			out = c
		}
	}
	return out, out.Raw != nil, nil
}

// CertificateOf returns the newest certificate of a replica, or ReasonNotFound.
func (e *Engine) CertificateOf(ctx context.Context, replica causal.ReplicaID) (segment.Certificate, error) {
	var c segment.Certificate
	err := e.view(ctx, func(r Reader) error {
		found, ok, err := e.certificateOf(r, replica)
		if err == nil && !ok {
			err = refuse(ReasonNotFound, "certificate", nil)
		}
		c = found
		return err
	})
	return c, err
}

// Certificate returns the certificate with this hash, or ReasonNotFound.
func (e *Engine) Certificate(ctx context.Context, hash segment.Hash) (segment.Certificate, error) {
	var c segment.Certificate
	err := e.view(ctx, func(r Reader) error {
		found, ok, err := e.certificate(r, hash)
		if err == nil && !ok {
			err = refuse(ReasonNotFound, "certificate", nil)
		}
		c = found
		return err
	})
	return c, err
}

// Certificates returns every certificate known, in order of time, then hash.
func (e *Engine) Certificates(ctx context.Context) ([]segment.Certificate, error) {
	var out []segment.Certificate
	err := e.view(ctx, func(r Reader) (err error) {
		out, err = e.certificates(r)
		return err
	})
	slices.SortFunc(out, func(a, b segment.Certificate) int {
		if c := a.IssuedAt.Compare(b.IssuedAt); c != 0 {
			return c
		}
		return slices.Compare(a.Hash[:], b.Hash[:])
	})
	return out, err
}

// readMarks returns the last two backup marks ever made, signed, oldest first.
func readMarks(r ActReader) ([][]byte, error) {
	raw, _, err := r.Value(valueMarks)
	if err != nil {
		return nil, err
	}
	return decodeList(raw)
}

func (e *Engine) openMark(raw []byte) ledger.BackupMark {
	m, err := ledger.OpenBackupMark(raw, e.cfg.ShardKey.Public())
	if err != nil {
		return ledger.BackupMark{}
	}
	return m
}

// epochMarks returns the marks of one epoch: those of older ones permit no drop.
func (e *Engine) epochMarks(r ActReader, epoch ledger.Epoch) ([][]byte, error) {
	marks, err := readMarks(r)
	return slices.DeleteFunc(marks, func(raw []byte) bool { return e.openMark(raw).Epoch != epoch }), err
}

func lastTwo(marks [][]byte) [][]byte { return marks[max(0, len(marks)-2):] }

// encodeList writes byte strings one after the other, each behind its length.
func encodeList(items [][]byte) []byte {
	var b []byte
	for _, it := range items {
		b = binary.AppendUvarint(b, uint64(len(it)))
		b = append(b, it...)
	}
	return b
}

func decodeList(b []byte) ([][]byte, error) {
	var out [][]byte
	for len(b) > 0 {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return nil, errors.Join(errors.New("list of byte strings"), record.ErrMalformed)
		}
		out = append(out, b[k:k+int(n)])
		b = b[k+int(n):]
	}
	return out, nil
}
