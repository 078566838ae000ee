// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// TestLibreOfficeReadsTheSame has LibreOffice turn a workbook into CSV, and compares it cell by cell with the CSV that is
// made here. XUNZHEN_LIBREOFFICE names the program.
func TestLibreOfficeReadsTheSame(t *testing.T) {
	program := os.Getenv("XUNZHEN_LIBREOFFICE")
	if program == "" {
		t.Skip("XUNZHEN_LIBREOFFICE=soffice reads workbooks back with LibreOffice")
	}
	w := newWorld(t)
	w.staff()
	for i := range 200 {
		a := w.resident(fmt.Sprintf("居民%d", i), village, 19500101, carev1.PopulationCode_POPULATION_CODE_HYPERTENSION)
		w.checkup(fmt.Sprint(i), a, village, 20260101+int32(i%28))
	}
	_, book := w.make(request("checkups"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file.xlsx"), book, 0o600); err != nil {
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
	ours := w.rowsOf(request("checkups"))
	if len(all) != headerRow+len(ours) {
		t.Fatalf("LibreOffice reads %d rows, %d were written", len(all)-headerRow, len(ours))
	}
	for i, row := range ours {
		if !slices.EqualFunc(all[headerRow+i], row, sameCell) {
			t.Fatalf("row %d:\n%q\nwant\n%q", i+1, all[headerRow+i], row)
		}
	}
	t.Logf("%d rows of %d cells are the same", len(ours), len(ours[0]))
}

// sameCell compares as people do: LibreOffice leaves out the zeros at the end of a number.
func sameCell(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return a == b || errX == nil && errY == nil && x == y && len(b) < 12
}
