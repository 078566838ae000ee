// SPDX-License-Identifier: Apache-2.0

package care_test

import (
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func TestAFormIsCapturedWhenItsLastShownValueWasSaved(t *testing.T) {
	value := func(clockMs int64, v record.Value) record.Sibling { return record.Sibling{ClockMs: clockMs, Value: v} }
	filled := record.Of([]byte{1})
	for name, row := range map[string]struct {
		registers []record.Register
		want      time.Time
	}{
		"nothing is filled in": {nil, time.Time{}},
		"two saves": {[]record.Register{
			{Path: record.Field(1), Siblings: []record.Sibling{value(5, filled)}},
			{Path: record.Field(2), Siblings: []record.Sibling{value(7, filled)}},
		}, time.UnixMilli(7).UTC()},
		"a sibling that is not shown": {[]record.Register{
			{Path: record.Field(1), Siblings: []record.Sibling{value(5, filled), value(9, filled)}},
		}, time.UnixMilli(5).UTC()},
		"a move": {[]record.Register{
			{Path: record.Field(1), Siblings: []record.Sibling{value(5, filled)}},
			{Path: record.PathScope, Siblings: []record.Sibling{value(9, filled)}},
		}, time.UnixMilli(5).UTC()},
		"a value that was cleared": {[]record.Register{
			{Path: record.Field(1), Siblings: []record.Sibling{value(5, filled)}},
			{Path: record.Field(2), Siblings: []record.Sibling{value(9, record.Value{})}},
		}, time.UnixMilli(5).UTC()},
		"a clock before 1970": {[]record.Register{{Path: record.Field(1), Siblings: []record.Sibling{value(-5, filled)}}}, time.UnixMilli(-5).UTC()},
	} {
		if got := care.CapturedAt(row.registers); !got.Equal(row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}
