// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// On any platform: pieces are given up while there is no room, for no other error,
// never below what is for others, and come back when there is room again.
func TestTheReserveIsGivenUpByPieces(t *testing.T) {
	other := errors.New("something else")
	noRoom := fmt.Errorf("write: %w", &os.PathError{Op: "write", Err: errNoRoom})
	fullFile := fmt.Errorf("save: %w", sqlitefile.ErrFull)
	for name, row := range map[string]struct {
		least int64
		fails []error // one call each; then it is done
		calls int
		want  error
	}{
		"there is room":              {0, nil, 1, nil},
		"one piece will do":          {0, []error{noRoom}, 2, nil},
		"so will three":              {0, []error{noRoom, fullFile, noRoom}, 4, nil},
		"the rest is for opening":    {reserveOpening, []error{noRoom, noRoom, noRoom, noRoom, noRoom}, 3, errNoRoom},
		"all of it is not enough":    {0, []error{noRoom, noRoom, fullFile, noRoom, noRoom, noRoom, fullFile}, 7, errNoRoom},
		"another error":              {0, []error{other}, 1, other},
		"another error when it fits": {0, []error{noRoom, other}, 2, other},
	} {
		t.Run(name, func(t *testing.T) {
			const size = reserveOpening + 2*reservePiece
			tb := newTablet(Options{Dir: t.TempDir()})
			tb.reserve.want = size
			tb.reserve.fill()
			calls := 0
			err := tb.spend(row.least, func() error {
				want := max(row.least, size-int64(calls)*reservePiece)
				if got := tb.reserve.size(); got != want {
					t.Errorf("call %d: %d bytes in reserve, want %d", calls+1, got, want)
				}
				if calls++; calls <= len(row.fails) {
					return row.fails[calls-1]
				}
				return nil
			})
			if calls != row.calls || !errors.Is(err, row.want) {
				t.Errorf("%d calls, %v; want %d, %v", calls, err, row.calls, row.want)
			}
			if row.want == errNoRoom && reasonOf(err) != "full" {
				t.Errorf("reason %s", reasonOf(err))
			}
			if got := tb.reserve.size(); got != size {
				t.Errorf("%d bytes came back of %d", got, size)
			}
		})
	}
}
