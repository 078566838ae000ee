// SPDX-License-Identifier: Apache-2.0

package memstore

import "github.com/xunzhen/xunzhen/syncengine"

func (w *world) Acts(f syncengine.ActFamily, key []byte) ([]syncengine.Act, error) {
	var out []syncengine.Act
	for k, a := range w.acts.from(byAct{family: f, key: string(key)}) {
		if k.family != f || key != nil && k.key != string(key) {
			break
		}
		out = append(out, a)
	}
	return out, nil
}

func (w *world) PutAct(a syncengine.Act) error {
	w.acts = w.acts.put(byAct{a.Family, string(a.Key), a.Dot, string(a.Body)}, a)
	return nil
}

func (w *world) Value(name string) ([]byte, bool, error) {
	value, ok := w.values.get(byName(name))
	return value, ok, nil
}

func (w *world) PutValue(name string, value []byte) error {
	w.values = w.values.put(byName(name), value)
	return nil
}
