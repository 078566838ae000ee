// SPDX-License-Identifier: Apache-2.0

package indicators

import "github.com/xunzhen/xunzhen/syncengine/record"

// A what says what was done: the number of the record's kind, or one of those above 200 for what
// stands inside a record.
type what uint8

const (
	whatHomeVisit        what = 17
	whatHypertension     what = 18
	whatDiabetes         what = 19
	whatCheckup          what = 20
	whatCopd             what = 21
	whatSelfCare         what = 22
	whatConstitution     what = 23
	whatAntenatal        what = 24
	whatPostpartum       what = 25
	whatNewborn          what = 26
	whatChild            what = 27
	whatMental           what = 28
	whatTuberculosis     what = 29
	whatContract         what = 31
	whatService          what = 32
	whatScreening        what = 35
	whatClinicVisit      what = 36
	whatOutreach         what = 37
	whatSurvey           what = 38
	whatLiteracy         what = 39
	whatFeedback         what = 40
	whatReferral         what = 41
	whatVerification     what = 43
	whatTask             what = 44
	whatStatistic        what = 45
	whatOrganisation     what = 47
	whatTuberculosisHome what = 52

	whatMilestone what = 201 // of an event: on is its last day
	whatReview    what = 202 // of a resident record: doctor is who checked it
	whatUpdate    what = 203 // of a resident record: doctor is who saved it last
)

// kindVitalEvent and the kinds that the residents of a person are told by.
const (
	kindResident   record.Kind = 16
	kindVitalEvent record.Kind = 42
)

// Flags of events. The lowest eight are of every kind alike, or of the kind that is named.
const (
	flagFace      uint32 = 1 << iota // of follow-ups: at the clinic or at home
	flagPhone                        // of follow-ups: by telephone
	flagReferred                     // of follow-ups: a referral is written down
	flagReached                      // of visits: the person, or family, was met
	flagPaid                         // of contracts and services
	flagMet                          // of organisations: the standard is met
	flagError                        // rules find an error in the record
	flagSuspicion                    // checks of authenticity doubt the record
)

// More flags, by kind.
const (
	flagHypertension uint32 = 1 << (iota + 8) // of visits: with hypertension
	flagDiabetes                              // of visits: with diabetes
	flagSigned                                // of contracts: it was signed
	flagAdvice                                // of constitutions: advice was given
	flagGreen                                 // of referrals: by the green channel
	flagHoliday                               // of events: on a day off
	flagArchive                               // of verifications: of the whole archive
	flagLost                                  // of follow-ups: the person was not found
)

// basicItems is how many items of the basic form are asked for, and coverItems how many of the cover.
const (
	basicItems = 19
	coverItems = 8
)

// Where the number of missing items of a follow-up stands in its flags.
const missingShift = 24
