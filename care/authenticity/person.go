// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// alone returns what is found in the visits of one person.
func (r *Rules) alone(p *rules.Person, visits []Visit) []Finding {
	all := pointers(visits)
	out := r.inHospital(p, all)
	out = append(out, r.runs(all)...)
	out = append(out, r.repeatedVectors(all)...)
	out = append(out, r.absent(p, all)...)
	return append(out, r.photoTimes(p, all)...)
}

// inHospital finds visits that saw somebody strictly between admission and discharge (A01).
func (r *Rules) inHospital(p *rules.Person, visits []*Visit) []Finding {
	var out []Finding
	found := map[record.ID]bool{}
	for _, e := range p.Entries() {
		m, ok := e.Form.(*carev1.Checkup)
		if !ok {
			continue
		}
		stays := m.GetAdmissions().GetHospitalStays()
		for _, key := range sortedKeys(stays) {
			in, until := care.Date(stays[key].GetAdmittedOn()), care.Date(stays[key].GetDischargedOn())
			for _, v := range visits {
				if !in.Whole() || !until.Whole() || v.Day <= in || v.Day >= until || !v.Face() || found[v.Record] {
					continue
				}
				found[v.Record] = true
				f := about("A01.hospital", v.Record.String(), v.Doctor, []*Visit{v})
				f.Items = append(f.Items, Item{Record: e.ID, Person: p.ID(), Division: v.Division, Class: v.Class, Day: care.Date(m.GetServiceDate())})
				f.say(Number{"from", float64(in)}, Number{"to", float64(until)}, Number{"day", float64(v.Day)})
				out = append(out, f)
			}
		}
	}
	return out
}

// runs finds the same pressure, or the same weight, in consecutive visits (A02). Pressures that
// both end in 0 are what a rounded reading gives, and weights of half or whole kilograms what
// many scales show: they must come more often. Records of one day
// are one measurement, written on two forms.
func (r *Rules) runs(visits []*Visit) []Finding {
	pressure := func(v *Visit) [2]int32 {
		s, _ := v.Get(Systolic)
		d, _ := v.Get(Diastolic)
		return [2]int32{s, d}
	}
	weight := func(v *Visit) [2]int32 {
		w, _ := v.Get(Weight)
		return [2]int32{w, w}
	}
	measured := daily(visits, func(v *Visit) bool { p := pressure(v); return p[0] > 0 && p[1] > 0 && !v.Legacy() })
	out := longest("A02.pressure", measured, pressure, func(p [2]int32) int64 {
		if p[0]%10 == 0 && p[1]%10 == 0 {
			return r.Settings.RunRound
		}
		return r.Settings.Run
	})
	weighed := daily(visits, func(v *Visit) bool { return weight(v)[0] > 0 && !v.Legacy() })
	return append(out, longest("A02.weight", weighed, weight, func(w [2]int32) int64 {
		if w[0]%halfKilogram == 0 {
			return r.Settings.RunWeightRound
		}
		return r.Settings.RunWeight
	})...)
}

// halfKilogram is what coarse scales show, in tenths of a kilogram.
const halfKilogram = 5

// daily returns the visits that keep says yes to, the first of each day.
func daily(visits []*Visit, keep func(*Visit) bool) []*Visit {
	var out []*Visit
	for _, v := range visits {
		if keep(v) && (len(out) == 0 || out[len(out)-1].Day != v.Day) {
			out = append(out, v)
		}
	}
	return out
}

// longest returns a finding for each run of one value that is long enough.
func longest(rule string, visits []*Visit, value func(*Visit) [2]int32, enough func([2]int32) int64) []Finding {
	var out []Finding
	for from := 0; from < len(visits); {
		to := from + 1
		for to < len(visits) && value(visits[to]) == value(visits[from]) {
			to++
		}
		if v := value(visits[from]); int64(to-from) >= enough(v) {
			f := about(rule, visits[from].Record.String(), visits[to-1].Doctor, visits[from:to])
			f.say(Number{"times", float64(to - from)}, Number{"first", float64(v[0])}, Number{"second", float64(v[1])}, Number{"kg", float64(v[0]) / 10})
			out = append(out, f)
		}
		from = to
	}
	return out
}

// vectorFields are the six numbers that A02 compares between any two visits of a person.
var vectorFields = [...]Field{Systolic, Diastolic, HeartRate, Weight, Waist, FastingGlucose}

// vectorEnough is how many of the six both visits must have: all but one, since no form but
// the home visit's and the checkup's has them all.
const vectorEnough = len(vectorFields) - 1

// repeatedVectors finds two visits of different days that agree in everything measured (A02).
func (r *Rules) repeatedVectors(visits []*Visit) []Finding {
	type vector [len(vectorFields)]int32
	first := map[vector]*Visit{}
	var out []Finding
	for _, v := range visits {
		var key vector
		n := 0
		for i, f := range vectorFields {
			var ok bool
			if key[i], ok = v.Get(f); ok {
				n++
			}
		}
		if n < vectorEnough || v.Legacy() {
			continue
		}
		was := first[key]
		if was == nil {
			first[key] = v
			continue
		}
		if was.Day == v.Day {
			continue
		}
		f := about("A02.vector", v.Record.String(), v.Doctor, []*Visit{was, v})
		f.say(Number{"fields", float64(n)}, Number{"day", float64(v.Day)}, Number{"earlier", float64(was.Day)})
		out = append(out, f)
	}
	return out
}

// absent finds visits that saw somebody between two home visits that found the person out, in
// hospital or moved (A16).
func (r *Rules) absent(p *rules.Person, visits []*Visit) []Finding {
	away := map[record.ID]bool{}
	for _, e := range p.Entries() {
		if m, ok := e.Form.(*carev1.HomeVisit); ok && m.GetMetResident() == carev1.MetResident_MET_RESIDENT_NOT_MET {
			switch m.GetAbsentReason() {
			case carev1.AbsentReason_ABSENT_REASON_OUT, carev1.AbsentReason_ABSENT_REASON_IN_HOSPITAL, carev1.AbsentReason_ABSENT_REASON_MOVED_AWAY:
				away[e.ID] = true
			}
		}
	}
	var out []Finding
	var before *Visit
	var seen []*Visit
	for _, v := range visits {
		switch {
		case away[v.Record]:
			if before != nil && daysBetween(before.Day, v.Day) <= int(r.Settings.AbsenceDays) {
				for _, s := range seen {
					if s.Day > before.Day && s.Day < v.Day {
						f := about("A16.absent", s.Record.String(), s.Doctor, []*Visit{before, s, v})
						f.say(Number{"day", float64(s.Day)}, Number{"from", float64(before.Day)}, Number{"to", float64(v.Day)})
						out = append(out, f)
					}
				}
			}
			before, seen = v, nil
		case v.Face():
			seen = append(seen, v)
		}
	}
	return out
}

// photoTimes finds photographs that were taken at another time than their visit (A17).
func (r *Rules) photoTimes(p *rules.Person, visits []*Visit) []Finding {
	byID := map[record.ID]*Visit{}
	for _, v := range visits {
		byID[v.Record] = v
	}
	slack := r.Settings.PhotoMinutes * time.Minute.Milliseconds()
	var out []Finding
	for _, e := range p.Entries() {
		m, ok := e.Form.(*carev1.HomeVisit)
		v := byID[e.ID]
		if !ok || v == nil || v.Began == 0 || v.Legacy() {
			continue
		}
		outside, furthest := 0, int64(0)
		for _, photo := range m.GetPhotos() {
			at := photo.GetTakenAtMs()
			if off := max(v.Began-at, at-max(v.Ended, v.Began)); at > 0 && off > slack {
				outside, furthest = outside+1, max(furthest, off)
			}
		}
		if outside > 0 {
			f := about("A17.time", v.Record.String(), v.Doctor, []*Visit{v})
			f.say(Number{"photos", float64(outside)}, Number{"minutes", float64(furthest / time.Minute.Milliseconds())})
			out = append(out, f)
		}
	}
	return out
}

// daysBetween returns the days from a to b, both whole.
func daysBetween(a, b care.Date) int {
	return int(noon(b).Sub(noon(a)).Hours()) / 24
}

func noon(d care.Date) time.Time {
	return time.Date(d.Year(), time.Month(d.Month()), d.Day(), 12, 0, 0, 0, time.UTC)
}
