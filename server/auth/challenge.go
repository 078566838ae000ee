// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// ChallengeLife is how long a challenge may be answered.
const ChallengeLife = time.Minute

// Challenges gives out bytes to sign and takes each once. One that is not answered
// costs no memory, so asking for many is no attack:
//
//	challenge = expiry (8, UTC milliseconds) | random (16) | MAC (16)
//
// with the MAC under a key of this run, over shard, expiry and random.
type Challenges struct {
	clock func() time.Time
	rand  io.Reader
	key   [32]byte

	mu   sync.Mutex
	used map[[challengeSize]byte]time.Time // until when
	next time.Time                         // when to look for old ones
}

const challengeSize = 8 + 16 + 16

// NewChallenges returns Challenges that take time and randomness from here.
func NewChallenges(clock func() time.Time, rand io.Reader) (*Challenges, error) {
	c := &Challenges{clock: clock, rand: rand, used: map[[challengeSize]byte]time.Time{}}
	if _, err := io.ReadFull(rand, c.key[:]); err != nil {
		return nil, fmt.Errorf("key of challenges: %w", err)
	}
	return c, nil
}

// New returns a challenge for a login to a shard.
func (c *Challenges) New(shard segment.ShardID) ([]byte, error) {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, challengeSize), uint64(c.clock().Add(ChallengeLife).UnixMilli()))
	b = b[:8+16]
	if _, err := io.ReadFull(c.rand, b[8:]); err != nil {
		return nil, fmt.Errorf("challenge: %w", err)
	}
	return append(b, c.mac(shard, b)...), nil
}

func (c *Challenges) mac(shard segment.ShardID, b []byte) []byte {
	h := hmac.New(sha256.New, c.key[:])
	h.Write(shard[:])
	h.Write(b)
	return h.Sum(nil)[:16]
}

// Take uses up a challenge that was given for this shard. Call it when all else
// about the login is right. Its error wraps ErrLogin.
func (c *Challenges) Take(shard segment.ShardID, challenge []byte) error {
	if len(challenge) != challengeSize || !hmac.Equal(challenge[8+16:], c.mac(shard, challenge[:8+16])) {
		return fmt.Errorf("challenge of another server: %w", ErrLogin)
	}
	now, until := c.clock(), time.UnixMilli(int64(binary.BigEndian.Uint64(challenge)))
	if now.After(until) {
		return fmt.Errorf("challenge too old: %w", ErrLogin)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(now)
	if _, ok := c.used[[challengeSize]byte(challenge)]; ok {
		return fmt.Errorf("challenge used: %w", ErrLogin)
	}
	c.used[[challengeSize]byte(challenge)] = until
	return nil
}

// forget drops what is too old to be answered anyway.
func (c *Challenges) forget(now time.Time) {
	if now.Before(c.next) {
		return
	}
	c.next = now.Add(ChallengeLife)
	for k, until := range c.used {
		if now.After(until) {
			delete(c.used, k)
		}
	}
}
