// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/klauspost/compress/zstd"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// MaxCarried is the most bytes that a compressed pack may have: what a record's revision has room for, with what else is in it.
const MaxCarried = 46 << 10

// RecordID returns the id of the record that carries a county's pack, the same for
// everybody; county is the county's 6-digit division code.
func RecordID(county string) record.ID {
	return record.DerivedID(care.KindRulePack, []byte("rule_pack/"+county))
}

// Record returns the pack as the form of a record of kind rule_pack. It returns an
// error that wraps ErrPack if the compressed pack has no room in a record.
func (p *Pack) Record() (*carev1.RulePack, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("compress the pack: %w", err)
	}
	packed := w.EncodeAll(p.bytes, nil)
	if len(packed) > MaxCarried {
		return nil, fmt.Errorf("%w: %d bytes when compressed, a record has room for %d", ErrPack, len(packed), MaxCarried)
	}
	return &carev1.RulePack{Rules: &carev1.SealedRules{
		Name: p.Name(), Version: p.Version(), ContentSha256: bytes.Clone(p.hash[:]), ContentZstd: packed,
	}}, nil
}

// LoadRecord checks the pack that a record carries. Its errors wrap ErrPack: a
// hash that does not fit, bytes that cannot be unpacked, and whatever LoadContent refuses.
func LoadRecord(r *carev1.RulePack) (*Pack, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBytes))
	if err != nil {
		return nil, fmt.Errorf("unpack the pack: %w", err)
	}
	defer d.Close()
	content, err := d.DecodeAll(r.GetRules().GetContentZstd(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPack, err)
	}
	if sum := sha256.Sum256(content); !bytes.Equal(sum[:], r.GetRules().GetContentSha256()) {
		return nil, fmt.Errorf("%w: the content does not have the hash that the record says", ErrPack)
	}
	return LoadContent(content)
}
