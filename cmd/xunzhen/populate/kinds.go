// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// numbers are the kinds by the names of their messages.
var numbers = sync.OnceValue(func() map[protoreflect.FullName]record.Kind {
	out := map[protoreflect.FullName]record.Kind{}
	for kind, t := range care.Types() {
		out[t.Descriptor().FullName()] = kind
	}
	return out
})

// kindOf returns the kind of a form.
func kindOf(form proto.Message) record.Kind {
	return numbers()[form.ProtoReflect().Descriptor().FullName()]
}

// messages are what events save.
var messages = [...]proto.Message{
	registering: (*carev1.Resident)(nil), household: (*carev1.Household)(nil), hypertensionVisit: (*carev1.HypertensionFollowUp)(nil),
	diabetesVisit: (*carev1.DiabetesFollowUp)(nil), copdVisit: (*carev1.CopdFollowUp)(nil), checkup: (*carev1.Checkup)(nil),
	selfCare: (*carev1.SelfCareAssessment)(nil), constitution: (*carev1.TcmConstitution)(nil), signing: (*carev1.Contract)(nil),
	homeVisit: (*carev1.HomeVisit)(nil), screening: (*carev1.DiseaseScreening)(nil), childVisit: (*carev1.ChildVisit)(nil),
	clinicVisit: (*carev1.ClinicVisit)(nil), contractService: (*carev1.ContractService)(nil), death: (*carev1.VitalEvent)(nil),
}
