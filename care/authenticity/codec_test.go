// SPDX-License-Identifier: Apache-2.0

package authenticity_test

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func anyID(t *rapid.T) (id record.ID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	return id
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(0, 1<<45)
		text := rapid.StringMatching(`[A-Z0-9]{0,12}`)
		v := authenticity.Visit{
			Record: anyID(t), Person: anyID(t), Household: anyID(t), Kind: 18, Doctor: text.Draw(t, "doctor"), Unit: text.Draw(t, "unit"), Author: text.Draw(t, "author"),
			Division: record.Division(text.Draw(t, "division")), Class: record.Class(rapid.IntRange(0, 2).Draw(t, "class")), Day: care.Date(rapid.Int32Range(0, 99991231).Draw(t, "day")),
			Began: ms.Draw(t, "began"), Ended: ms.Draw(t, "ended"), Entered: ms.Draw(t, "entered"), Saved: ms.Draw(t, "saved"), Received: ms.Draw(t, "received"),
			Source: carev1.CaptureSource(rapid.IntRange(0, 4).Draw(t, "source")), Phone: rapid.Bool().Draw(t, "phone"), AtHome: rapid.Bool().Draw(t, "home"), Nobody: rapid.Bool().Draw(t, "nobody"),
			Signer: text.Draw(t, "signer"), Glucose: rapid.Int32Range(0, 400).Draw(t, "glucose"),
		}
		if rapid.Bool().Draw(t, "set") {
			v.Point = authenticity.PointAt(rapid.Int32().Draw(t, "lat"), rapid.Int32().Draw(t, "lon"), rapid.Int32().Draw(t, "accuracy"), 1)
		}
		for f := authenticity.Systolic; f < authenticity.Field(rapid.IntRange(1, 24).Draw(t, "fields")); f++ {
			v.Values = append(v.Values, authenticity.Value{Field: f, V: rapid.Int32().Draw(t, "value")})
		}
		got, err := authenticity.DecodeVisit(v.Encode())
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%+v, %v, want %+v", got, err, v)
		}
		m := authenticity.Member{
			Record: anyID(t), Person: anyID(t), Household: anyID(t), Doctor: text.Draw(t, "doctor"), Place: "试1号", Number: text.Draw(t, "number"), Birth: 19500101, Staff: rapid.Bool().Draw(t, "staff"),
		}
		if got, err := authenticity.DecodeMember(m.Encode()); err != nil || got != m {
			t.Fatalf("%+v, %v, want %+v", got, err, m)
		}
	})
}

func TestBytesOfSomethingElseAreNoEvidence(t *testing.T) {
	good := (&authenticity.Visit{Doctor: "li", Day: 20260301, Values: []authenticity.Value{{Field: 1, V: 120}}}).Encode()
	for name, b := range map[string][]byte{
		"nothing": nil, "another version": append([]byte{4}, good[1:]...), "cut off": good[:len(good)-1], "more behind": append(good[:len(good):len(good)], 0),
		"a text that is longer than all": {2, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f},
	} {
		if _, err := authenticity.DecodeVisit(b); !errors.Is(err, authenticity.ErrEvidence) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := authenticity.DecodeMember(good); !errors.Is(err, authenticity.ErrEvidence) {
		t.Errorf("a visit is no member: %v", err)
	}
}

// Evidence is read from a file of the centre's own: whatever stands in it is an error or evidence that is encoded as it was.
func FuzzDecodeEvidence(f *testing.F) {
	f.Add((&authenticity.Visit{Doctor: "li", Day: 20260301, Values: []authenticity.Value{{Field: 1, V: 120}}}).Encode())
	f.Add((&authenticity.Member{Doctor: "li", Number: "1"}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := authenticity.DecodeVisit(b); err == nil {
			if again, err := authenticity.DecodeVisit(v.Encode()); err != nil || !reflect.DeepEqual(again, v) {
				t.Errorf("%+v is %+v, %v", v, again, err)
			}
		}
		if m, err := authenticity.DecodeMember(b); err == nil {
			if again, err := authenticity.DecodeMember(m.Encode()); err != nil || again != m {
				t.Errorf("%+v is %+v, %v", m, again, err)
			}
		}
	})
}
