// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

func TestWhatIsDoneAtOnceIsTakenInOrder(t *testing.T) {
	items := make([]int, 500)
	for i := range items {
		items[i] = i
	}
	var took []int
	err := inOrder(t.Context(), slices.Values(items), func(_ context.Context, n int) (int, error) {
		time.Sleep(time.Duration(n%3) * 10 * time.Microsecond)
		return n, nil
	}, func(n int) error { took = append(took, n); return nil })
	if err != nil || !slices.Equal(took, items) {
		t.Errorf("%v, %v", took, err)
	}
}

// The first error ends it, whoever has it, and nothing goes on behind the caller's back.
func TestTheFirstErrorEndsAll(t *testing.T) {
	bad := errors.New("bad")
	for _, test := range []struct {
		doing, taking int
		cancelled     bool
	}{{doing: 7}, {taking: 7}, {cancelled: true}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var doing atomic.Int32
			took := 0
			err := inOrder(ctx, slices.Values(make([]int, 200)), func(context.Context, int) (int, error) {
				n := doing.Add(1)
				if test.cancelled && n == 7 {
					cancel()
				}
				if int(n) == test.doing {
					return 0, bad
				}
				return 0, nil
			}, func(int) error {
				if took++; took == test.taking {
					return bad
				}
				return nil
			})
			want := bad
			if test.cancelled {
				want = context.Canceled
			}
			if !errors.Is(err, want) {
				t.Errorf("%v", err)
			}
			before := doing.Load()
			time.Sleep(5 * time.Millisecond)
			if doing.Load() != before || before == 200 {
				t.Errorf("%d were done, then %d", before, doing.Load())
			}
		})
	}
}
