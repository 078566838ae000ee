// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestFollowersAreMeasuredInACountyThatIsThere(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	executable, data := built(t), t.TempDir()+"/county"
	if out, err := exec.CommandContext(t.Context(), executable, "populate", data, "--residents", "120").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var out bytes.Buffer
	l, err := Follower(t.Context(), FollowerOptions{
		Data: data, Executable: executable, JSON: true, Out: &out, Clock: time.Now, Seed: 1, devices: 2, segments: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got Lag
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil || got != l {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if l.Records != 400 || l.UploadPerS <= 0 || l.WorkedPerS <= 0 || l.WorkedPerS > l.UploadPerS || l.LagMax > 400 || l.LagMax < l.LagP50 || l.Sets == 0 {
		t.Errorf("%+v", l)
	}
	// It can be done again, with other records.
	if l, err = Follower(t.Context(), FollowerOptions{Data: data, Executable: executable, Out: &out, Clock: time.Now, Seed: 1, devices: 1, segments: 1}); err != nil || l.Records != 100 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestFollowersAreNotMeasuredWhereThereIsNoCounty(t *testing.T) {
	empty := t.TempDir()
	if _, err := Follower(t.Context(), FollowerOptions{Data: empty, Executable: "none", Clock: time.Now}); err == nil || !strings.Contains(err.Error(), "populate") {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestLagIsReadOffSamples(t *testing.T) {
	s := time.Second
	var l Lag
	l.sum([]sample{{0, 0, 0}, {s, 100, 0}, {2 * s, 200, 50}, {3 * s, 300, 120}, {5 * s, 300, 250}, {6 * s, 300, 300}}, 300, 3*s)
	want := Lag{
		Records: 300, UploadPerS: 100, WorkedPerS: 50, LagP50: 100, LagP99: 180, LagMax: 180, LagSP50: 2, LagSP99: 3, LagSMax: 3, CatchUpS: 3, SampledEach: 0.1,
	}
	if l != want {
		t.Errorf("%+v, want %+v", l, want)
	}
}
