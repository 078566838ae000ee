// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/sha512"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"filippo.io/age"
)

// ShardRecipient is whom a bundle that goes up is encrypted to: the shard's recipient
// key, 32 bytes of X25519.
func ShardRecipient(public []byte) (age.Recipient, error) {
	if _, err := ecdh.X25519().NewPublicKey(public); err != nil {
		return nil, fmt.Errorf("recipient key: %w", err)
	}
	return age.ParseX25519Recipient(bech32("age", public))
}

// ShardIdentity opens what is encrypted to the public half of an X25519 key.
func ShardIdentity(private []byte) (age.Identity, error) {
	if _, err := ecdh.X25519().NewPrivateKey(private); err != nil {
		return nil, fmt.Errorf("recipient key: %w", err)
	}
	return age.ParseX25519Identity(strings.ToUpper(bech32("age-secret-key-", private)))
}

// ReplicaRecipient is whom a bundle that goes down is encrypted to: the X25519 form of
// the key that the replica signs with, so that everybody who has its certificate can.
func ReplicaRecipient(key ed25519.PublicKey) (age.Recipient, error) {
	u, err := montgomery(key)
	if err != nil {
		return nil, err
	}
	return ShardRecipient(u)
}

// ReplicaIdentity opens what is encrypted to ReplicaRecipient of the public half.
func ReplicaIdentity(key ed25519.PrivateKey) (age.Identity, error) {
	h := sha512.Sum512(key.Seed())
	return ShardIdentity(h[:32])
}

// montgomery maps a point of edwards25519 to its u-coordinate on Curve25519:
// u = (1+y)/(1-y) mod 2^255-19 (RFC 7748, section 4.1), both little-endian. Keys are
// public, so it need not take constant time.
func montgomery(key ed25519.PublicKey) ([]byte, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("replica key of %d bytes", len(key))
	}
	le := slices.Clone([]byte(key))
	le[31] &= 0x7f // the sign of x
	slices.Reverse(le)
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	y, one := new(big.Int).SetBytes(le), big.NewInt(1)
	inverse := new(big.Int).ModInverse(new(big.Int).Mod(new(big.Int).Sub(one, y), p), p)
	if inverse == nil {
		return nil, fmt.Errorf("replica key is no key")
	}
	u := new(big.Int).Add(one, y)
	u.Mod(u.Mul(u, inverse), p)
	out := u.FillBytes(make([]byte, 32))
	slices.Reverse(out)
	return out, nil
}

const bech32Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32 writes data as age writes its keys (BIP 173), in lower case.
func bech32(prefix string, data []byte) string {
	values := fives(data)
	var b strings.Builder
	b.WriteString(prefix + "1")
	for _, v := range append(values, bech32Check(prefix, values)...) {
		b.WriteByte(bech32Letters[v])
	}
	return b.String()
}

// fives writes bytes as groups of five bits, the last filled up with zeros.
func fives(data []byte) []byte {
	var out []byte
	acc, bits := uint(0), 0
	for _, b := range data {
		acc, bits = acc<<8|uint(b), bits+8
		for bits >= 5 {
			bits -= 5
			out = append(out, byte(acc>>bits&31))
		}
	}
	if bits > 0 {
		out = append(out, byte(acc<<(5-bits)&31))
	}
	return out
}

func bech32Check(prefix string, values []byte) []byte {
	var in []byte
	for _, c := range []byte(prefix) {
		in = append(in, c>>5)
	}
	in = append(in, 0)
	for _, c := range []byte(prefix) {
		in = append(in, c&31)
	}
	sum := bech32Sum(append(append(in, values...), 0, 0, 0, 0, 0, 0)) ^ 1
	out := make([]byte, 6)
	for i := range out {
		out[i] = byte(sum >> (5 * (5 - i)) & 31)
	}
	return out
}

func bech32Sum(values []byte) uint32 {
	sum := uint32(1)
	for _, v := range values {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	return sum
}
