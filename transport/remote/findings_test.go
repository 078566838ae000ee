// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"errors"
	"testing"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/transport/remote"
)

func TestAServerWithoutFindingsIsDoneWithout(t *testing.T) {
	centre, waits := newFake(t).centre(nil) // which knows nothing of the service, as an older one
	err := centre.PullFindings(t.Context(), nil, func(*officev1.PullFindingsResponse) error { return errors.New("a page") })
	if remote.ReasonOf(err) != remote.ReasonNotServed || len(waits.all) > 0 {
		t.Errorf("%v, after waiting %v", err, waits.all)
	}
}
