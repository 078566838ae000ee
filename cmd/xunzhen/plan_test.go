// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/plan"
)

func TestAPlanSaysWhatIsUsedUpFirst(t *testing.T) {
	s := newShell(t)
	s.says(s.ok("plan"), "One machine carries it", "disk", "Left out")
	s.says(s.ok("plan", "--counties", "100", "--tablets", "400"), "machines, so one database", "First used up")
	s.says(s.ok("plan", "--lang", "zh"), "一台机器即可", "最先用尽")
	p := decode[struct {
		plan.Plan
		Measured plan.Measured `json:"measured"`
	}](t, s.ok("plan", "--counties", "3", "--tablets", "10", "--json"))
	if p.Load.Tablets != 30 || p.Measured != plan.Shipped() || !p.Alone {
		t.Errorf("%+v", p)
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	text := "figure measured\n" + `{"upload_per_cpu_s": 10, "download_per_cpu_s": 10, "incremental_cpu_s": 2, "bytes_up_zstd": 1, "bytes_down_zstd": 1, "bytes_disk": 900, "form_bytes": 400, "rss_mb_100k": 100}` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.says(s.ok("plan", "--bench", file, "--disk", "1000000"), "First used up: processor")
	s.fails(exitFailed, []string{"bench --json"}, "plan", "--bench", filepath.Join(t.TempDir(), "none"))
	s.fails(exitFailed, []string{"above 0"}, "plan", "--tablets", "0")
}

func TestAnAmountHasThreeDigits(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 0.0123456: "0.0123", 1.005: "1", 37635: "37,600", 999.6: "1,000", 12.34: "12.3", 1234567: "1,230,000"} {
		if got := amount(n); got != want {
			t.Errorf("%v is %s, want %s", n, got, want)
		}
	}
}
