// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	// SessionLife is how long a token is good. A stream that began under it goes on.
	SessionLife = 15 * time.Minute
	// maxSessions is how many sessions one principal may have; the oldest gives way.
	maxSessions = 8

	tokenSize = 32
)

// Sessions are the open sessions of a server, in memory: a restart ends them all.
// Of each token only its hash is kept.
type Sessions struct {
	clock func() time.Time
	rand  io.Reader

	mu      sync.Mutex
	byToken map[tokenHash]*opened
	byOwner map[Key][]tokenHash // oldest first
	last    map[Key]time.Time   // when each owner opened its latest one
	next    time.Time           // when to look for old ones
}

type tokenHash [sha256.Size]byte

type opened struct {
	principal Principal
	until     time.Time
}

// NewSessions returns Sessions that take time and randomness from here.
func NewSessions(clock func() time.Time, rand io.Reader) *Sessions {
	return &Sessions{clock: clock, rand: rand, byToken: map[tokenHash]*opened{}, byOwner: map[Key][]tokenHash{}, last: map[Key]time.Time{}}
}

// Open opens a session of p and returns its token.
func (s *Sessions) Open(p Principal) (string, error) {
	raw := make([]byte, tokenSize)
	if _, err := io.ReadFull(s.rand, raw); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	hash, now := tokenHash(sha256.Sum256(raw)), s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	mine := s.byOwner[p.Key()]
	for len(mine) >= maxSessions {
		delete(s.byToken, mine[0])
		mine = mine[1:]
	}
	s.byToken[hash] = &opened{p, now.Add(SessionLife)}
	s.byOwner[p.Key()], s.last[p.Key()] = append(mine, hash), now
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// LastOpened returns when p last opened a session of this server; the zero time when it
// has not.
func (s *Sessions) LastOpened(p Principal) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[p.Key()]
}

// Lookup returns whose session a token is. Its error wraps ErrToken.
func (s *Sessions) Lookup(token string) (Principal, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != tokenSize {
		return Principal{}, fmt.Errorf("not a token: %w", ErrToken)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.byToken[sha256.Sum256(raw)]
	if !ok || s.clock().After(o.until) {
		return Principal{}, fmt.Errorf("unknown or too old: %w", ErrToken)
	}
	return o.principal, nil
}

// Count returns the number of open sessions.
func (s *Sessions) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, n := s.clock(), 0
	for _, o := range s.byToken {
		if !now.After(o.until) {
			n++
		}
	}
	return n
}

// Renewed lets the sessions of a device or desk go on under its new certificate.
func (s *Sessions) Renewed(cert segment.Certificate) {
	p := Certified(cert)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, hash := range s.byOwner[p.Key()] {
		if o, ok := s.byToken[hash]; ok {
			o.principal = p
		}
	}
}

// forget drops sessions that are over.
func (s *Sessions) forget(now time.Time) {
	if now.Before(s.next) {
		return
	}
	s.next = now.Add(SessionLife)
	for key, mine := range s.byOwner {
		var left []tokenHash
		for _, hash := range mine {
			if o, ok := s.byToken[hash]; ok && !now.After(o.until) {
				left = append(left, hash)
			} else {
				delete(s.byToken, hash)
			}
		}
		if len(left) == 0 {
			delete(s.byOwner, key)
		} else {
			s.byOwner[key] = left
		}
	}
}
