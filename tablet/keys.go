// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/care"
)

// drawKeys gives every map entry of edited that shown did not have a key drawn from
// rnd, in messages of one kind. Keys outlive the erasure of what stands under them
// and so must say nothing; whoever writes the JSON need not know. Where the schema has
// fixed keys they stay, another one is an error that wraps errJSON, and what was shown
// under one is not left out: such an entry is replaced by its like and never cleared.
func drawKeys(rnd io.Reader, shown, edited protoreflect.Message) (err error) {
	keepFixed(shown, edited)
	edited.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case len(care.EntryKeys(f)) > 0:
			err = onlyFixedKeys(f, v.Map())
		case f.IsMap():
			err = drawMapKeys(rnd, shown.Get(f).Map(), v.Map())
		case f.Message() != nil && !f.IsList():
			err = drawKeys(rnd, shown.Get(f).Message(), v.Message())
		}
		return err == nil
	})
	return err
}

// keepFixed puts the entries with fixed keys that edited leaves out back into it.
func keepFixed(shown, edited protoreflect.Message) {
	for i := range edited.Descriptor().Fields().Len() {
		f := edited.Descriptor().Fields().Get(i)
		if len(care.EntryKeys(f)) == 0 {
			continue
		}
		shown.Get(f).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			if m := edited.Mutable(f).Map(); !m.Has(k) {
				m.Set(k, v)
			}
			return true
		})
	}
}

func onlyFixedKeys(f protoreflect.FieldDescriptor, edited protoreflect.Map) (err error) {
	edited.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		if !slices.Contains(care.EntryKeys(f), k.String()) {
			err = fmt.Errorf("%s has no entry %q: %w", f.Name(), k.String(), errJSON)
		}
		return err == nil
	})
	return err
}

func drawMapKeys(rnd io.Reader, shown, edited protoreflect.Map) error {
	var fresh []protoreflect.MapKey
	edited.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		if !shown.Has(k) {
			fresh = append(fresh, k)
		}
		return true
	})
	for _, k := range fresh {
		key, err := care.NewEntryKey(rnd)
		if err != nil {
			return err
		}
		v := edited.Get(k)
		edited.Clear(k)
		edited.Set(protoreflect.ValueOfString(key).MapKey(), v)
	}
	return nil
}
