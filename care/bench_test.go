// SPDX-License-Identifier: Apache-2.0

package care

import (
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func BenchmarkDiff(b *testing.B) {
	shown := opened(b, KindResident, aResident())
	edited := aResident()
	edited.Phone = "138"
	for b.Loop() {
		diff(b, KindResident, shown, edited)
	}
}

func BenchmarkMessage(b *testing.B) {
	shown := opened(b, KindResident, aResident())
	for b.Loop() {
		message[*carev1.Resident](b, KindResident, shown)
	}
}

func BenchmarkBoundary(b *testing.B) {
	info, _ := Kinds().Lookup(KindResident)
	for name, p := range map[string]record.Path{"field": record.Field(50, 1), "entry": record.Field(34).Key("k7f3q2xw")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				info.Boundary(p)
			}
		})
	}
}
