// SPDX-License-Identifier: Apache-2.0

package rulepack_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/care/rulepack"
)

func TestThePackDoesWhatItsTestRowsSay(t *testing.T) {
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range pack.Test() {
		t.Error(err)
	}
	t.Logf("%s %s: %d rules, %d test rows", pack.Name(), pack.Version(), len(pack.Rules()), len(pack.Tests()))
}
