// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// Limits are how much this tablet keeps of what the centre sends, and how much there is.
// Beyond them it lets records go in the order that the rule pack says, never what was
// saved here.
type Limits struct {
	Records int64 // at most so many, but for 2 % that may come on top before some are let go
	Bytes   int64 // at most so large together
	// DeviceRecords and DeviceBytes are those of them that were set on this tablet; 0: the
	// rule pack's holds.
	DeviceRecords int64
	DeviceBytes   int64
	// Villages are the division codes that count as one's own, with commas between; ""
	// those in which something was saved here.
	Villages string

	Kept      int64 // records that are here
	KeptBytes int64 // about: reckoned from a sample; 0 while locked
	Beyond    int64 // records that were let go: they are at the centre only

	ScopeRecords int64 // what the server said last of this tablet's scope
	ScopeBytes   int64
	ScopeMs      int64 // when; 0: never
}

// limitsNote is what is noted of limits; nothing of it is personal.
type limitsNote struct {
	Records  int64          `json:"records,omitempty"` // set on this tablet; 0: not
	Bytes    int64          `json:"bytes,omitempty"`
	Villages string         `json:"villages,omitempty"`
	Scope    session.Extent `json:"scope"`
	ScopeMs  int64          `json:"scope_ms,omitempty"`
	// By is what held when records were let go last; more now has them fetched again.
	ByRecords   int64 `json:"by_records,omitempty"`
	ByBytes     int64 `json:"by_bytes,omitempty"`
	PackRecords int64 `json:"pack_records,omitempty"` // what the rule pack said last
	PackBytes   int64 `json:"pack_bytes,omitempty"`
}

func (n limitsNote) records() int64 { return or(n.Records, n.PackRecords) }

func (n limitsNote) bytes() int64 { return or(n.Bytes, n.PackBytes) }

func or(set, usual int64) int64 {
	if set > 0 {
		return set
	}
	return usual
}

// errLimits: limits that are none.
var errLimits = errors.New("limits are at least 100 records and 1 MiB, villages division codes")

// The least that a tablet may be limited to: with less nobody works.
const (
	leastRecords = 100
	leastBytes   = 1 << 20
)

// Limits returns the limits and how much is here. It works while locked.
func (t *Tablet) Limits() (*Limits, error) {
	l, err := t.limits(context.Background())
	return l, fail("limits", err)
}

func (t *Tablet) limits(ctx context.Context) (*Limits, error) {
	n, err := t.limitsNoted(ctx)
	if err != nil {
		return nil, err
	}
	s, err := t.rep().Stock(ctx)
	if err != nil {
		return nil, err
	}
	return &Limits{
		Records: n.records(), Bytes: n.bytes(), DeviceRecords: n.Records, DeviceBytes: n.Bytes, Villages: n.Villages,
		Kept: int64(s.Records), KeptBytes: int64(s.StateBytes), Beyond: int64(s.Trimmed),
		ScopeRecords: int64(n.Scope.Records), ScopeBytes: int64(n.Scope.StateBytes), ScopeMs: n.ScopeMs,
	}, nil
}

// limitsNoted returns the note with what the rule pack in use says: a locked tablet goes
// by what it said last, and a new one by this program's.
func (t *Tablet) limitsNoted(ctx context.Context) (n limitsNote, err error) {
	if err := t.readNote(ctx, noteLimits, &n); err != nil {
		return n, err
	}
	b, err := t.rules(ctx)
	if errors.Is(err, replica.ErrLocked) {
		if n.PackRecords > 0 {
			return n, nil
		}
		b, err = builtIn()
	}
	if err != nil {
		return n, err
	}
	n.PackRecords, n.PackBytes = b.number("device_records", math.MaxInt32), math.MaxInt64/2
	if mib := b.number("device_mib", 0); mib > 0 {
		n.PackBytes = mib << 20
	}
	return n, nil
}

// threshold returns a threshold of the pack; nil: it has none of that name.
func (b *rulebook) threshold(id string) *carev1.Threshold {
	for _, t := range b.Content().GetThresholds() {
		if t.GetId() == id {
			return t
		}
	}
	return nil
}

// number returns a threshold that is a positive number, else what is usual.
func (b *rulebook) number(id string, usual int64) int64 {
	if n := b.threshold(id).GetNumber(); n > 0 {
		return n
	}
	return usual
}

// SetLimits limits this tablet: to so many records, and so many bytes of them; 0 what the
// rule pack says. villages are division codes with commas between; "" those in which
// something is saved here. Where the limits grow the next sync fetches what was let go.
// Reason: limits.
func (t *Tablet) SetLimits(records, bytes int64, villages string) error {
	return fail("set limits", t.setLimits(context.Background(), records, bytes, villages))
}

func (t *Tablet) setLimits(ctx context.Context, records, bytes int64, villages string) error {
	if records != 0 && records < leastRecords || bytes != 0 && bytes < leastBytes {
		return errLimits
	}
	for _, v := range strings.Split(villages, ",") {
		if _, err := care.ParseDivision(v); villages != "" && err != nil {
			return fmt.Errorf("%q: %w", v, errLimits)
		}
	}
	n, err := t.limitsNoted(ctx)
	if err != nil {
		return err
	}
	n.Records, n.Bytes, n.Villages = records, bytes, villages
	return t.writeNote(ctx, noteLimits, n)
}

// grown has the next pull fetch what was let go, if more may be kept than then.
func (t *Tablet) grown(ctx context.Context) error {
	n, err := t.limitsNoted(ctx)
	if err != nil || n.ByRecords == 0 || n.records() <= n.ByRecords && n.bytes() <= n.ByBytes {
		return err
	}
	if err := t.rep().FetchTrimmed(ctx); err != nil {
		return err
	}
	n.ByRecords, n.ByBytes = 0, 0
	return t.writeNote(ctx, noteLimits, n)
}

// askScope asks how much a pull from nothing will bring, notes it and says it. A server
// that cannot say keeps nobody from pulling.
func (t *Tablet) askScope(ctx context.Context, w *watched) error {
	x, err := w.remote.Scope(ctx)
	if remote.ReasonOf(err) == remote.ReasonNotServed {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := t.limitsNoted(ctx)
	if err != nil {
		return err
	}
	n.Scope, n.ScopeMs = x, t.opts.Clock.NowMs()
	if w.scope != nil {
		w.scope(x)
	}
	return t.writeNote(ctx, noteLimits, n)
}
