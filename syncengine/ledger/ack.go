// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// The domains of this package. Checkpoints are notes: their origin line does it.
const (
	DomainAcks   segment.Domain = "xunzhen/acks/1"
	DomainBackup segment.Domain = "xunzhen/backup/1"
)

// Acks say that segments are stored for good: committed and on disk.
type Acks struct {
	Shard    segment.ShardID
	Epoch    Epoch
	Segments []StoredSegment
}

// StoredSegment is one acknowledged segment.
type StoredSegment struct {
	Hash  segment.Hash
	Index Index
	// Position is that of the feed after the segment's commit: a cursor at or past
	// it has seen the segment's effect.
	Position uint64
}

// BackupMark says that a verified backup covers the ledger up to a size.
type BackupMark struct {
	Shard      segment.ShardID
	Epoch      Epoch
	Number     uint64 // of the backup in the shard's life, from 1, ascending
	LedgerSize Size   // the backup covers the leaves below
	VerifiedAt time.Time
}

// SignAcks returns a serialised syncv1.Acks. It returns an error unless the key
// is that of the acks' shard, the epoch has a number and no index is negative.
func SignAcks(a Acks, shard segment.Signer) ([]byte, error) {
	if err := checkOwn(a.Shard, a.Epoch, shard); err != nil {
		return nil, fmt.Errorf("sign acks: %w", err)
	}
	m := &syncv1.AcksBody{Shard: a.Shard[:], Epoch: epochToWire(a.Epoch)}
	for _, s := range a.Segments {
		if s.Index < 0 {
			return nil, fmt.Errorf("sign acks: index %d", s.Index)
		}
		m.Segments = append(m.Segments, &syncv1.StoredSegment{
			SegmentHash: s.Hash[:],
			LedgerIndex: uint64(s.Index),
			Position:    s.Position,
		})
	}
	return sign(m, DomainAcks, shard)
}

// OpenAcks reads acks of the shard with the given key. Its error wraps
// segment.ErrSignature when another key signed them, else ErrUnreadable.
func OpenAcks(raw []byte, shard ed25519.PublicKey) (Acks, error) {
	var m syncv1.AcksBody
	if err := open(raw, DomainAcks, shard, &m); err != nil {
		return Acks{}, err
	}
	epoch, err := epochFromWire(m.Epoch, m.Shard, shard)
	if err != nil {
		return Acks{}, err
	}
	a := Acks{Shard: segment.ShardOf(shard), Epoch: epoch}
	for _, s := range m.Segments {
		if len(s.SegmentHash) != len(segment.Hash{}) || s.LedgerIndex > math.MaxInt64 {
			return Acks{}, fmt.Errorf("acks: segment: %w", ErrUnreadable)
		}
		a.Segments = append(a.Segments, StoredSegment{segment.Hash(s.SegmentHash), Index(s.LedgerIndex), s.Position})
	}
	return a, nil
}

// SignBackupMark returns a serialised syncv1.BackupMark. Its time is cut to whole
// milliseconds. It returns an error as SignAcks does, and for number 0.
func SignBackupMark(b BackupMark, shard segment.Signer) ([]byte, error) {
	if err := checkOwn(b.Shard, b.Epoch, shard); err != nil {
		return nil, fmt.Errorf("sign backup mark: %w", err)
	}
	if b.Number == 0 || b.LedgerSize < 0 {
		return nil, fmt.Errorf("sign backup mark %d of %d leaves", b.Number, b.LedgerSize)
	}
	return sign(&syncv1.BackupMarkBody{
		Shard:        b.Shard[:],
		Epoch:        epochToWire(b.Epoch),
		Number:       b.Number,
		LedgerSize:   uint64(b.LedgerSize),
		VerifiedAtMs: b.VerifiedAt.UnixMilli(),
	}, DomainBackup, shard)
}

// OpenBackupMark reads a backup mark of the shard with the given key. Its error is
// as that of OpenAcks.
func OpenBackupMark(raw []byte, shard ed25519.PublicKey) (BackupMark, error) {
	var m syncv1.BackupMarkBody
	if err := open(raw, DomainBackup, shard, &m); err != nil {
		return BackupMark{}, err
	}
	epoch, err := epochFromWire(m.Epoch, m.Shard, shard)
	if err != nil {
		return BackupMark{}, err
	}
	if m.Number == 0 || m.LedgerSize > math.MaxInt64 {
		return BackupMark{}, fmt.Errorf("backup mark %d of %d leaves: %w", m.Number, m.LedgerSize, ErrUnreadable)
	}
	return BackupMark{
		Shard:      segment.ShardOf(shard),
		Epoch:      epoch,
		Number:     m.Number,
		LedgerSize: Size(m.LedgerSize),
		VerifiedAt: time.UnixMilli(m.VerifiedAtMs).UTC(),
	}, nil
}

// checkOwn returns an error unless the signer may speak for shard in epoch.
func checkOwn(shard segment.ShardID, epoch Epoch, signer segment.Signer) error {
	if segment.ShardOf(signer.Public()) != shard {
		return fmt.Errorf("the signer is not shard %s", shard)
	}
	if epoch.Number == 0 {
		return errors.New("epoch without number")
	}
	return nil
}

func sign(m proto.Message, d segment.Domain, shard segment.Signer) ([]byte, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	return segment.SignBody(shard, d, body).Encode(), nil
}

// open reads a body into m after its signature was found good, so that nobody but
// the shard can make it work.
func open(raw []byte, d segment.Domain, shard ed25519.PublicKey, m proto.Message) error {
	signed, err := segment.DecodeSigned(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", d, err)
	}
	if err := signed.Verify(shard, d); err != nil {
		return err
	}
	if err := proto.Unmarshal(signed.Body, m); err != nil {
		return fmt.Errorf("%s: %v: %w", d, err, ErrUnreadable)
	}
	return nil
}

func epochToWire(e Epoch) *syncv1.Epoch { return &syncv1.Epoch{Number: e.Number, Name: e.Name[:]} }

// epochFromWire reads an epoch and checks that its shard is the one whose key signed.
func epochFromWire(m *syncv1.Epoch, shard []byte, key ed25519.PublicKey) (Epoch, error) {
	if id := segment.ShardOf(key); string(shard) != string(id[:]) {
		return Epoch{}, fmt.Errorf("of another shard: %w", ErrUnreadable)
	}
	if m.GetNumber() == 0 || len(m.GetName()) != len(Epoch{}.Name) {
		return Epoch{}, fmt.Errorf("epoch: %w", ErrUnreadable)
	}
	return Epoch{m.Number, [8]byte(m.Name)}, nil
}
