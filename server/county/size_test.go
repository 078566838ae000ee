// SPDX-License-Identifier: Apache-2.0

package county_test

import (
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/exports"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

// bigFolder returns the folder of the first county in the data folder in XUNZHEN_BIG, which no server may have: one
// xunzhen populate wrote. Without it the benchmark is skipped.
func bigFolder(b *testing.B) string {
	b.Helper()
	data := os.Getenv("XUNZHEN_BIG")
	if data == "" {
		b.Skip("XUNZHEN_BIG=DIR measures a county that xunzhen populate wrote")
	}
	dirs, err := county.Find(data)
	if err != nil || len(dirs) == 0 {
		b.Fatalf("no county in %s: %v", data, err)
	}
	return dirs[0]
}

func openBig(b *testing.B, dir string) *county.County {
	b.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		b.Fatal(err)
	}
	c, err := county.Open(b.Context(), dir, county.Means{
		Schema: care.Kinds(), Rules: pack, Clock: time.Now, Rand: rand.Reader,
		OpenStore: func(path string, create bool) (syncengine.Store, error) {
			return sqlitestore.Open(path, sqlitestore.Options{Create: create})
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// follow has all that is derived catch up.
func follow(b *testing.B, c *county.County) {
	b.Helper()
	p, err := c.Projection()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Follow(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// bigCounty opens that county with all that is derived at hand.
func bigCounty(b *testing.B) *county.County {
	b.Helper()
	c := openBig(b, bigFolder(b))
	b.Cleanup(func() { _ = c.Close() })
	began := time.Now()
	follow(b, c)
	if took := time.Since(began); took > time.Second {
		b.Logf("projections were behind: %s", took.Round(time.Second))
	}
	return c
}

// BenchmarkRebuild makes all that is derived of a county anew, as after projections.db was deleted.
func BenchmarkRebuild(b *testing.B) {
	dir := bigFolder(b)
	position := syncengine.Position(0)
	for b.Loop() {
		b.StopTimer()
		if err := projection.Remove(filepath.Join(dir, "projections.db")); err != nil {
			b.Fatal(err)
		}
		c := openBig(b, dir)
		b.StartTimer()
		follow(b, c)
		b.StopTimer()
		position = c.Engine.Position()
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(position)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
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
