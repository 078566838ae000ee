// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/xunzhen/xunzhen/care"
)

var importRows = flag.Int("import-rows", 0, "import a roster of so many rows and say how long that takes and how much memory")

var numerals = strings.NewReplacer("0", "零", "1", "一", "2", "二", "3", "三", "4", "四", "5", "五", "6", "六", "7", "七", "8", "八", "9", "九")

// bigRoster writes a roster of n invented people.
func bigRoster(t *testing.T, n int) string {
	t.Helper()
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	head := []any{"序号", "姓名", "身份证号", "性别", "出生日期", "联系电话", "现住址", "行政村代码", "文化程度", "婚姻状况", "与户主关系", "人群分类"}
	if err := w.SetRow("A1", head); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		birth := fmt.Sprintf("%04d%02d%02d", 1930+i/336_000, i/1000%12+1, i/12_000%28+1)
		number := ""
		first := fmt.Sprintf("990000%s%03d", birth, i%1000)
		for _, check := range "0123456789X" {
			if r, err := care.ParseResidentNumber(first + string(check)); err == nil {
				number = string(r)
				break
			}
		}
		sex := map[byte]string{0: "女", 1: "男"}[(first[16]-'0')%2]
		cells := []any{
			i + 1, "张试" + numerals.Replace(strconv.Itoa(i)), number, sex, birth, "100" + fmt.Sprintf("%08d", i), "试验村" + strconv.Itoa(i%40) + "组", fmt.Sprintf("431124%03d%03d", 1+i/20000, 1+i/1000%20),
			"小学", "已婚", "户主", "普通居民",
		}
		if err := w.SetRow(fmt.Sprintf("A%d", i+2), cells); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "roster.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// highWater is the greatest memory of this process since the last time, in MiB; 0 where
// the system does not say.
func highWater() int {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	var kb int
	_, _ = fmt.Sscan(string(after), &kb)
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600)
	return kb >> 10
}

// processor is what this process has used of it.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Server and command run in one process here, so its memory is that of both.
func TestImportAtSize(t *testing.T) {
	if *importRows == 0 {
		t.Skip("-import-rows says how many")
	}
	file := bigRoster(t, *importRows)
	one := newShell(t)
	one.serve("--county", "431124")
	debug.FreeOSMemory()
	highWater()
	for _, what := range []string{"new", "known"} {
		began, cpu := time.Now(), processor()
		told := decode[importTold](t, one.ok("import", "roster", file, "--save", "--author", "zhao", "--json"))
		took := time.Since(began)
		t.Logf("%s: %d rows in %v, %.0f rows/s, %v of processor, %d MiB at most (created %d, same %d, aside %d %v)", what, told.Rows, took.Round(time.Second),
			float64(told.Rows)/took.Seconds(), (processor() - cpu).Round(time.Second), highWater(), told.Created, told.Same, told.Aside, told.Doubts)
		if told.Rows != uint64(*importRows) || what == "new" && told.Created+told.Aside != told.Rows || what == "known" && told.Created+told.Updated > 0 {
			t.Errorf("%+v", told)
		}
	}
}
