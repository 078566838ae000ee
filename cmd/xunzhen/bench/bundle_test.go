// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/tablet"
)

// BenchmarkBundle measures files that are carried by hand: forms of about 400 bytes
// captured on one tablet, and the answer to another one that has none of them.
//
//	go test ./cmd/xunzhen/bench -run '^$' -bench Bundle -benchtime 1x
func BenchmarkBundle(b *testing.B) {
	const records = 1000
	s, c := served(b)
	one, other := enrolled(b, s, c, "zhang"), enrolled(b, s, c, "li")
	forms, content := forms{mathrand.New(mathrand.NewPCG(1, 1))}, 0
	about, err := one.Add("resident", "", "", `{"name": "张三"}`, "")
	if err != nil {
		b.Fatal(err)
	}
	for i := range records {
		kind, m := forms.next(time.Unix(1_700_000_000, 0).AddDate(0, 0, i%180))
		text, err := care.FormatJSON(m)
		if err != nil {
			b.Fatal(err)
		}
		info, _ := care.Kinds().Lookup(kind)
		if _, err := one.Add(info.Name, about.ID, "", string(text), ""); err != nil {
			b.Fatal(err)
		}
		content += proto.Size(m)
	}
	dir := b.TempDir()
	written := time.Now()
	up, err := one.ExportBundle(b.Context(), dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	exported := time.Since(written)
	began := time.Now()
	answer(b, c, up.Path)
	imported := time.Since(began)
	for b.Loop() {
		answer(b, c, up.Path) // again: everything is there
	}
	up2, err := other.ExportBundle(b.Context(), dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	down := answer(b, c, up2.Path)
	info, err := os.Stat(down)
	if err != nil {
		b.Fatal(err)
	}
	began = time.Now()
	got, err := other.ImportBundle(b.Context(), down, nil)
	if err != nil || got.Sync.Received < records {
		b.Fatalf("%+v, %v", got, err)
	}
	b.ReportMetric(float64(content)/records, "B-form/record")
	b.ReportMetric(float64(up.Bytes)/records, "B-up/record")
	b.ReportMetric(float64(info.Size())/records, "B-down/record")
	b.ReportMetric(records/exported.Seconds(), "written/s")
	b.ReportMetric(records/imported.Seconds(), "stored+answered/s")
	b.ReportMetric(records/time.Since(began).Seconds(), "taken/s")
}

// served is a server with one county, in a folder as people have it.
func served(b *testing.B) (*server.Server, *county.County) {
	b.Helper()
	s, err := server.New(b.Context(), server.Config{
		Data: b.TempDir(), Listen: "127.0.0.1:0", Schema: care.Kinds(), Clock: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	c, err := s.County(b.Context(), countyCode)
	if err == nil {
		err = s.Listen()
	}
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s, c
}

func enrolled(b *testing.B, s *server.Server, c *county.County, staff string) *tablet.Tablet {
	b.Helper()
	t, err := tablet.Create(&tablet.Options{Dir: filepath.Join(b.TempDir(), staff), CheapSecrets: true}, "123456")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = t.Close() })
	i, err := s.Invite(b.Context(), c, syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{staff}, Divisions: []record.Division{villagesOf(countyCode, 1, 1)[0]},
		Classes: []record.Class{record.ClassGeneral},
	}, time.Hour)
	if err == nil {
		err = t.Enrol(b.Context(), i.String(), staff, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	return t
}

// answer has the centre take a file and returns the path of its answer.
func answer(b *testing.B, c *county.County, path string) string {
	b.Helper()
	in, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := os.Create(path + ".answer")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.ImportBundle(b.Context(), in, out, nil); err != nil {
		b.Fatal(err)
	}
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Name()
}
