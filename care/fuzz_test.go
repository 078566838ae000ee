// SPDX-License-Identifier: Apache-2.0

package care

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// FuzzParseJSON: whatever is taken is written as itself, and becomes registers
// that make the form again.
func FuzzParseJSON(f *testing.F) {
	f.Add(uint16(KindHomeVisit), []byte(visitJSON))
	f.Add(uint16(KindResident), []byte(`{"name":"王","tags":{"":{"code":2}},"environment":{"fuel":99},"death":{}}`))
	f.Add(uint16(KindCheckup), []byte(`{"lifestyle":{"occupational_exposure":{"hazards":[{},{"kind":1}]}},"general":{}}`))
	f.Fuzz(func(t *testing.T, kind uint16, text []byte) {
		k := record.Kind(kind)
		m, err := ParseJSON(k, text)
		if err != nil {
			return
		}
		again, err := FormatJSON(m)
		if err != nil {
			t.Fatalf("taken, but not written: %v", err)
		}
		back, err := ParseJSON(k, again)
		if err != nil || !proto.Equal(m, back) {
			t.Fatalf("%v is written\n%s\nand read %v (%v)", m, again, back, err)
		}
		shown := screen(nil).save(1, diff(t, k, nil, m))
		if now, unreadable := known()[k].message(shown); len(unreadable) > 0 || !proto.Equal(visible(now), visible(m.ProtoReflect())) {
			t.Fatalf("%v became %v, unreadable %v", m, now, unreadable)
		}
	})
}

// FuzzMessage: registers as a hostile or faulty program may have saved them make
// a form, untouched it is no change, and no field comes from a register of another.
func FuzzMessage(f *testing.F) {
	f.Add(uint16(KindResident), string(record.Field(15)), []byte("\x7a\x03139"), string(record.Field(34).Key("k1")), []byte("\x92\x02\x08\x0a\x02k1\x12\x02\x08\x02"))
	f.Add(uint16(KindCheckup), string(record.Field(12, 4)), []byte("\x22\x04\x08\x96\x01\x10"), string(record.Field(12, 99)), []byte("\x9a\x06\x00"))
	f.Add(uint16(KindResident), string(record.Field(9999, 1)), []byte("\x7a\x01x"), string(record.Field(16, 1)), []byte("\x0a\x01x"))
	f.Fuzz(func(t *testing.T, kind uint16, path1 string, value1 []byte, path2 string, value2 []byte) {
		k := record.Kind(kind)
		shown := screen(nil).with(1, record.Path(path1), value1)
		if path2 != path1 {
			shown = shown.with(2, record.Path(path2), value2)
		}
		m, err := Message(k, shown)
		if err != nil {
			return
		}
		if changes := diff(t, k, shown, m); changes != nil {
			t.Fatalf("untouched, but changes %v", changes)
		}
		for _, c := range diff(t, k, nil, m) {
			if c.Path != record.Path(path1) && c.Path != record.Path(path2) {
				t.Fatalf("%s came out of registers %q and %q", c.Path, path1, path2)
			}
		}
	})
}

// FuzzReadDocument: whatever stands in a form as a number is read or refused by name; what is
// read of a number is what is read of it normalised, and it is found by any writing.
func FuzzReadDocument(f *testing.F) {
	f.Add(int32(1), "１１０１０５ 19491231 002x", "")
	f.Add(int32(7), "UTO110090123101", "")
	f.Add(int32(6), "810000198001010030", "")
	f.Add(int32(5), "Q130012345", "130403500315001")
	f.Add(int32(1), "\xff\u0661\u200b13040350031500", "\x00")
	f.Fuzz(func(t *testing.T, typ int32, number, mother string) {
		d := &carev1.IdentityDocument{Type: carev1.IdentityType(typ), Number: number, MotherNumber: mother}
		plain := &carev1.IdentityDocument{Type: d.GetType(), Number: NormaliseNumber(number), MotherNumber: mother}
		got, err := ReadDocument(d)
		again, err2 := ReadDocument(plain)
		if got != again || (err == nil) != (err2 == nil) || MatchKey(d) != MatchKey(plain) {
			t.Fatalf("%+v (%v), normalised %+v (%v)", got, err, again, err2)
		}
		if err == nil && got.BirthDate != 0 && !got.ShortYear && !got.BirthDate.Whole() {
			t.Errorf("born on %v", got.BirthDate)
		}
		for _, meant := range OneSlip(number) {
			if _, err := ParseResidentNumber(string(meant)); err != nil || string(meant) == NormaliseNumber(number) {
				t.Errorf("a slip leads to what is no other number (%v)", err)
			}
		}
		if key := MatchKey(d); key != "" && typ >= 0 && typ <= 7 && !slices.Contains(MatchKeys(number), key) {
			t.Error("it is not found by its number")
		}
	})
}
