// SPDX-License-Identifier: Apache-2.0

package assessment_test

import (
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// The law: a tablet covers a window when it was heard of after the window's last day; one that is
// under way, since yesterday. Who is no tablet in good standing covers nothing and lacks nothing.
func TestWhichTabletsCoverAWindow(t *testing.T) {
	now := time.Date(2026, 7, 10, 9, 0, 0, 0, time.UTC)
	device := func(role segment.Role, daysAgo int) syncengine.Device {
		var d syncengine.Device
		d.Certificate.Role, d.Certificate.IssuedAt = role, now.AddDate(-1, 0, 0)
		d.LastReceived = now.Add(-time.Duration(daysAgo) * 24 * time.Hour)
		return d
	}
	revoked := device(segment.RoleTablet, 0)
	revoked.Revoked = true
	devices := []syncengine.Device{
		device(segment.RoleTablet, 0), device(segment.RoleTablet, 1), device(segment.RoleTablet, 3), device(segment.RoleTablet, 9),
		device(segment.RoleTablet, 10), device(segment.RoleHub, 0), revoked,
	}
	for _, c := range []struct {
		last  care.Date
		heard int
	}{
		{20261231, 2}, {20260710, 2}, {20260709, 2}, {20260708, 2}, {20260707, 2}, {20260706, 3}, {20260701, 3}, {20260630, 4}, {20260629, 5},
	} {
		got := assessment.TabletsAt(devices, c.last, now)
		if got.Tablets != 5 || got.Heard != c.heard || got.CoversPermille != c.heard*200 || got.OldestSyncDays != 10 {
			t.Errorf("counted until %s: %+v, want %d of 5", c.last, got, c.heard)
		}
	}
	if got := assessment.TabletsAt(nil, 20260630, now); got.CoversPermille != 1000 || got.Tablets != 0 {
		t.Errorf("without tablets: %+v", got)
	}
}
