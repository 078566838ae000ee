// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"errors"
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// ErrSettings is wrapped when a pack lacks a number that indicators need, or has one that makes no sense.
var ErrSettings = errors.New("settings of the indicators")

// Settings are the numbers that decide, as a rule pack has them. They do not change, and may be used by
// many at once.
type Settings struct {
	number [numberCount]int64
	list   [listCount][]int64
}

// The numbers that decide, in the order of the table below.
const (
	agedYears = iota
	agedBasis
	childYears
	dependenceDays
	pregnancyDays
	pregnancyLongestDays
	postpartumDays
	postpartumLatestDays
	earlyBookWeeks
	newbornDays
	systolicTarget
	systolicTargetAged
	diastolicTarget
	targetAgedYears
	glucoseTargetX10
	uncontrolledDays
	graceDays
	missingItemsLimit
	regularPercentX10

	basicMissing
	dynamicDays
	checkedBasis
	tagErrors
	leastDays
	checkupMissing
	refusedCounts
	constitutionMissing
	acceptedLevel
	chronicYears
	managedVisits
	leastVisits
	proRataDays
	visitGapDays
	visitSpanDays
	phoneCounts
	hypertensionVisits
	diabetesVisits
	copdVisits
	mentalVisits
	mentalPhoneCounts
	handling
	checkupDays
	renewalDays
	fulfilment
	riseX100
	surveyForms
	refusedReached
	suspicionCounts
	numberCount
)

// The lists that decide.
const (
	mentalDays = iota
	dynamicKinds
	agedCheckupParts
	chronicCheckupParts
	diabetesCheckupParts
	mentalCheckupParts
	keyPopulations
	outreachActivities
	workPointsX100
	listCount
)

// A limit is what a number of the pack may be.
type limit struct {
	id       string
	min, max int64
}

var numbers = [numberCount]limit{
	agedYears:            {"aged_years", 40, 120},
	agedBasis:            {"aged_basis", 1, 2},
	childYears:           {"child_years", 1, 18},
	dependenceDays:       {"dependence_days", 1, 3660},
	pregnancyDays:        {"pregnancy_days", 200, 320},
	pregnancyLongestDays: {"pregnancy_longest_days", 250, 330},
	postpartumDays:       {"postpartum_days", 7, 120},
	postpartumLatestDays: {"postpartum_visit_latest_days", 1, 120},
	earlyBookWeeks:       {"early_book_weeks", 4, 40},
	newbornDays:          {"newborn_days", 1, 120},
	systolicTarget:       {"systolic_target", 80, 250},
	systolicTargetAged:   {"systolic_target_aged", 80, 250},
	diastolicTarget:      {"diastolic_target", 40, 150},
	targetAgedYears:      {"target_aged_years", 40, 120},
	glucoseTargetX10:     {"glucose_target_x10", 30, 200},
	uncontrolledDays:     {"uncontrolled_days", 1, 90},
	graceDays:            {"grace_days", 0, 90},
	missingItemsLimit:    {"missing_items_limit", 1, 10},
	regularPercentX10:    {"tuberculosis_regular_percent_x10", 1, 1000},

	basicMissing:        {"indicator_basic_missing", 0, basicItems},
	dynamicDays:         {"indicator_dynamic_days", 1, 3660},
	checkedBasis:        {"indicator_checked_basis", 1, 2},
	tagErrors:           {"indicator_tag_errors", 0, 1},
	leastDays:           {"indicator_least_days", 1, 366},
	checkupMissing:      {"indicator_checkup_missing", 0, checkupParts},
	refusedCounts:       {"indicator_refused_counts", 0, 1},
	constitutionMissing: {"indicator_constitution_missing", 0, 33},
	acceptedLevel:       {"indicator_accepted_level", 1, 3},
	chronicYears:        {"indicator_chronic_years", 0, 120},
	managedVisits:       {"indicator_managed_visits", 0, 60},
	leastVisits:         {"indicator_least_visits", 0, 60},
	proRataDays:         {"indicator_pro_rata_days", 1, 366},
	visitGapDays:        {"indicator_visit_gap_days", 0, 120},
	visitSpanDays:       {"indicator_visit_span_days", 0, 120},
	phoneCounts:         {"indicator_phone_counts", 0, 1},
	hypertensionVisits:  {"indicator_hypertension_visits", 1, 60},
	diabetesVisits:      {"indicator_diabetes_visits", 1, 60},
	copdVisits:          {"indicator_copd_visits", 1, 60},
	mentalVisits:        {"indicator_mental_visits", 1, 60},
	mentalPhoneCounts:   {"indicator_mental_phone_counts", 0, 1},
	handling:            {"indicator_handling", 0, 1},
	checkupDays:         {"indicator_checkup_days", 1, 367},
	renewalDays:         {"indicator_renewal_days", 0, 366},
	fulfilment:          {"indicator_fulfilment", 1, 2},
	riseX100:            {"indicator_rise_x100", 0, 10_000},
	surveyForms:         {"indicator_survey_forms", 1, 1_000_000},
	refusedReached:      {"indicator_refused_reached", 0, 1},
	suspicionCounts:     {"indicator_suspicion_counts", 0, 1},
}

// A listLimit is what a list of the pack may be: least and most entries, and what each may be.
type listLimit struct {
	limit
	least, most int
}

var lists = [listCount]listLimit{
	mentalDays:           {limit{"mental_days", 1, 366}, 3, 3},
	dynamicKinds:         {limit{"indicator_dynamic_kinds", 16, 127}, 1, 64},
	agedCheckupParts:     {limit{"indicator_aged_checkup_parts", 1, checkupParts}, 1, checkupParts},
	chronicCheckupParts:  {limit{"indicator_chronic_checkup_parts", 1, checkupParts}, 1, checkupParts},
	diabetesCheckupParts: {limit{"indicator_diabetes_checkup_parts", 1, checkupParts}, 1, checkupParts},
	mentalCheckupParts:   {limit{"indicator_mental_checkup_parts", 1, checkupParts}, 0, checkupParts},
	keyPopulations:       {limit{"indicator_key_populations", 1, lastPopulation}, 1, lastPopulation},
	outreachActivities:   {limit{"indicator_outreach_activities", 1, 9}, 1, 9},
	workPointsX100:       {limit{"indicator_work_points_x100", 0, 1_000_000}, int(workItemCount), int(workItemCount)},
}

// SettingsOf reads the settings out of a pack. Its errors wrap ErrSettings and name each number that is
// missing or makes no sense, all of them at once.
func SettingsOf(pack *carev1.RulePackContent) (Settings, error) {
	byID := map[string]*carev1.Threshold{}
	for _, th := range pack.GetThresholds() {
		byID[th.GetId()] = th
	}
	var s Settings
	var faults []error
	for i, want := range numbers {
		n, err := want.read(byID[want.id])
		s.number[i] = n
		faults = append(faults, err)
	}
	for i, want := range lists {
		l, err := want.read(byID[want.id])
		s.list[i] = l
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return Settings{}, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return s, nil
}

func (l limit) read(th *carev1.Threshold) (int64, error) {
	if th == nil {
		return 0, fmt.Errorf("the pack has no threshold %s: add it, from %d to %d", l.id, l.min, l.max)
	}
	value, ok := th.GetValue().(*carev1.Threshold_Number)
	if !ok {
		return 0, fmt.Errorf("threshold %s is not one number", l.id)
	}
	return value.Number, l.check(value.Number)
}

func (l limit) check(n int64) error {
	if n < l.min || n > l.max {
		return fmt.Errorf("threshold %s is %d: it must be from %d to %d", l.id, n, l.min, l.max)
	}
	return nil
}

func (l listLimit) read(th *carev1.Threshold) ([]int64, error) {
	if th == nil {
		return nil, fmt.Errorf("the pack has no threshold %s: add it, %d to %d numbers from %d to %d", l.id, l.least, l.most, l.min, l.max)
	}
	value, ok := th.GetValue().(*carev1.Threshold_Numbers)
	if !ok {
		return nil, fmt.Errorf("threshold %s is not a list of numbers", l.id)
	}
	all := value.Numbers.GetValues()
	if len(all) < l.least || len(all) > l.most {
		return nil, fmt.Errorf("threshold %s has %d numbers: it must have %d to %d", l.id, len(all), l.least, l.most)
	}
	for _, n := range all {
		if err := l.check(n); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// SettingIDs returns the thresholds that indicators read, in the order of the code.
func SettingIDs() []string {
	var out []string
	for _, n := range numbers {
		out = append(out, n.id)
	}
	for _, l := range lists {
		out = append(out, l.id)
	}
	return out
}

// RisesEnough reports whether a rise of G05 or G06, in hundredths of a percentage point, is what is wanted.
func (s Settings) RisesEnough(pointsX100 int64) bool { return pointsX100 >= s.number[riseX100] }
