// SPDX-License-Identifier: Apache-2.0

package trial

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"sync"
)

//go:embed diabetes442.csv
var csv string

// Row is one patient of diabetes442.csv.
type Row struct {
	Age, Sex                int
	BMI, MeanPressure       float64 // kg/m², mmHg
	TC, LDL, HDL, LnTG, Glu float64 // mg/dL, but for the logarithm
}

// Rows returns the patients of diabetes442.csv in its order; nobody changes them. An error is a
// fault of the file that was built in.
var Rows = sync.OnceValues(func() ([]Row, error) {
	lines := strings.Split(strings.TrimSpace(csv), "\n")[1:]
	rows := make([]Row, len(lines))
	for i, line := range lines {
		r, ratio := &rows[i], 0.0
		n, err := fmt.Sscanf(strings.ReplaceAll(line, ",", " "), "%d %d %f %f %f %f %f %f %f %f",
			&r.Age, &r.Sex, &r.BMI, &r.MeanPressure, &r.TC, &r.LDL, &r.HDL, &ratio, &r.LnTG, &r.Glu)
		if err != nil {
			return nil, fmt.Errorf("diabetes442.csv, line %d: %d of 10 numbers: %w", i+2, n, err)
		}
	}
	return rows, nil
})

// X100 returns a number as forms store it with two decimals.
func x100(v float64) *int32 {
	n := int32(math.Round(v * 100))
	return &n
}

// Glucose, cholesterol and triglycerides in hundredths of a mmol/L.
func (r Row) Glucose() *int32     { return x100(r.Glu / 18.0) }
func (r Row) Cholesterol() *int32 { return x100(r.TC / 38.67) }
func (r Row) LowDensity() *int32  { return x100(r.LDL / 38.67) }
func (r Row) HighDensity() *int32 { return x100(r.HDL / 38.67) }
func (r Row) Triglycerides() *int32 {
	return x100(math.Exp(r.LnTG) / 88.57)
}
