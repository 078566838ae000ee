// SPDX-License-Identifier: Apache-2.0

package devicestore_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/replica/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) replica.Store {
		s, _, _ := newStore(t)
		return s
	})
}
