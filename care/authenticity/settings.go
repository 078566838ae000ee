// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// ErrSettings is wrapped when a rule pack lacks a threshold, or has it in another shape.
var ErrSettings = errors.New("the rule pack cannot judge authenticity")

// Settings are the numbers that decide, by the name of their threshold without "auth_".
type Settings struct {
	P, Q                                                                                        int64 // in millionths
	DigitMin, DigitEffect, DigitOdd, DigitElectronic, DigitZero, DigitManualZero, DigitWithZero int64
	SpreadMin, SpreadMmhg, SpreadUsual                                                          int64
	BandLow, BandHigh, BandMean, BandPercent, BandUsual                                         int64
	ControlledMin, ControlledPercent, ControlledUsual                                           int64
	HeapMin, HeapLimit, HeapWidth, HeapRatio, HeapUsual                                         int64
	Run, RunRound, RunWeight, RunWeightRound, RepeatMin, RepeatPercent, RepeatUsual             int64
	CloneFields, CloneAll, Labs                                                                 int64
	Overlap, HomeVisits, FollowUps, SiteCheckups, Rapid, RapidRow                               int64
	Speed, SpeedFrom, Away, AwayCount, AwayPercent                                              int64
	SamePoint, SamePointHouseholds, Neighbour, Accuracy                                         int64
	NightFrom, NightUntil, NightRecords, FestivalDays, FestivalRecords                          int64
	BatchRecords, BatchDays, BatchMinutes                                                       int64
	LateDays, LatePercent, LateMin, OverdueDays                                                 int64
	RushDays, RushPercent, RushMin                                                              int64
	YearVisits, EarlyDays, EarlyPercent, EarlyUsual, YearMin                                    int64
	GridPercent, GridUsual, PlannedPercent, PlannedUsual, PlannedMin                            int64
	PhoneHouseholds, SeriesHouseholds, PhotoMinutes, ClockMinutes                               int64
	VillagesMinutes, NormalMin, NormalUsual, AbsenceDays                                        int64
	Festivals                                                                                   []care.Date
}

// prefix begins the names of this package's thresholds.
const prefix = "auth_"

// fields names every number of s.
func (s *Settings) fields() map[string]*int64 {
	return map[string]*int64{
		"p_x1000000": &s.P, "q_x1000000": &s.Q,
		"digit_min": &s.DigitMin, "digit_effect_x100": &s.DigitEffect, "digit_odd_percent": &s.DigitOdd, "digit_electronic_percent": &s.DigitElectronic, "digit_zero_percent": &s.DigitZero,
		"digit_manual_zero_percent": &s.DigitManualZero, "digit_manual_with_zero": &s.DigitWithZero,
		"spread_min": &s.SpreadMin, "spread_mmhg": &s.SpreadMmhg, "spread_usual_mmhg": &s.SpreadUsual,
		"band_low_mmhg": &s.BandLow, "band_high_mmhg": &s.BandHigh, "band_mean_mmhg": &s.BandMean, "band_percent": &s.BandPercent, "band_usual_percent": &s.BandUsual,
		"controlled_min": &s.ControlledMin, "controlled_percent": &s.ControlledPercent, "controlled_usual_percent": &s.ControlledUsual,
		"heap_min": &s.HeapMin, "heap_limit_mmhg": &s.HeapLimit, "heap_width_mmhg": &s.HeapWidth, "heap_ratio": &s.HeapRatio, "heap_usual_percent": &s.HeapUsual,
		"run": &s.Run, "run_round": &s.RunRound, "run_weight": &s.RunWeight, "run_weight_round": &s.RunWeightRound,
		"repeat_min": &s.RepeatMin, "repeat_percent": &s.RepeatPercent, "repeat_usual_percent": &s.RepeatUsual,
		"clone_fields": &s.CloneFields, "clone_all": &s.CloneAll, "labs": &s.Labs,
		"overlap_minutes": &s.Overlap, "home_visits_a_day": &s.HomeVisits, "follow_ups_a_day": &s.FollowUps, "site_checkups_a_day": &s.SiteCheckups,
		"rapid_minutes": &s.Rapid, "rapid_row": &s.RapidRow,
		"speed_km_per_h": &s.Speed, "speed_from_m": &s.SpeedFrom, "away_m": &s.Away, "away_count": &s.AwayCount, "away_percent": &s.AwayPercent,
		"same_point_m": &s.SamePoint, "same_point_households": &s.SamePointHouseholds, "neighbour_m": &s.Neighbour, "accuracy_m": &s.Accuracy,
		"night_from_hour": &s.NightFrom, "night_until_hour": &s.NightUntil, "night_records": &s.NightRecords,
		"festival_days": &s.FestivalDays, "festival_records": &s.FestivalRecords,
		"batch_records": &s.BatchRecords, "batch_days": &s.BatchDays, "batch_minutes": &s.BatchMinutes,
		"late_days": &s.LateDays, "late_percent": &s.LatePercent, "late_min": &s.LateMin, "overdue_days": &s.OverdueDays,
		"rush_days": &s.RushDays, "rush_percent": &s.RushPercent, "rush_min": &s.RushMin,
		"year_visits": &s.YearVisits, "early_days": &s.EarlyDays, "early_percent": &s.EarlyPercent, "early_usual_percent": &s.EarlyUsual, "year_min": &s.YearMin,
		"grid_percent": &s.GridPercent, "grid_usual_percent": &s.GridUsual,
		"planned_percent": &s.PlannedPercent, "planned_usual_percent": &s.PlannedUsual, "planned_min": &s.PlannedMin,
		"phone_households": &s.PhoneHouseholds, "series_households": &s.SeriesHouseholds, "photo_minutes": &s.PhotoMinutes, "clock_minutes": &s.ClockMinutes,
		"villages_minutes": &s.VillagesMinutes, "normal_min": &s.NormalMin, "normal_usual_percent": &s.NormalUsual, "absence_days": &s.AbsenceDays,
	}
}

// festivals names the list of the first days of the lunar year.
const festivals = prefix + "festivals"

// bounds returns between which numbers a threshold makes sense, by what its name ends with. A county may be stricter
// or milder; what finds everybody, or cannot be reached, is a slip of the pen.
func bounds(name string) (least, most int64) {
	switch {
	case strings.HasSuffix(name, "_percent"):
		return 1, 100
	case strings.HasSuffix(name, "_hour"):
		return 0, 24
	case strings.HasSuffix(name, "_x1000000"): // a probability: beyond one in ten chance alone finds many
		return 1, 100_000
	case strings.HasSuffix(name, "_min"): // of fewer no test says anything
		return 10, 1_000_000
	case name == "digit_manual_with_zero": // yes or no
		return 0, 1
	case name == "neighbour_m", name == "overlap_minutes", name == "photo_minutes", name == "clock_minutes":
		return 0, 100_000
	case name == "run", name == "run_round", name == "run_weight", name == "run_weight_round", name == "clone_fields", name == "clone_all", name == "labs",
		name == "same_point_households", name == "phone_households", name == "series_households", name == "rapid_row":
		return 2, 1_000_000 // one is always equal to itself
	}
	return 1, 1_000_000
}

// SettingsOf reads the thresholds of a composed pack. Every error wraps ErrSettings and names
// the threshold that is missing, is no single number, or not one that makes sense.
func SettingsOf(pack *carev1.RulePackContent) (Settings, error) {
	var s Settings
	has := map[string][]int64{}
	for _, t := range pack.GetThresholds() {
		switch v := t.GetValue().(type) {
		case *carev1.Threshold_Number:
			has[t.GetId()] = []int64{v.Number}
		case *carev1.Threshold_Numbers:
			has[t.GetId()] = v.Numbers.GetValues()
		}
	}
	fields := s.fields()
	for _, name := range sortedKeys(fields) {
		v, ok := has[prefix+name]
		switch {
		case !ok:
			return s, fmt.Errorf("%w: it has no number %s", ErrSettings, prefix+name)
		case len(v) != 1:
			return s, fmt.Errorf("%w: %s is not one number", ErrSettings, prefix+name)
		}
		if least, most := bounds(name); v[0] < least || v[0] > most {
			return s, fmt.Errorf("%w: %s is %d, and must be from %d to %d", ErrSettings, prefix+name, v[0], least, most)
		}
		*fields[name] = v[0]
	}
	if s.BandLow >= s.BandHigh {
		return s, fmt.Errorf("%w: %s is %d, and must be below %s, %d", ErrSettings, prefix+"band_low_mmhg", s.BandLow, prefix+"band_high_mmhg", s.BandHigh)
	}
	v, ok := has[festivals]
	if !ok {
		return s, fmt.Errorf("%w: it has no numbers %s", ErrSettings, festivals)
	}
	for _, d := range v {
		if d < 1e7 || d > 1e8 || !care.Date(d).Whole() {
			return s, fmt.Errorf("%w: %s: %d is no day", ErrSettings, festivals, d)
		}
		s.Festivals = append(s.Festivals, care.Date(d))
	}
	slices.Sort(s.Festivals)
	return s, nil
}

// share reports whether part is more than so many of a hundred.
func share(part, whole int, percent int64) bool { return int64(part)*100 > int64(whole)*percent }
