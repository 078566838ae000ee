// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Budget is what one caller may spend: PerSecond for ever, and Burst at once after
// a rest.
type Budget struct {
	PerSecond float64
	Burst     int
}

// Rates keeps a budget for every caller. It remembers at most so many callers; one
// that is forgotten was at rest for longest.
type Rates[K comparable] struct {
	budget Budget
	most   int

	mu      sync.Mutex
	callers map[K]*spender
}

type spender struct {
	limiter *rate.Limiter
	seen    time.Time
}

// NewRates returns Rates for at most so many callers at a time.
func NewRates[K comparable](budget Budget, most int) *Rates[K] {
	return &Rates[K]{budget: budget, most: most, callers: map[K]*spender{}}
}

// Spend takes cost from the caller's budget, which may go below nothing. While it
// is below, Spend takes nothing and returns a *Busy that says until when.
func (r *Rates[K]) Spend(who K, now time.Time, cost int) error {
	l := r.of(who, now)
	if left := l.TokensAt(now); left < 0 {
		return &Busy{time.Duration(-left / r.budget.PerSecond * float64(time.Second))}
	}
	r.charge(l, now, cost)
	return nil
}

// Charge takes cost from the caller's budget whatever is left: for what is known
// only afterwards.
func (r *Rates[K]) Charge(who K, now time.Time, cost int) { r.charge(r.of(who, now), now, cost) }

// charge reserves cost in parts, because one reservation may not exceed the burst.
func (r *Rates[K]) charge(l *rate.Limiter, now time.Time, cost int) {
	for ; cost > 0; cost -= r.budget.Burst {
		l.ReserveN(now, min(cost, r.budget.Burst))
	}
}

func (r *Rates[K]) of(who K, now time.Time) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.callers[who]
	if !ok {
		if len(r.callers) >= r.most {
			r.forget()
		}
		s = &spender{limiter: rate.NewLimiter(rate.Limit(r.budget.PerSecond), r.budget.Burst)}
		r.callers[who] = s
	}
	s.seen = now
	return s.limiter
}

// forget drops the half that was seen longest ago.
func (r *Rates[K]) forget() {
	var oldest, newest time.Time
	for _, s := range r.callers {
		if oldest.IsZero() || s.seen.Before(oldest) {
			oldest = s.seen
		}
		if s.seen.After(newest) {
			newest = s.seen
		}
	}
	middle := oldest.Add(newest.Sub(oldest) / 2)
	for who, s := range r.callers {
		if !s.seen.After(middle) {
			delete(r.callers, who)
		}
	}
}
