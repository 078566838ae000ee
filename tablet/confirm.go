// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"crypto/rand"

	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// confirmable reports whether every number that a finding is about may be confirmed.
func (c *Check) confirmable(paths []string) bool {
	for _, path := range paths {
		s, ok := spotAt(c.edited.ProtoReflect(), path)
		if _, isNumber := s.numberIf(ok); !isNumber || !fieldOptions(s.field).GetConfirmable() {
			return false
		}
	}
	return len(paths) > 0
}

func (s spot) numberIf(ok bool) (int64, bool) {
	if !ok {
		return 0, false
	}
	return s.number()
}

// Confirm says that a person looked again at the odd numbers of the findings that can be
// confirmed, and that they stand: that is kept in the form with each number, and holds
// for that number only. It changes no measured value. It returns how many there were.
func (c *Check) Confirm() (int, error) {
	n := 0
	for _, f := range c.findings {
		if !f.Confirmable {
			continue
		}
		for _, at := range f.Fields.all {
			if err := c.confirm(at.Path); err != nil {
				return n, fail("confirm", err)
			}
			n++
		}
	}
	c.again()
	return n, nil
}

// confirm keeps that the number at a path stands: in place of what was confirmed of the
// same field before.
func (c *Check) confirm(path string) error {
	s, ok := spotAt(c.edited.ProtoReflect(), path)
	n, ok := s.numberIf(ok)
	m := c.edited.ProtoReflect()
	f, has := confirmationsOf(m)
	if !ok || !has {
		return errPath
	}
	key, err := confirmedKey(m.Get(f).Map(), path)
	if err != nil {
		return err
	}
	value := &carev1.ConfirmedValue{Field: path, Value: n}
	m.Mutable(f).Map().Set(key, protoreflect.ValueOfMessage(value.ProtoReflect()))
	return nil
}

// confirmedKey returns the key under which a field was confirmed before, or a new one.
func confirmedKey(all protoreflect.Map, path string) (protoreflect.MapKey, error) {
	var found protoreflect.MapKey
	has := false
	all.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if c, ok := v.Message().Interface().(*carev1.ConfirmedValue); ok && c.GetField() == path {
			found, has = k, true
		}
		return !has
	})
	if has {
		return found, nil
	}
	key, err := care.NewEntryKey(rand.Reader)
	return protoreflect.ValueOfString(key).MapKey(), err
}
