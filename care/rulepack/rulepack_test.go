// SPDX-License-Identifier: Apache-2.0

package rulepack_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
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

func TestThePackHasRoomInARecord(t *testing.T) {
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	form, err := pack.Record()
	if err != nil {
		t.Fatal(err)
	}
	carried, err := rules.LoadRecord(form)
	if err != nil {
		t.Fatal(err)
	}
	if carried.Hash() != pack.Hash() || carried.Tests() != nil {
		t.Error("the carried pack is another one, or carries test rows")
	}
	t.Logf("%d bytes, %d compressed", len(pack.Bytes()), len(form.GetRules().GetContentZstd()))
}
