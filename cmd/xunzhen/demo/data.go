// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	_ "embed" // the files below
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
)

//go:embed data/divisions.csv
var divisionsCSV []byte

//go:embed data/diabetes442.csv
var diabetesCSV []byte

// division is one administrative division.
type division struct {
	code, level, parent, name string
}

// measured is what was really measured of one person.
type measured struct {
	ageYears    int
	sexCode     int // 1 or 2; the source does not say which is which
	bmi         float64
	meanBP      float64 // mmHg
	totalMgDl   float64
	ldlMgDl     float64
	hdlMgDl     float64
	lnTrigMgDl  float64
	glucoseMgDl float64
}

// Factors from mg/dL to mmol/L.
const (
	cholesterolFactor  = 38.67
	triglycerideFactor = 88.57
	glucoseFactor      = 18.0
)

// hundredths turns mg/dL into hundredths of a mmol/L, as forms keep them.
func hundredths(mgDl, factor float64) *int32 {
	n := int32(math.Round(mgDl / factor * 100))
	return &n
}

// readDivisions returns the divisions in the order of the file.
func readDivisions() ([]division, error) {
	rows, err := readCSV(divisionsCSV, "code", "level", "parent", "name")
	if err != nil {
		return nil, fmt.Errorf("divisions: %w", err)
	}
	out := make([]division, len(rows))
	for i, r := range rows {
		out[i] = division{r[0], r[1], r[2], r[3]}
	}
	return out, nil
}

// readMeasured returns the measurements in the order of the file.
func readMeasured() ([]measured, error) {
	rows, err := readCSV(diabetesCSV, "age_years", "sex", "bmi_kg_m2", "mean_bp_mmhg", "tc_mg_dl", "ldl_mg_dl",
		"hdl_mg_dl", "tc_hdl_ratio", "ln_tg", "glucose_mg_dl")
	if err != nil {
		return nil, fmt.Errorf("measurements: %w", err)
	}
	out := make([]measured, len(rows))
	for i, r := range rows {
		var n [10]float64
		for at, text := range r {
			if n[at], err = strconv.ParseFloat(text, 64); err != nil {
				return nil, fmt.Errorf("measurements, row %d: %w", i+1, err)
			}
		}
		out[i] = measured{int(n[0]), int(n[1]), n[2], n[3], n[4], n[5], n[6], n[8], n[9]}
	}
	return out, nil
}

// readCSV returns the rows of a file whose first row must be these columns.
func readCSV(file []byte, columns ...string) ([][]string, error) {
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord = len(columns)
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	for i, c := range columns {
		if rows[0][i] != c {
			return nil, fmt.Errorf("column %d is %q, not %q", i+1, rows[0][i], c)
		}
	}
	return rows[1:], nil
}

// Place is a division with its name.
type Place struct{ Code, Name string }

// Places returns the townships (9 digits) and villages (12 digits) of a county of the demo's
// data, 130403 or 431124, each in the order of the file; none for another county.
func Places(county string) (townships, villages []Place, err error) {
	all, err := readDivisions()
	if err != nil {
		return nil, nil, err
	}
	for _, d := range all {
		switch {
		case len(d.code) == 9 && d.code[:6] == county:
			townships = append(townships, Place{d.code, d.name})
		case len(d.code) == 12 && d.code[:6] == county:
			villages = append(villages, Place{d.code, d.name})
		}
	}
	return townships, villages, nil
}
