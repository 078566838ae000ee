// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care/export"
)

// The limits of issue 5: a workbook of 50,000 rows.
const (
	sizeRows    = 50_000
	sizeSeconds = 10
	sizeMiB     = 300
)

// TestABigWorkbookKeepsItsLimits writes one in a process of its own and reads how much memory that took at most.
func TestABigWorkbookKeepsItsLimits(t *testing.T) {
	if os.Getenv("XUNZHEN_EXPORT_SIZE") == "" {
		t.Skip("XUNZHEN_EXPORT_SIZE=1 writes a workbook of 50,000 rows and measures time and memory")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestWriteABigWorkbook$", "-test.v")
	cmd.Env = append(os.Environ(), "XUNZHEN_EXPORT_CHILD=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var wall, took, rss, size int
	for line := range strings.Lines(string(out)) {
		if _, found, ok := strings.Cut(line, "measured: "); ok {
			if _, err := fmt.Sscanf(found, "%d ms, %d ms of the processor, %d KiB of memory, %d bytes", &wall, &took, &rss, &size); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d rows: %d ms, of them %d of the processor, %d MiB of memory at most, %d bytes", sizeRows, wall, took, rss/1024, size)
	if took == 0 || took > sizeSeconds*1000 || rss > sizeMiB*1024 {
		t.Errorf("limits are %d s and %d MiB", sizeSeconds, sizeMiB)
	}
}

func TestWriteABigWorkbook(t *testing.T) {
	if os.Getenv("XUNZHEN_EXPORT_CHILD") == "" {
		t.Skip("the child of TestABigWorkbookKeepsItsLimits")
	}
	w := newWorld(t)
	w.checkup("1", w.resident("张三", village, 19500101), village, 20260310)
	row := w.bigRow()
	j := &job{Exports: w.exports(), q: request("checkups"), dir: t.TempDir(), tell: func(int, int) {}}
	began := time.Now()
	rows, err := j.table(export.Checkups().Whole())
	if err != nil {
		t.Fatal(err)
	}
	for i := range sizeRows {
		if err := rows.add(fmt.Sprintf("%012d", (i*7919)%sizeRows), row); err != nil {
			t.Fatal(err)
		}
	}
	parts, err := j.finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := j.write(context.Background(), parts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, f); err != nil {
		t.Fatal(err)
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	processor := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	fmt.Printf("measured: %d ms, %d ms of the processor, %d KiB of memory, %d bytes\n", time.Since(began).Milliseconds(), processor.Milliseconds(), peak(t), f.Size)
}

// bigRow returns the row of somebody with a checkup, every column filled.
func (w *world) bigRow() export.Row {
	var row export.Row
	for _, c := range export.Checkups().Whole().Columns {
		switch c.Format {
		case export.Text:
			row = append(row, export.Cell{Text: "丛台区某某村卫生室"})
		case export.Day:
			row = append(row, export.Cell{Number: 20260310, Given: true})
		default:
			row = append(row, export.Cell{Number: 12345, Given: true})
		}
	}
	return row
}

// peak returns the most memory that the process had, in KiB.
func peak(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("the system does not say how much memory there was")
	return 0
}
