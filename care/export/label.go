// SPDX-License-Identifier: Apache-2.0

package export

import (
	"cmp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Label returns what people read for a code, in Chinese and English: nothing for one that is
// not answered, the number for one that this build does not know.
func Label(code protoreflect.Enum) (zh, en string) {
	n := code.Number()
	if n == 0 {
		return "", ""
	}
	if v := code.Descriptor().Values().ByNumber(n); v != nil {
		o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
		if o.GetZh() != "" {
			return o.GetZh(), o.GetEn()
		}
	}
	return strconv.Itoa(int(n)), strconv.Itoa(int(n))
}

// label makes a cell of a code.
func label(code protoreflect.Enum) Cell { return text(labelZH(code)) }

func labelZH(code protoreflect.Enum) string {
	zh, _ := Label(code)
	return zh
}

// labels joins codes, and the words of whoever wrote 其他.
func labels[E protoreflect.Enum](codes []E, other string) string {
	var words []string
	for _, c := range codes {
		if zh := labelZH(c); zh != "" {
			words = append(words, zh)
		}
	}
	if other != "" {
		words = append(words, other)
	}
	return strings.Join(words, "、")
}

// joined joins the parts that are there.
func joined(by string, parts ...string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, by)
}

// KindLabel returns what people call a kind of records; its name where it has no words.
func KindLabel(kind record.Kind) string {
	typ, ok := care.Types()[kind]
	if !ok {
		return ""
	}
	o, _ := proto.GetExtension(typ.Descriptor().Options(), schemav1.E_Kind).(*schemav1.KindOptions)
	return cmp.Or(o.GetZh(), care.NameOf(kind))
}
