// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// TestLibreOfficeReadsTheSame has LibreOffice turn a workbook of each table into CSV, and compares it cell by cell with the
// CSV that is made here. XUNZHEN_LIBREOFFICE names the program.
func TestLibreOfficeReadsTheSame(t *testing.T) {
	program := os.Getenv("XUNZHEN_LIBREOFFICE")
	if program == "" {
		t.Skip("XUNZHEN_LIBREOFFICE=soffice reads workbooks back with LibreOffice")
	}
	w := newWorld(t)
	e := w.ten()
	for i := range 200 {
		a := w.resident(fmt.Sprintf("居民%d", i), village, 19500101, carev1.PopulationCode_POPULATION_CODE_HYPERTENSION)
		w.checkup(fmt.Sprintf("of %d", i), a, village, 20260101+int32(i%28))
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			book, err := e.Make(t.Context(), one(name), func(int, int) {})
			if err != nil {
				t.Fatal(err)
			}
			defer book.Close() //nolint:errcheck // the folder is the test's
			all, ours := byLibreOffice(t, program, book), w.rowsBy(e, one(name))
			if len(all) != headerRow+len(ours) || len(ours) == 0 {
				t.Fatalf("LibreOffice reads %d rows, %d were written", len(all)-headerRow, len(ours))
			}
			for i, row := range ours {
				if !slices.EqualFunc(all[headerRow+i], row, sameCell) {
					t.Fatalf("row %d:\n%q\nwant\n%q", i+1, all[headerRow+i], row)
				}
			}
			t.Logf("%d rows of %d cells are the same", len(ours), len(ours[0]))
		})
	}
}

// byLibreOffice returns the rows of the first sheet of a workbook as LibreOffice reads them.
func byLibreOffice(t *testing.T, program string, book io.Reader) [][]string {
	t.Helper()
	content, err := io.ReadAll(book)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file.xlsx"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--headless", "-env:UserInstallation=file://"+dir+"/profile", //nolint:gosec // the tester names it
		"--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false", "--outdir", dir, filepath.Join(dir, "file.xlsx"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	theirs, err := os.ReadFile(filepath.Join(dir, "file.csv"))
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(theirs))
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sameCell compares as people do: LibreOffice leaves out the zeros at the end of a number, of one in per cent, too.
func sameCell(a, b string) bool {
	if x, ok := strings.CutSuffix(a, "%"); ok {
		if y, ok := strings.CutSuffix(b, "%"); ok {
			return sameCell(x, y)
		}
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return a == b || errX == nil && errY == nil && x == y && len(b) < 12
}
