// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"sync"
	"time"
)

// Shares bounds how many calls are in progress: of one caller, and in all.
type Shares[K comparable] struct {
	total, each int

	mu    sync.Mutex
	inUse int
	by    map[K]int
}

// NewShares returns Shares of total places, of which one caller may have each.
func NewShares[K comparable](total, each int) *Shares[K] {
	return &Shares[K]{total: total, each: each, by: map[K]int{}}
}

// shareRetry is when a place is likely free again.
const shareRetry = time.Second

// Take takes a place, or returns a *Busy. The caller must call give once.
func (s *Shares[K]) Take(who K) (give func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inUse >= s.total || s.by[who] >= s.each {
		return nil, &Busy{shareRetry}
	}
	s.inUse++
	s.by[who]++
	return sync.OnceFunc(func() { s.give(who) }), nil
}

func (s *Shares[K]) give(who K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inUse--
	if s.by[who]--; s.by[who] == 0 {
		delete(s.by, who)
	}
}

// InUse returns the number of places taken.
func (s *Shares[K]) InUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inUse
}
