// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

// keys are those that capacity checks and reports go by.
var keys = []string{
	"upload_per_cpu_s", "upload_per_s", "raw_per_cpu_s", "upload_ratio", "update_per_cpu_s", "conflict_per_cpu_s",
	"download_per_cpu_s", "incremental_cpu_s", "noop_ms_10k", "noop_ms_100k", "upload_growth", "raw_growth",
	"bytes_up", "bytes_up_zstd", "bytes_down", "bytes_disk", "rss_mb_10k", "rss_mb_100k",
}

func TestARunHasEveryFigure(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	executable := built(t)
	var out bytes.Buffer
	r, err := Run(t.Context(), Options{
		Executable: executable, JSON: true, Out: &out, Clock: time.Now, Seed: 1,
		size: sizes{devices: 2, chunk: 200, large: 400, second: 200, changed: 3, looks: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("the last line is no JSON: %v\n%s", err, out.String())
	}
	for _, key := range keys {
		if v, ok := got[key].(float64); !ok || v <= 0 || math.IsInf(v, 0) {
			t.Errorf("%s is %v", key, got[key])
		}
		if !strings.Contains(out.String(), "\n"+key+" ") {
			t.Errorf("%s is not in the table", key)
		}
	}
	if r.FormBytes < 300 || r.FormBytes > 500 || r.BytesUp < 1 || r.BytesUp > 3 || r.BytesDown < 1 || r.BytesDown > 3 {
		t.Errorf("records of %.0f bytes, %.2f times that up, %.2f down", r.FormBytes, r.BytesUp, r.BytesDown)
	}
	if r.PerCommit < 1 || r.PerCommit > 2*perSegment {
		t.Errorf("%.0f records a commit", r.PerCommit)
	}
}

// built returns the program under test.
func built(t *testing.T) string {
	if ready := os.Getenv("XUNZHEN_BENCH_PROGRAM"); ready != "" {
		return ready
	}
	path := filepath.Join(t.TempDir(), "xunzhen")
	if out, err := exec.Command("go", "build", "-o", path, "../").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

func TestEveryFigureStandsInTheTableOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range (Result{}).lines() {
		if seen[l.key] {
			t.Errorf("%s twice", l.key)
		}
		seen[l.key] = true
	}
	typ := reflect.TypeFor[Result]()
	for i := range typ.NumField() {
		delete(seen, typ.Field(i).Tag.Get("json"))
	}
	if len(seen) > 0 {
		t.Errorf("not in the result: %v", seen)
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		l    line
		want string
	}{
		{line{value: 30_000, aim: 30_000}, "reached"},
		{line{value: 29_999, aim: 30_000}, "missed"},
		{line{value: 0.15, aim: 0.15, atMost: true}, "reached"},
		{line{value: 0.16, aim: 0.15, atMost: true}, "missed"},
		{line{value: 7}, ""},
	} {
		if got := c.l.verdict(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.l, got, c.want)
		}
	}
}

func TestFormsAreOfTheSizeOfRealOnes(t *testing.T) {
	a := newAuthor(1, 1, time.Unix(1_700_000_000, 0), villagesOf(countyCode, 1, 1))
	n, size := 500, 0
	for range n {
		_, m := a.forms.next(a.now)
		size += proto.Size(m)
	}
	if mean := size / n; mean < 370 || mean > 430 {
		t.Errorf("%d bytes a form, want about 400", mean)
	}
}

func TestWriteFailsWithItsWriter(t *testing.T) {
	r, w := io.Pipe()
	_ = r.Close()
	if (Result{}).write(w) == nil {
		t.Error("nothing was written, and nobody was told")
	}
}
