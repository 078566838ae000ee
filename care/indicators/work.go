// SPDX-License-Identifier: Apache-2.0

package indicators

import "github.com/xunzhen/xunzhen/syncengine/record"

// A WorkItem is something that a doctor is given points for (工分).
type WorkItem uint8

// The items, in the order in which the rule pack has their points.
const (
	WorkArchiveCreated WorkItem = iota
	WorkArchiveChecked
	WorkArchiveUpdated
	WorkLeaflet
	WorkBoard
	WorkConsultation
	WorkLecture
	WorkAgedCheckup
	WorkHypertensionVisit1
	WorkHypertensionVisit2
	WorkHypertensionVisit3
	WorkHypertensionVisit4
	WorkHypertensionExtra1
	WorkHypertensionExtra2
	WorkHypertensionCheckup
	WorkDiabetesVisit1
	WorkDiabetesVisit2
	WorkDiabetesVisit3
	WorkDiabetesVisit4
	WorkDiabetesExtra1
	WorkDiabetesExtra2
	WorkDiabetesCheckup
	WorkMentalCheckup
	WorkChineseMedicine
	WorkContract
	WorkPaidContract
	WorkPaidService
	WorkFreeService
	workItemCount
)

// A Work is how often a doctor did something.
type Work struct {
	Item     WorkItem
	Doctor   string
	Division record.Division
	Times    int64
}
