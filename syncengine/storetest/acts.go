// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
)

func actPromises() []promise {
	return []promise{
		{"acts come in order of key, dot, body, by key or by family", actsOrder},
		{"the same act twice is once", actsTwice},
		{"a value stands in place of an earlier one", valuesReplaced},
	}
}

func act(f syncengine.ActFamily, key string, dot causal.Dot, body string) syncengine.Act {
	return syncengine.Act{Family: f, Key: []byte(key), Dot: dot, Body: []byte(body)}
}

// sampleActs are in order of family, key, dot, body.
func sampleActs() []syncengine.Act {
	return []syncengine.Act{
		act(syncengine.ActCertificate, "a", causal.Dot{}, "certificate"),
		act(syncengine.ActFence, "", causal.Dot{}, ""),
		act(syncengine.ActFence, "a", causal.Dot{}, "x"),
		act(syncengine.ActFence, "a", sampleDot(1, 1), "z"),
		act(syncengine.ActFence, "a", sampleDot(1, 2), "a"),
		act(syncengine.ActFence, "a", sampleDot(1, 2), "b"),
		act(syncengine.ActFence, "a", sampleDot(1, 300), ""),
		act(syncengine.ActFence, "a", sampleDot(2, 1), "a"),
		act(syncengine.ActFence, "a\x00", sampleDot(1, 1), "a"),
		act(syncengine.ActFence, "aa", sampleDot(1, 1), "a"),
		act(syncengine.ActFence, "\xff", sampleDot(1, 1<<63), "a"),
		act(syncengine.ActRuling, "a", sampleDot(1, 1), "ruling"),
	}
}

func actsOrder(t *testing.T, s syncengine.Store) {
	all := sampleActs()
	update(t, s, func(tx syncengine.Tx) {
		for i := range all {
			must(t, tx.PutAct(all[(i*5)%len(all)]))
		}
	})
	for _, c := range []struct {
		name   string
		family syncengine.ActFamily
		key    []byte
		want   []syncengine.Act
	}{
		{"a family", syncengine.ActFence, nil, all[1:11]},
		{"a key", syncengine.ActFence, []byte("a"), all[2:8]},
		{"the empty key", syncengine.ActFence, []byte{}, all[1:2]},
		{"a key that is the beginning of others", syncengine.ActFence, []byte("aa"), all[9:10]},
		{"a key of another family", syncengine.ActRuling, []byte("aa"), nil},
		{"another family", syncengine.ActRuling, nil, all[11:]},
		{"a family nobody uses", syncengine.ActGap, nil, nil},
	} {
		view(t, s, func(r syncengine.Reader) {
			if d := diff(c.want, got[[]syncengine.Act](t)(r.Acts(c.family, c.key))); d != "" {
				t.Errorf("%s (-want +read): %s", c.name, d)
			}
		})
	}
}

func actsTwice(t *testing.T, s syncengine.Store) {
	all := sampleActs()
	for range 2 {
		update(t, s, func(tx syncengine.Tx) {
			for _, a := range append(all, all...) {
				must(t, tx.PutAct(a))
			}
		})
	}
	view(t, s, func(r syncengine.Reader) {
		if d := diff(all[1:11], got[[]syncengine.Act](t)(r.Acts(syncengine.ActFence, nil))); d != "" {
			t.Errorf("(-want +read): %s", d)
		}
	})
}

func valuesReplaced(t *testing.T, s syncengine.Store) {
	for _, value := range []string{"first", "", "a longer third", "4"} {
		update(t, s, func(tx syncengine.Tx) {
			must(t, tx.PutValue("name", []byte(value)), tx.PutValue("nam", []byte("other")))
		})
		view(t, s, func(r syncengine.Reader) {
			if have := found[[]byte](t)(r.Value("name")); string(have) != value {
				t.Errorf("value is %q, want %q", have, value)
			}
			if have := found[[]byte](t)(r.Value("nam")); string(have) != "other" {
				t.Errorf("another value is %q", have)
			}
			_, ok, err := r.Value("names")
			missing[any](t, "value")(nil, ok, err)
		})
	}
}
