// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestTheOfficeExportsTablesAndPersons(t *testing.T) {
	one, _ := clinic(t)
	resident := one.save(`{"name": "王试春", "sex": "SEX_MALE", "birth_date": 19500306, "tags": {"1": {"code": "POPULATION_CODE_HYPERTENSION", "since": 20200101}}}`, "--kind", "resident")
	one.save(`{"service_date": 20260301, "way": "FOLLOW_UP_WAY_HOME", "blood_pressure": {"systolic_mmhg": 130, "diastolic_mmhg": 80}}`,
		"--kind", "hypertension_follow_up", "--subject", resident)
	one.ok("tablet", "sync")
	one.followed()
	dir := t.TempDir()
	file := filepath.Join(dir, "慢病.xlsx")
	who := []string{"--author", "zhao", "--purpose", "half-year report"}
	args := append([]string{"export", "chronic", "--period", "2026", "-o", file}, who...)
	made := decode[exportDoc](t, one.ok(append(args, "--json")...))
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(content); made.Sha256 != hex.EncodeToString(sum[:]) || !bytes.HasPrefix(content, []byte("PK")) || made.Rows != 1 || len(made.Tables) != 3 {
		t.Errorf("%+v", made)
	}
	one.fails(exitFailed, []string{"there already", "--force"}, args...)
	one.says(one.ok(append(args, "--force")...), "1 rows", "SHA-256", made.Tables[0].RowsSha256)

	rows := filepath.Join(dir, "rows.csv")
	one.ok(append([]string{"export", "chronic", "--period", "2026", "--disease", "hypertension", "--rows-only", "-o", rows}, who...)...)
	if content, err = os.ReadFile(rows); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(content); made.Tables[0].RowsSha256 != hex.EncodeToString(sum[:]) {
		t.Errorf("the rows are not those of the workbook:\n%s", content)
	}

	bundle := filepath.Join(dir, "bundle.json")
	one.ok(append([]string{"export", "person", resident, "-o", bundle}, who...)...)
	if content, err = os.ReadFile(bundle); err != nil || !json.Valid(content) || !bytes.Contains(content, []byte(`"resourceType": "Patient"`)) {
		t.Errorf("%v\n%s", err, content)
	}

	bad := filepath.Join(dir, "bad.csv")
	for _, c := range []struct {
		words []string
		args  []string
	}{
		{[]string{"what for"}, []string{"export", "events", "--period", "2026", "-o", bad}},
		{[]string{"no period"}, append([]string{"export", "events", "--period", "soon", "-o", bad}, who...)},
		{[]string{"room for one table"}, append([]string{"export", "chronic", "--period", "2026", "-o", bad}, who...)},
		{[]string{"checkups"}, append([]string{"export", "everything", "--period", "2026", "-o", bad}, who...)},
		{[]string{"has not begun"}, append([]string{"export", "events", "--period", "2199", "-o", bad}, who...)},
		{[]string{"ending"}, append([]string{"export", "events", "--period", "2026", "-o", filepath.Join(dir, "bad.doc")}, who...)},
		{[]string{"where the file goes"}, append([]string{"export", "events", "--period", "2026"}, who...)},
		{[]string{"which person"}, append([]string{"export", "person", "-o", bundle}, who...)},
		{[]string{"no division"}, append([]string{"export", "events", "--period", "2026", "--division", "7", "-o", bad}, who...)},
	} {
		one.fails(exitFailed, c.words, c.args...)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("in the folder are %v, %v", left, err)
	}
	one.says(one.ok("export", "--list"), "checkups", "chronic --disease hypertension", "person")
}
