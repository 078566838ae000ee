// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// KeyKind says what persons have in common who bear a key.
type KeyKind int

// The kinds of keys.
const (
	KeyPhone  KeyKind = 1 + iota // one telephone number
	KeySeries                    // one doctor's residents, all but the last two digits
	KeyPhoto
	KeyPanel
	KeyNumber // of an identity document
	KeyName   // in one village
	KeySite   // checkups of one organisation and day
	KeyHome   // visits to a household: not compared, but done anew when it moves
	KeySigner // records signed by another than their doctor: likewise, when the signer's posts change
)

// Key is what one record may have in common with others.
type Key struct {
	Kind   KeyKind
	Hash   int64
	Member Member
}

// Member is one who bears a key.
type Member struct {
	Record, Person, Household record.ID
	Doctor, Unit              string
	Division                  record.Division
	Class                     record.Class
	Day                       care.Date
	Birth                     care.Date // of residents under a name
	Number, Place             string    // of residents under a name: identity number, telephone and address
	Staff                     bool      // the number is a member of staff's own
}

// item returns m as evidence.
func (m *Member) item() Item { return Item{m.Record, m.Person, m.Division, m.Class, m.Day} }

// home returns what tells households apart: the household, else the address, else the person.
func (m *Member) home() string {
	switch {
	case !m.Household.IsZero():
		return string(m.Household[:])
	case strings.ContainsAny(m.Place, "0123456789"): // down to the house, not the village's name
		return m.Place
	}
	return string(m.Person[:])
}

// hash returns the first bytes of a SHA-256, which are kept instead of what is compared.
func hash(parts ...string) int64 {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	out := int64(0)
	for _, b := range sum[:8] {
		out = out<<8 | int64(b)
	}
	return out
}

// keysOf returns the keys of a record by itself.
func keysOf(person record.ID, e rules.Entry, p Place) []Key {
	switch m := e.Form.(type) {
	case *carev1.Resident:
		return residentKeys(person, e.ID, m, p)
	case *carev1.Staff:
		if phone := phoneDigits(m.GetPhone()); phone != "" {
			return []Key{{KeyPhone, hash(phone), Member{Record: e.ID, Person: person, Doctor: m.GetStaffId(), Division: p.Division, Class: p.Class, Staff: true}}}
		}
	case *carev1.HomeVisit:
		return visitKeys(person, e.ID, m, p)
	case *carev1.Checkup:
		if m.GetOrganisationCode() != "" {
			return []Key{{KeySite, hash("site", m.GetOrganisationCode(), fmt.Sprint(m.GetServiceDate())), Member{
				Record: e.ID, Person: person, Doctor: m.GetDoctorId(), Unit: m.GetOrganisationCode(),
				Division: p.Division, Class: p.Class, Day: care.Date(m.GetServiceDate()),
			}}}
		}
	}
	return nil
}

// phoneDigits returns a telephone number without what people write around it; "" for what is
// too short to be one.
func phoneDigits(text string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, care.NormaliseNumber(text))
	if len(digits) == 13 && strings.HasPrefix(digits, "86") {
		digits = digits[2:]
	}
	if len(digits) < 7 {
		return ""
	}
	return digits
}

func residentKeys(person, id record.ID, m *carev1.Resident, p Place) []Key {
	phone, number := phoneDigits(m.GetPhone()), care.MatchKey(m.GetIdentityDocument())
	member := Member{
		Record: id, Person: person, Household: idOf(m.GetHouseholdId()), Doctor: m.GetDoctorId(), Unit: m.GetOrganisationCode(),
		Division: p.Division, Class: p.Class, Day: care.Date(m.GetRegisteredOn()), Place: strings.TrimSpace(m.GetAddress().GetText()),
	}
	var out []Key
	if phone != "" {
		out = append(out, Key{KeyPhone, hash(phone), member})
		if len(phone) == 11 && phone[0] == '1' {
			out = append(out, Key{KeySeries, hash("series", member.Doctor, phone[:9]), member})
		}
	}
	if number != "" {
		out = append(out, Key{KeyNumber, hash("number", number), member})
	}
	if name := care.NormaliseName(m.GetName()); name != "" && p.Division != "" {
		member.Birth, member.Number, member.Place = care.Date(m.GetBirthDate()), number, phone
		out = append(out, Key{KeyName, hash("name", name, string(p.Division)), member})
	}
	return out
}

func visitKeys(person, id record.ID, m *carev1.HomeVisit, p Place) []Key {
	member := Member{
		Record: id, Person: person, Household: idOf(m.GetHouseholdId()), Doctor: m.GetDoctorId(), Unit: m.GetOrganisationCode(),
		Division: p.Division, Class: p.Class, Day: care.Date(m.GetServiceDate()),
	}
	var out []Key
	if !member.Household.IsZero() && m.GetPosition() != nil {
		out = append(out, Key{KeyHome, HomeHash(member.Household), member})
	}
	seen := map[string]bool{}
	for _, key := range sortedKeys(m.GetPhotos()) {
		if sum := string(m.GetPhotos()[key].GetSha256()); len(sum) == sha256.Size && !seen[sum] {
			seen[sum] = true
			out = append(out, Key{KeyPhoto, hash("photo", sum), member})
		}
	}
	return out
}

// signerKey returns the key of a record that another than its doctor signed, and whether one did.
func signerKey(v *Visit) (Key, bool) {
	if v.Signer == "" || v.Signer == v.Doctor {
		return Key{}, false
	}
	return Key{KeySigner, SignerHash(v.Signer), Member{
		Record: v.Record, Person: v.Person, Doctor: v.Doctor, Unit: v.Unit, Division: v.Division, Class: v.Class, Day: v.Day,
	}}, true
}

// SignerHash returns the hash of the keys of records that a member of staff signed for another.
func SignerHash(staff string) int64 { return hash("signer", staff) }

// Compared reports whether those who bear a key of this kind are compared with each other; the
// others only say whose year is to be looked at when something changes.
func (k KeyKind) Compared() bool { return k != KeyHome && k != KeySigner }

// HomeHash returns the hash of the keys of a household's visits.
func HomeHash(household record.ID) int64 { return hash("home", string(household[:])) }

// halves are what a panel is compared by: who copies one and changes a value leaves the other
// half as it was.
var halves = [...][]Field{
	{Haemoglobin, WhiteCells, Platelets, Creatinine, Urea, Potassium, Sodium},
	{ALT, AST, Albumin, TotalBilirubin, DirectBilirubin, Cholesterol, Triglycerides, LDL, HDL},
}

// panelKeys returns the keys of a visit's laboratory results: of each half that is large enough,
// or of all results together where neither is.
func panelKeys(v *Visit, enough int64) []Key {
	var out []Key
	for half, fields := range halves {
		if text, n := v.results(func(f Field) bool { return slices.Contains(fields, f) }); int64(n) >= enough {
			out = append(out, v.panelKey(fmt.Sprint("half", half), text))
		}
	}
	if len(out) > 0 {
		return out
	}
	if text, n := v.results(Field.lab); int64(n) >= enough {
		out = append(out, v.panelKey("all", text))
	}
	return out
}

func (v *Visit) panelKey(which, text string) Key {
	return Key{KeyPanel, hash("panel", which, text), Member{
		Record: v.Record, Person: v.Person, Doctor: v.Doctor, Unit: v.Unit, Division: v.Division, Class: v.Class, Day: v.Day,
		Number: fmt.Sprint(strings.Count(text, ";")),
	}}
}

// results writes down the measured numbers of some fields, and counts them.
func (v *Visit) results(of func(Field) bool) (text string, n int) {
	var b strings.Builder
	for _, one := range v.Values {
		if of(one.Field) {
			fmt.Fprintf(&b, "%d=%d;", one.Field, one.V)
			n++
		}
	}
	return b.String(), n
}

// MaxMembers bounds what is compared of those who bear one key. A telephone or a name that more
// bear is a placeholder, and the first so many by record show it.
const MaxMembers = 500

// Shared returns what is found about those who bear one key, in any order; of more than
// MaxMembers the first by record count. It sorts members.
func (r *Rules) Shared(kind KeyKind, hash int64, members []Member) []Finding {
	slices.SortFunc(members, func(a, b Member) int { return record.ID.Compare(a.Record, b.Record) })
	members = members[:min(len(members), MaxMembers)]
	key := fmt.Sprintf("%d/%x", kind, uint64(hash))
	switch kind {
	case KeyPhone:
		return append(r.sharedPhone(key, members), r.ownPhone(key, members)...)
	case KeySeries:
		return r.series(key, members)
	case KeyPhoto:
		return photoReuse(key, members)
	case KeyPanel:
		return panels(key, members)
	case KeyNumber:
		return numbers(key, members)
	case KeySite:
		return r.site(key, members)
	case KeyName:
		return similar(members)
	}
	return nil
}

// among returns a finding about members, of the one doctor whose they all are.
func among(rule, key string, members []Member) Finding {
	f := Finding{Rule: rule, Key: key, Doctor: members[0].Doctor, Unit: members[0].Unit}
	items := make([]Item, len(members))
	for i, m := range members {
		items[i] = m.item()
		if m.Doctor != f.Doctor {
			f.Doctor = ""
		}
	}
	f.rest(items)
	return f
}

func count[K comparable](members []Member, of func(*Member) K) int {
	seen := map[K]bool{}
	for i := range members {
		seen[of(&members[i])] = true
	}
	return len(seen)
}

func personOf(m *Member) record.ID { return m.Person }

func residentsOf(members []Member) []Member {
	return slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return m.Staff })
}

func (r *Rules) sharedPhone(key string, members []Member) []Finding {
	residents := residentsOf(members)
	homes, persons := count(residents, (*Member).home), count(residents, personOf)
	if int64(homes) <= r.Settings.PhoneHouseholds {
		return nil
	}
	f := among("A12.shared", key, residents)
	f.say(Number{"persons", float64(persons)}, Number{"households", float64(homes)})
	return []Finding{f}
}

func (r *Rules) ownPhone(key string, members []Member) []Finding {
	residents := residentsOf(members)
	if len(residents) == len(members) || count(residents, (*Member).home) < 2 {
		return nil // nobody of the staff, or one home: the doctor's own
	}
	f := among("A12.own", key, residents)
	f.say(Number{"persons", float64(count(residents, personOf))})
	return []Finding{f}
}

func (r *Rules) series(key string, members []Member) []Finding {
	homes := count(members, (*Member).home)
	if int64(homes) < r.Settings.SeriesHouseholds {
		return nil
	}
	f := among("A12.series", key, members)
	f.say(Number{"households", float64(homes)})
	return []Finding{f}
}

// site finds a place where more were examined in a day than can be.
func (r *Rules) site(key string, members []Member) []Finding {
	persons := count(members, personOf)
	if int64(persons) <= r.Settings.SiteCheckups {
		return nil
	}
	f := among("A07.site", key, members)
	f.say(Number{"count", float64(persons)}, Number{"day", float64(members[0].Day)})
	return []Finding{f}
}

// photoReuse finds a photograph in visits of different days or households.
func photoReuse(key string, members []Member) []Finding {
	if count(members, func(m *Member) care.Date { return m.Day }) < 2 && count(members, (*Member).home) < 2 {
		return nil
	}
	f := among("A17.reuse", key, members)
	f.say(Number{"records", float64(len(members))}, Number{"persons", float64(count(members, personOf))})
	return []Finding{f}
}

func panels(key string, members []Member) []Finding {
	persons := count(members, personOf)
	if persons < 2 {
		return nil
	}
	f := among("A03.labs", key, members)
	fields := 0
	_, _ = fmt.Sscan(members[0].Number, &fields)
	f.say(Number{"persons", float64(persons)}, Number{"fields", float64(fields)})
	return []Finding{f}
}

func numbers(key string, members []Member) []Finding {
	persons := count(members, personOf)
	if persons < 2 {
		return nil
	}
	f := among("A11.number", key, members)
	f.say(Number{"persons", float64(persons)})
	return []Finding{f}
}

// similar finds archives under one name and village that agree in the birth date or the
// telephone, or whose numbers differ in one digit. Archives with one number are A11.number's.
func similar(members []Member) []Finding {
	var out []Finding
	for i := range members {
		for j := range members[:i] {
			a, b := &members[j], &members[i]
			if a.Person == b.Person || a.Number != "" && a.Number == b.Number || !alike(a, b) {
				continue
			}
			f := among("A11.similar", a.Record.String()+"/"+b.Record.String(), []Member{*a, *b})
			f.say(Number{"persons", 2})
			out = append(out, f)
		}
	}
	return out
}

func alike(a, b *Member) bool {
	if a.Birth.Whole() && a.Birth == b.Birth || a.Place != "" && a.Place == b.Place {
		return true
	}
	if len(a.Number) != len(b.Number) || a.Number == "" {
		return false
	}
	differ := 0
	for i := range a.Number {
		if a.Number[i] != b.Number[i] {
			differ++
		}
	}
	return differ == 1
}
