// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// An auditor's build can be older than the tablet that saved.
func TestValuesOfFormsThatThisBuildDoesNotKnowAreTold(t *testing.T) {
	c := &call{words: newWords(words.English)}
	resident, ok := care.KindNamed("resident")
	if !ok {
		t.Fatal("no residents")
	}
	for _, w := range []struct {
		kind         record.Kind
		path         record.Path
		value        record.Value
		text, asJSON string
	}{
		{4000, record.Field(1), record.Of([]byte{1, 2}), "(2 bytes that this version cannot read)", `"0102"`},
		{resident, record.Field(4000), record.Of([]byte{1, 2}), "(2 bytes that this version cannot read)", `"0102"`},
		{resident, record.Field(1), record.Value{}, "(emptied)", "null"},
		{resident, record.PathLife, record.Voided("twice"), "void: twice", `{"reason":"twice","voided":true}`},
		{resident, record.PathLife, record.Value{Form: record.Clear}, "(emptied)", "null"},
		{resident, record.PathScope, record.Of([]byte("130403001001")), "130403001001", `"130403001001"`},
	} {
		if got := c.valueText(w.kind, w.path, w.value); got != w.text {
			t.Errorf("%d %s: %q, want %q", w.kind, w.path, got, w.text)
		}
		if got := string(jsonOf(w.kind, w.path, w.value)); got != w.asJSON {
			t.Errorf("%d %s: %s, want %s", w.kind, w.path, got, w.asJSON)
		}
	}
	if got := c.pathLabel(4000, record.Field(7)); got == "" {
		t.Error("no label")
	}
}
