// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"cmp"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// day looks at one day of a doctor.
func (y *doctorYear) day(day care.Date, visits []*Visit) {
	s := y.Settings
	homes := only(visits, func(v *Visit) bool { return v.Kind == care.KindHomeVisit })
	if n := len(grouped(homes, (*Visit).home)); int64(n) > s.HomeVisits {
		y.find(about("A07.home_visits", y.key(day), y.doctor, homes), Number{"count", float64(n)}, Number{"day", float64(day)})
	}
	followUps := only(visits, func(v *Visit) bool { return v.FollowUp() && v.Face() })
	if n := len(grouped(followUps, func(v *Visit) record.ID { return v.Person })); int64(n) > s.FollowUps {
		y.find(about("A07.follow_ups", y.key(day), y.doctor, followUps), Number{"count", float64(n)}, Number{"day", float64(day)})
	}
	face := only(visits, (*Visit).Face)
	if n := len(face); int64(n) >= s.FestivalRecords && y.festive(day) {
		y.find(about("A09.festival", y.key(day), y.doctor, face), Number{"count", float64(n)}, Number{"day", float64(day)})
	}
	y.overlaps(day, face)
	y.rapid(day, face)
	y.travel(day, homes)
	y.onePoint(day, homes)
	y.twoVillages(day, face)
	y.clones(day, visits)
}

func (y *doctorYear) festive(day care.Date) bool {
	for _, first := range y.Settings.Festivals {
		if n := daysBetween(first, day); n >= 0 && n < int(y.Settings.FestivalDays) {
			return true
		}
	}
	return false
}

// home returns whose home a visit was to: the household's, or the person's.
func (v *Visit) home() record.ID {
	if v.Household.IsZero() {
		return v.Person
	}
	return v.Household
}

// overlaps finds a doctor in a home and, at the same time, in another or at the clinic (A07).
// A checkup is a team's work, which the doctor need not stand by.
func (y *doctorYear) overlaps(day care.Date, visits []*Visit) {
	timed := only(visits, func(v *Visit) bool {
		return v.OnSite() && v.Ended > v.Began && (v.FollowUp() || v.Kind == care.KindHomeVisit)
	})
	var both []*Visit
	pairs, longest := 0, int64(0)
	for i, a := range timed {
		for _, b := range timed[i+1:] {
			if a.Kind != care.KindHomeVisit && b.Kind != care.KindHomeVisit || y.together(a, b) {
				continue
			}
			if over := min(a.Ended, b.Ended) - max(a.Began, b.Began); over > y.Settings.Overlap*minute {
				pairs++
				longest = max(longest, over)
				both = append(both, a, b)
			}
		}
	}
	if pairs > 0 {
		y.find(about("A07.overlap", y.key(day), y.doctor, both), Number{"day", float64(day)}, Number{"count", float64(pairs)}, Number{"minutes", float64(longest / minute)})
	}
}

// together reports whether two visits may be of one place: of one person or household, on one
// form of which the place is not known, or near each other.
func (y *doctorYear) together(a, b *Visit) bool {
	if a.Person == b.Person || !a.Household.IsZero() && a.Household == b.Household {
		return true
	}
	if far, ok := metres(a.Point, b.Point); ok {
		return far <= float64(y.Settings.Neighbour)
	}
	home := func(v *Visit) bool { return v.Kind == care.KindHomeVisit }
	if home(a) && home(b) {
		return a.Household.IsZero() || b.Household.IsZero()
	}
	return a.AtHome && b.AtHome // a follow-up in a home that it does not name
}

// rapid finds visits begun one right after the other (A07). Who live together are seen together.
func (y *doctorYear) rapid(day care.Date, visits []*Visit) {
	s := y.Settings
	timed := only(visits, func(v *Visit) bool { return v.OnSite() && (v.FollowUp() || v.Kind == care.KindHomeVisit) })
	slices.SortStableFunc(timed, func(a, b *Visit) int { return cmp.Compare(a.Began, b.Began) })
	timed = slices.CompactFunc(timed, func(a, b *Visit) bool {
		return a.Person == b.Person || !a.Household.IsZero() && a.Household == b.Household
	})
	from, best := 0, []*Visit(nil)
	for i := 1; i <= len(timed); i++ {
		if i < len(timed) && timed[i].Began-timed[i-1].Began < s.Rapid*minute {
			continue
		}
		if i-from > len(best) {
			best = timed[from:i]
		}
		from = i
	}
	if int64(len(best)) > s.RapidRow {
		y.find(about("A07.rapid", y.key(day), y.doctor, best), Number{"day", float64(day)}, Number{"count", float64(len(best))}, Number{"minutes", float64(s.Rapid)})
	}
}

// travel finds ways between home visits that nobody is so fast on (A08).
func (y *doctorYear) travel(day care.Date, homes []*Visit) {
	s := y.Settings
	placed := only(homes, func(v *Visit) bool { return v.Began > 0 && v.Point.sharp(s.Accuracy) })
	slices.SortStableFunc(placed, func(a, b *Visit) int { return cmp.Compare(a.Began, b.Began) })
	var ways []*Visit
	fastest, n := 0.0, 0
	for i := 1; i < len(placed); i++ {
		a, b := placed[i-1], placed[i]
		far, ok := metres(a.Point, b.Point)
		if !ok || far <= float64(s.SpeedFrom) {
			continue
		}
		took := b.Began - max(a.Began, min(a.Ended, b.Began))
		speed := far / 1000 / (max(float64(took), float64(minute)) / float64(60*minute))
		if speed > float64(s.Speed) {
			ways, n, fastest = append(ways, a, b), n+1, max(fastest, speed)
		}
	}
	if n > 0 {
		y.find(about("A08.speed", y.key(day), y.doctor, ways), Number{"day", float64(day)}, Number{"count", float64(n)}, Number{"speed", fastest})
	}
}

// onePoint finds the home visits of many households that were written in one place (A08). A
// household that is known to live there does not count.
func (y *doctorYear) onePoint(day care.Date, homes []*Visit) {
	s := y.Settings
	placed := only(homes, func(v *Visit) bool { return v.Point.sharp(s.Accuracy) && !v.Household.IsZero() && !y.lives(v) })
	var best []*Visit
	most := 0
	for _, anchor := range placed {
		near := only(placed, func(v *Visit) bool {
			far, ok := apart(anchor.Point, v.Point)
			return ok && far <= float64(s.SamePoint)
		})
		if n := len(grouped(near, func(v *Visit) record.ID { return v.Household })); n > most {
			best, most = near, n
		}
	}
	if int64(most) >= s.SamePointHouseholds {
		y.find(about("A08.same_point", y.key(day), y.doctor, best), Number{"day", float64(day)}, Number{"households", float64(most)}, Number{"metres", float64(s.SamePoint)})
	}
}

// lives reports whether a visit was where its household is known to live.
func (y *doctorYear) lives(v *Visit) bool {
	far, ok := metres(v.Point, y.around.Homes[v.Household])
	return ok && far <= float64(y.Settings.Neighbour)
}

// twoVillages finds services that begin in two villages within a minute, one of them in a home
// (A19). At the clinic people of many villages are seen.
func (y *doctorYear) twoVillages(day care.Date, visits []*Visit) {
	timed := only(visits, func(v *Visit) bool { return v.OnSite() && len(v.Division) == int(care.LevelVillage) })
	slices.SortStableFunc(timed, func(a, b *Visit) int { return cmp.Compare(a.Began, b.Began) })
	var both []*Visit
	pairs := 0
	for i := 1; i < len(timed); i++ {
		a, b := timed[i-1], timed[i]
		if a.Person != b.Person && a.Division != b.Division && (a.AtHome || b.AtHome) && b.Began-a.Began < y.Settings.VillagesMinutes*minute {
			both, pairs = append(both, a, b), pairs+1
		}
	}
	if pairs > 0 {
		y.find(about("A19.villages", y.key(day), y.doctor, both), Number{"day", float64(day)}, Number{"count", float64(pairs)})
	}
}

// clones finds different persons of one day with the same measurements (A03). Heights are left
// out: they are known before, so that a copied sheet has each one's own.
func (y *doctorYear) clones(day care.Date, visits []*Visit) {
	s := y.Settings
	measured := only(visits, func(v *Visit) bool { return int64(len(v.Values)) >= min(s.CloneAll, s.CloneFields) })
	var alike []*Visit
	least := 0
	for i, a := range measured {
		for _, b := range measured[i+1:] {
			if a.Person == b.Person {
				continue
			}
			same, common := equalValues(a.Values, b.Values)
			if int64(same) >= s.CloneFields || same == common && int64(common) >= s.CloneAll {
				alike = append(alike, a, b)
				if least == 0 || same < least {
					least = same
				}
			}
		}
	}
	if len(alike) > 0 {
		f := about("A03.vector", y.key(day), y.doctor, alike)
		persons := grouped(alike, func(v *Visit) record.ID { return v.Person })
		y.find(f, Number{"day", float64(day)}, Number{"persons", float64(len(persons))}, Number{"fields", float64(least)})
	}
}

// equalValues counts the fields but height that both have, and those of them that are equal. Both are by
// field.
func equalValues(a, b []Value) (same, common int) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].Field < b[j].Field:
			i++
		case a[i].Field > b[j].Field:
			j++
		case a[i].Field == Height:
			i, j = i+1, j+1
		default:
			common++
			if a[i].V == b[j].V {
				same++
			}
			i, j = i+1, j+1
		}
	}
	return same, common
}
