// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// Gap is a replica's own word that it lost a run of its saves.
type Gap struct {
	Shard       ShardID
	Certificate Hash // shows the replica's key
	Range       causal.Range
	Raw         []byte // a serialised syncv1.GapStatement
}

// NewGap states that the signer's replica lost the saves in lost. It returns an
// error unless lost is a run of the signer's own counters.
func NewGap(signer Signer, shard ShardID, certificate Hash, lost causal.Range) (Gap, error) {
	if lost.Replica != causal.ReplicaOf(signer.Public()) {
		return Gap{}, fmt.Errorf("gap of %s: the signer is another replica", lost.Replica)
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&syncv1.GapBody{
		Shard:           shard[:],
		Replica:         lost.Replica[:],
		CertificateHash: certificate[:],
		FromCounter:     lost.From,
		ToCounter:       lost.To,
	})
	if err != nil {
		return Gap{}, fmt.Errorf("gap: %w", err)
	}
	return ParseGap(SignBody(signer, DomainGap, body).Encode())
}

// ParseGap reads a gap statement. It does not check the signature. Its error
// wraps ErrUnreadable.
func ParseGap(raw []byte) (Gap, error) {
	if len(raw) > maxPaper {
		return Gap{}, fmt.Errorf("gap of %d bytes: %w", len(raw), ErrUnreadable)
	}
	signed, err := DecodeSigned(raw)
	if err != nil {
		return Gap{}, fmt.Errorf("gap: %w", err)
	}
	var m syncv1.GapBody
	if err := proto.Unmarshal(signed.Body, &m); err != nil {
		return Gap{}, fmt.Errorf("gap: %v: %w", err, ErrUnreadable)
	}
	if len(m.Shard) != 16 || len(m.Replica) != 16 || len(m.CertificateHash) != 32 {
		return Gap{}, fmt.Errorf("gap: length of a field: %w", ErrUnreadable)
	}
	if m.FromCounter == 0 || m.ToCounter < m.FromCounter || m.ToCounter > MaxCounter {
		return Gap{}, fmt.Errorf("gap %d..%d: %w", m.FromCounter, m.ToCounter, ErrUnreadable)
	}
	return Gap{
		Shard:       ShardID(m.Shard),
		Certificate: Hash(m.CertificateHash),
		Range:       causal.Range{Replica: causal.ReplicaID(m.Replica), From: m.FromCounter, To: m.ToCounter},
		Raw:         slices.Clone(raw),
	}, nil
}

// Verify returns an error that wraps ErrSignature unless pub is the key of the
// gap's replica and signed it.
func (g Gap) Verify(pub ed25519.PublicKey) error {
	signed, err := DecodeSigned(g.Raw)
	if err != nil {
		return fmt.Errorf("gap: %w", err)
	}
	if causal.ReplicaOf(pub) != g.Range.Replica {
		return fmt.Errorf("gap of %s: another replica's key: %w", g.Range.Replica, ErrSignature)
	}
	return signed.Verify(pub, DomainGap)
}
