// SPDX-License-Identifier: Apache-2.0

// Package admission keeps one caller from taking the server from the others. It
// bounds what may be in memory at a time, and shares out turns:
//
//	connection ─ Listener: so many in all, so many from one address, and so many a second
//	call       ─ Shares: so many at a time by one caller, so many in all
//	           ─ Rates: a budget of bytes that fills up again
//	work       ─ Turns: callers take turns, each one piece of work at a time
//
// Who is over a limit is told to come again (Busy), at once, before anything of
// what it sends is read. Nothing here knows what a call is about.
package admission

import (
	"fmt"
	"time"
)

// Busy says that a caller must wait.
type Busy struct {
	RetryAfter time.Duration
}

func (b *Busy) Error() string { return fmt.Sprintf("busy: come again in %v", b.RetryAfter) }
