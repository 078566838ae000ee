// SPDX-License-Identifier: Apache-2.0

package findings_test

import (
	"slices"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

func TestACorrectedRecordClosesItsFindings(t *testing.T) {
	c := newCounty(t)
	wang := c.register("王演示", village)
	id := c.visit(wang, village, 20260201, 190, 85)
	c.follow()
	if got := c.rulesOf(id); !slices.Equal(got, []string{"T.high"}) {
		t.Fatalf("found %v", got)
	}
	c.save(id, care.KindHypertensionFollowUp, pressure(20260201, 130, 85))
	c.follow()
	if got := c.rulesOf(id); len(got) != 0 {
		t.Errorf("still found %v", got)
	}
	_ = carev1.Severity_SEVERITY_ERROR
}
