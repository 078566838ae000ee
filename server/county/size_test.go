// SPDX-License-Identifier: Apache-2.0

package county_test

import (
	"crypto/rand"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/exports"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

// bigCounty opens the first county of the data folder in XUNZHEN_BIG, which no server may have: one
// xunzhen populate wrote. Without it the benchmark is skipped.
func bigCounty(b *testing.B) *county.County {
	b.Helper()
	data := os.Getenv("XUNZHEN_BIG")
	if data == "" {
		b.Skip("XUNZHEN_BIG=DIR measures a county that xunzhen populate wrote")
	}
	dirs, err := county.Find(data)
	if err != nil || len(dirs) == 0 {
		b.Fatalf("no county in %s: %v", data, err)
	}
	pack, err := rulepack.Load()
	if err != nil {
		b.Fatal(err)
	}
	c, err := county.Open(b.Context(), dirs[0], county.Means{
		Schema: care.Kinds(), Rules: pack, Clock: time.Now, Rand: rand.Reader,
		OpenStore: func(path string, create bool) (syncengine.Store, error) {
			return sqlitestore.Open(path, sqlitestore.Options{Create: create})
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	p, err := c.Projection()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := p.Follow(b.Context()); err != nil {
		b.Fatal(err)
	}
	if took := time.Since(began); took > time.Second {
		b.Logf("projections were behind: %s", took.Round(time.Second))
	}
	return c
}

// BenchmarkExport makes the big tables of a county as workbooks. The limit of 10 s is for 50,000 rows: 5,000 rows/s.
func BenchmarkExport(b *testing.B) {
	c := bigCounty(b)
	made, err := c.Exports()
	if err != nil {
		b.Fatal(err)
	}
	year := int32(time.Now().Year())
	for _, name := range []string{"checkups", "chronic", "contracts"} {
		b.Run(name, func(b *testing.B) {
			rows := 0
			for b.Loop() {
				f, err := made.Make(b.Context(), exports.Request{
					Export: name, Period: indicators.Period{From: care.Date(year*10000 + 101), To: care.Date(year*10000 + 1231)},
					Scope: exports.Scope{Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}},
					View:  export.View{Sensitive: true},
				}, func(int, int) {})
				if err != nil {
					b.Fatal(err)
				}
				rows += f.Rows()
				if _, err := io.Copy(io.Discard, f); err != nil {
					b.Fatal(err)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)/float64(b.N), "rows")
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			runtime.KeepAlive(c)
		})
	}
}
