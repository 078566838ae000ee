// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const visitJSON = `{
  "service_date": 20260314,
  "service_mode": "SERVICE_MODE_ON_CALL",
  "purposes": [
    "VISIT_PURPOSE_HYPERTENSION"
  ],
  "temperature_c_x10": 365,
  "blood_pressure": {
    "systolic_mmhg": 150,
    "diastolic_mmhg": 90
  },
  "medications": {
    "k7f3q2xw": {
      "name": "氨氯地平",
      "dose_x1000": "5000",
      "dose_unit": "mg"
    }
  }
}`

func TestJSONIsTheSameTextBothWays(t *testing.T) {
	m, err := ParseJSON(KindHomeVisit, []byte(visitJSON))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.(*carev1.HomeVisit).GetMedications()["k7f3q2xw"].GetDoseX1000(); got != 5000 {
		t.Errorf("dose %d", got)
	}
	if text, err := FormatJSON(m); err != nil || string(text) != visitJSON {
		t.Errorf("written (%v):\n%s", err, text)
	}
}

func TestParseJSONSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a field the form lacks": {`{"temprature": 36}`, "temprature"},
		"a code the list lacks":  {`{"service_mode": "SERVICE_MODE_TELEPATHY"}`, "SERVICE_MODE_TELEPATHY"},
		"a decimal":              {`{"temperature_c_x10": 36.5}`, "36.5"},
		"no JSON":                {`service_date: 3`, ""},
		"too deep":               {strings.Repeat(`[`, 100000), ""},
	} {
		if m, err := ParseJSON(KindHomeVisit, []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if _, err := ParseJSON(9, nil); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("unknown kind: %v", err)
	}
}

func TestFormatValueShowsOneRegister(t *testing.T) {
	shown := opened(t, KindCheckup, &carev1.Checkup{General: &carev1.CheckupGeneral{PulsePerMin: proto.Int32(70), WaistCmX10: proto.Int32(800)}})
	text, err := FormatValue(KindCheckup, shown[0].Path, shown[0].Siblings[0].Value)
	if want := "{\n  \"general\": {\n    \"pulse_per_min\": 70\n  }\n}"; err != nil || string(text) != want {
		t.Errorf("%s (%v), want %s", text, err, want)
	}
	if text, err := FormatValue(KindCheckup, shown[0].Path, record.Value{Form: record.Clear}); err != nil || string(text) != "{}" {
		t.Errorf("cleared: %s (%v)", text, err)
	}
	if _, err := FormatValue(9, shown[0].Path, record.Value{}); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("unknown kind: %v", err)
	}
}
