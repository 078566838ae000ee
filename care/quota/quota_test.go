// SPDX-License-Identifier: Apache-2.0

package quota_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const county record.Division = "130403"

var season = quota.Season{From: 20260501, To: 20261031, DaysAWeek: 5}

func fixed(n int64) *int64 { return &n }

func TestSharesGoByLargestRemainderAndTiesToTheSmallerKey(t *testing.T) {
	for _, one := range []struct {
		name  string
		total int64
		parts []quota.Part
		want  []int64
	}{
		{"exact shares", 10, []quota.Part{{"a", 3, nil}, {"b", 7, nil}}, []int64{3, 7}},
		{"the greatest remainder gets what is left", 10, []quota.Part{{"a", 1, nil}, {"b", 1, nil}, {"c", 4, nil}}, []int64{2, 2, 6}},
		{"of equal remainders the smaller key", 1, []quota.Part{{"b", 5, nil}, {"a", 5, nil}}, []int64{0, 1}},
		{"a fixed part, and the rest by weight", 10, []quota.Part{{"a", 5, fixed(4)}, {"b", 1, nil}, {"c", 2, nil}}, []int64{4, 2, 4}},
		{"all fixed and right", 9, []quota.Part{{"a", 5, fixed(4)}, {"b", 1, fixed(5)}}, []int64{4, 5}},
		{"nothing is left by the fixed", 4, []quota.Part{{"a", 5, fixed(4)}, {"b", 1, nil}}, []int64{4, 0}},
		{"nobody has a weight", 5, []quota.Part{{"a", 0, nil}, {"b", 0, nil}}, []int64{3, 2}},
		{"great numbers", quota.Most, []quota.Part{{"a", quota.Most, nil}, {"b", quota.Most - 1, nil}}, []int64{5000000, 5000000}},
	} {
		t.Run(one.name, func(t *testing.T) {
			got, ok := quota.Divide(one.total, one.parts)
			if !ok || !slices.Equal(got, one.want) {
				t.Errorf("%v %v, want %v", got, ok, one.want)
			}
		})
	}
	for _, bad := range [][]quota.Part{{{"a", 1, fixed(11)}}, {{"a", 1, fixed(9)}}, {}, {{"a", 1, fixed(8)}, {"b", 1, fixed(3)}, {"c", 1, nil}}} {
		if got, ok := quota.Divide(10, bad); ok {
			t.Errorf("%v gives %v", bad, got)
		}
	}
}

func TestPartsAddUpAndStayWithinOneOfTheirShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(0, quota.Most), 1, 40).Draw(t, "weights")
		total := rapid.Int64Range(0, quota.Most).Draw(t, "total")
		parts, sum := make([]quota.Part, len(weights)), int64(0)
		for i, w := range weights {
			parts[i] = quota.Part{Key: fmt.Sprintf("%02d", i), Weight: w}
			sum += w
		}
		shares, ok := quota.Divide(total, parts)
		if !ok {
			t.Fatal("not divided")
		}
		if got := plus(shares); got != total {
			t.Fatalf("%v sums to %d, not %d", shares, got, total)
		}
		for i, s := range shares {
			if w := weights[i]; sum > 0 && (s*sum >= total*w+sum || s*sum <= total*w-sum) {
				t.Fatalf("part %d has %d of %d by %d of %d", i, s, total, w, sum)
			}
		}
		// The order in which parts are given does not matter.
		back := slices.Clone(parts)
		slices.Reverse(back)
		again, _ := quota.Divide(total, back)
		slices.Reverse(again)
		if !slices.Equal(shares, again) {
			t.Fatalf("%v, the other way round %v", shares, again)
		}
	})
}

func plus(all []int64) (sum int64) {
	for _, n := range all {
		sum += n
	}
	return sum
}

// world is 2 townships: 600 people in 2 villages with 3 doctors, and 400 in one village.
func world() []quota.Count {
	return []quota.Count{
		{"130403001001", "li", 200},
		{"130403001001", "wang", 100},
		{"130403001002", "zhao", 300},
		{"130403002001", "sun", 400},
	}
}

func order(total int64) quota.Order {
	return quota.Order{
		County: county, Total: total, Season: season,
		Charges: map[quota.Unit]quota.Charge{{Division: county}: {Owner: "head"}},
	}
}

func TestATreeGoesDownToDoctors(t *testing.T) {
	o := order(500)
	o.Charges[quota.Unit{Division: "130403001"}] = quota.Charge{Owner: "first", DueOn: 20260930}
	tree, faults := o.Divide(world())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	type row struct {
		Division record.Division
		Doctor   string
		Quota    int64
		Owner    string
		Due      care.Date
	}
	var got []row
	for _, n := range tree.Nodes {
		got = append(got, row{n.Division, n.Doctor, n.Quota, n.Owner, n.DueOn})
	}
	want := []row{
		{"130403", "", 500, "head", 20261031},
		{"130403001", "", 300, "first", 20260930},
		{"130403001001", "", 150, "first", 20260930},
		{"130403001001", "li", 100, "li", 20260930},
		{"130403001001", "wang", 50, "wang", 20260930},
		{"130403001002", "", 150, "first", 20260930},
		{"130403001002", "zhao", 150, "zhao", 20260930},
		{"130403002", "", 200, "head", 20261031},
		{"130403002001", "", 200, "head", 20261031},
		{"130403002001", "sun", 200, "sun", 20261031},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(tree.Warnings) > 0 {
		t.Error(tree.Warnings)
	}
}

func TestEveryWholeIsTheSumOfItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var counts []quota.Count
		for i := range rapid.IntRange(1, 60).Draw(t, "counts") {
			counts = append(counts, quota.Count{
				Village:  record.Division(fmt.Sprintf("130403%03d%03d", rapid.IntRange(1, 5).Draw(t, "township"), rapid.IntRange(0, 4).Draw(t, "village"))),
				Doctor:   []string{"", "a", "b", "c"}[rapid.IntRange(0, 3).Draw(t, "doctor")],
				Eligible: rapid.Int64Range(1, 5000).Draw(t, fmt.Sprint("eligible", i)),
			})
		}
		o := order(rapid.Int64Range(1, 100000).Draw(t, "total"))
		plain, faults := o.Divide(counts)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		wantSums(t, plain)
		// One node set by hand to no more than its whole has: the rest is divided anew.
		n := plain.Nodes[rapid.IntRange(0, len(plain.Nodes)-1).Draw(t, "node")]
		above, ok := n.Above()
		if !ok {
			return
		}
		o.Overrides = []quota.Override{{Unit: n.Unit, Quota: rapid.Int64Range(0, quotaOf(plain, above)).Draw(t, "set"), Reason: "r", By: "head"}}
		changed, faults := o.Divide(counts)
		if len(faults) > 0 {
			alone := partsOf(plain, above) == 1 && faults[0].Code == quota.FaultShort
			if !alone {
				t.Fatal(faults)
			}
			return
		}
		wantSums(t, changed)
		if quotaOf(changed, n.Unit) != o.Overrides[0].Quota {
			t.Fatalf("set %d, has %d", o.Overrides[0].Quota, quotaOf(changed, n.Unit))
		}
		for _, m := range changed.Nodes {
			if m.Overridden && m.Proposed != n.Quota {
				t.Fatalf("the rule gave %d, proposed is %d", n.Quota, m.Proposed)
			}
		}
	})
}

func quotaOf(tree quota.Tree, u quota.Unit) int64 {
	for _, n := range tree.Nodes {
		if n.Unit == u {
			return n.Quota
		}
	}
	return -1
}

func partsOf(tree quota.Tree, u quota.Unit) (parts int) {
	for _, n := range tree.Nodes {
		if above, ok := n.Above(); ok && above == u {
			parts++
		}
	}
	return parts
}

func wantSums(t *rapid.T, tree quota.Tree) {
	sums := map[quota.Unit]int64{}
	for _, n := range tree.Nodes {
		if above, ok := n.Above(); ok {
			sums[above] += n.Quota
		}
	}
	for _, n := range tree.Nodes {
		if n.Level() != quota.LevelDoctor && sums[n.Unit] != n.Quota {
			t.Fatalf("%v has %d, its parts %d", n.Unit, n.Quota, sums[n.Unit])
		}
	}
	if !slices.IsSortedFunc(tree.Nodes, func(a, b quota.Node) int { return a.Unit.Compare(b.Unit) }) {
		t.Fatal("out of order")
	}
}

func TestWhatDoesNotAddUpIsRefusedWithTheNumbers(t *testing.T) {
	first, second := quota.Unit{Division: "130403001"}, quota.Unit{Division: "130403002"}
	set := func(u quota.Unit, n int64) quota.Override {
		return quota.Override{Unit: u, Quota: n, Reason: "flood", By: "head"}
	}
	all := quota.Unit{Division: county}
	for _, one := range []struct {
		name   string
		change func(*quota.Order)
		want   quota.Fault
	}{
		{"overrides sum to more than there is", func(o *quota.Order) { o.Overrides = []quota.Override{set(first, 3000), set(second, 2200)} }, quota.Fault{quota.FaultExceed, all, 5200, 5000}},
		{"all set by hand and less", func(o *quota.Order) { o.Overrides = []quota.Override{set(first, 3000), set(second, 1900)} }, quota.Fault{quota.FaultShort, all, 4900, 5000}},
		{"a part of a part", func(o *quota.Order) {
			o.Overrides = []quota.Override{set(quota.Unit{Division: "130403002001", Doctor: "sun"}, 7)}
		}, quota.Fault{quota.FaultShort, quota.Unit{Division: "130403002001"}, 7, 2000}},
		{"a negative number", func(o *quota.Order) { o.Overrides = []quota.Override{set(first, -1)} }, quota.Fault{quota.FaultNumber, first, -1, quota.Most}},
		{"no reason", func(o *quota.Order) { o.Overrides = []quota.Override{{Unit: first, Quota: 1, By: "x"}} }, quota.Fault{quota.FaultNoReason, first, 0, 0}},
		{"nobody's reason", func(o *quota.Order) { o.Overrides = []quota.Override{{Unit: first, Quota: 1, Reason: "x"}} }, quota.Fault{quota.FaultNoReason, first, 0, 0}},
		{"set twice", func(o *quota.Order) { o.Overrides = []quota.Override{set(first, 1), set(first, 2)} }, quota.Fault{quota.FaultTwice, first, 0, 0}},
		{"the county itself", func(o *quota.Order) { o.Overrides = []quota.Override{set(all, 7)} }, quota.Fault{quota.FaultCounty, all, 7, 5000}},
		{"a unit nobody lives in", func(o *quota.Order) { o.Overrides = []quota.Override{set(quota.Unit{Division: "130403009"}, 7)} }, quota.Fault{quota.FaultUnknown, quota.Unit{Division: "130403009"}, 0, 0}},
		{"no owner", func(o *quota.Order) { o.Charges = nil }, quota.Fault{quota.FaultNoOwner, all, 0, 0}},
		{"no total", func(o *quota.Order) { o.Total = 0 }, quota.Fault{quota.FaultNumber, all, 0, quota.Most}},
		{"too great a total", func(o *quota.Order) { o.Total = quota.Most + 1 }, quota.Fault{quota.FaultNumber, all, quota.Most + 1, quota.Most}},
		{"a season that ends before it begins", func(o *quota.Order) { o.Season.To = 20260430 }, quota.Fault{quota.FaultSeason, all, 20260501, 20260430}},
		{"a season of a Sunday", func(o *quota.Order) { o.Season.From, o.Season.To = 20260503, 20260503 }, quota.Fault{quota.FaultSeason, all, 20260503, 20260503}},
		{"a week of 4 days", func(o *quota.Order) { o.Season.DaysAWeek = 4 }, quota.Fault{quota.FaultSeason, all, 20260501, 20261031}},
		{"later than the whole", func(o *quota.Order) { o.Charges[first] = quota.Charge{DueOn: 20261101} }, quota.Fault{quota.FaultDueLate, first, 20261101, 20261031}},
		{"before the season", func(o *quota.Order) { o.Charges[first] = quota.Charge{DueOn: 20260430} }, quota.Fault{quota.FaultDueEarly, first, 20260430, 20260501}},
		{"no day", func(o *quota.Order) { o.Charges[first] = quota.Charge{DueOn: 20260931} }, quota.Fault{quota.FaultDueEarly, first, 20260931, 20260501}},
		{"more than a site can do", func(o *quota.Order) { o.Season.DailyLimit = 22 }, quota.Fault{quota.FaultCapacity, first, 3000, 22 * 131}},
	} {
		t.Run(one.name, func(t *testing.T) {
			o := order(5000)
			one.change(&o)
			tree, faults := o.Divide(world())
			if !slices.Contains(faults, one.want) || len(tree.Nodes) > 0 {
				t.Errorf("%+v, want %+v", faults, one.want)
			}
		})
	}
	if _, faults := order(5).Divide(nil); !slices.Contains(faults, quota.Fault{Code: quota.FaultNobody, Unit: all}) {
		t.Errorf("nobody: %v", faults)
	}
}

func TestWhatIsWorthALookIsSaid(t *testing.T) {
	o := order(2000)
	o.Season.DailyLimit, o.OverCapacity = 8, true
	counts := append(world(), quota.Count{"130403002001", "", 10}, quota.Count{"", "li", 3}, quota.Count{"110101001001", "x", 4}, quota.Count{"130403002", "sun", 0})
	tree, faults := o.Divide(counts)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	all := quota.Unit{Division: county}
	for _, want := range []quota.Fault{
		{quota.FaultNowhere, all, 7, 0},
		{quota.FaultMore, all, 2000, 1010},
		{quota.FaultNobodyInCharge, quota.Unit{Division: "130403002001", Nobody: true}, 10, 0},
		{quota.FaultCapacity, quota.Unit{Division: "130403001"}, 1188, 8 * 131},
	} {
		if !slices.Contains(tree.Warnings, want) {
			t.Errorf("no %+v in %+v", want, tree.Warnings)
		}
	}
	if last := tree.Nodes[len(tree.Nodes)-1]; !last.Nobody || last.Owner != "head" || last.Level() != quota.LevelDoctor {
		t.Errorf("%+v", last)
	}
}

func TestPeopleOfATownshipAsSuchHaveAPart(t *testing.T) {
	tree, faults := order(10).Divide([]quota.Count{{"130403001", "li", 5}, {"130403001001", "li", 5}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if got := quotaOf(tree, quota.Unit{Division: "130403001000", Doctor: "li"}); got != 5 {
		t.Errorf("%d", got)
	}
}

func TestProgressIsHeldAgainstWorkingDays(t *testing.T) {
	for _, one := range []struct {
		name        string
		days        int
		today       care.Date
		quota, done int64
		want        quota.Progress
	}{
		{"before the season", 7, 20260430, 184, 0, quota.Progress{Quota: 184, Days: 184, Left: 184, PerDay: 1}},
		{"its first day", 7, 20260501, 184, 0, quota.Progress{Quota: 184, Days: 184, Elapsed: 1, Left: 183, Expected: 1, PerDay: 2, Red: true}},
		{"as planned", 7, 20260501, 184, 1, quota.Progress{Quota: 184, Done: 1, Days: 184, Elapsed: 1, Left: 183, Expected: 1, PerDay: 1}},
		{"a weekend does not count", 5, 20260503, 131, 1, quota.Progress{Quota: 131, Done: 1, Days: 131, Elapsed: 1, Left: 130, Expected: 1, PerDay: 1}},
		{"saturdays are worked", 6, 20260503, 158, 2, quota.Progress{Quota: 158, Done: 2, Days: 158, Elapsed: 2, Left: 156, Expected: 2, PerDay: 1}},
		{"the last day but one", 7, 20261030, 184, 180, quota.Progress{Quota: 184, Done: 180, Days: 184, Elapsed: 183, Left: 1, Expected: 183, PerDay: 4, Red: true}},
		{"the last day", 7, 20261031, 184, 183, quota.Progress{Quota: 184, Done: 183, Days: 184, Elapsed: 184, Expected: 184, PerDay: 1, Red: true, Over: true}},
		{"after it", 7, 20270101, 184, 184, quota.Progress{Quota: 184, Done: 184, Days: 184, Elapsed: 184, Expected: 184, Over: true}},
		{"more than the quota", 7, 20260501, 10, 12, quota.Progress{Quota: 10, Done: 12, Days: 184, Elapsed: 1, Left: 183}},
	} {
		t.Run(one.name, func(t *testing.T) {
			s := season
			s.DaysAWeek = one.days
			if d := cmp.Diff(one.want, s.ProgressOf(one.quota, one.done, 0, one.today)); d != "" {
				t.Error(d)
			}
		})
	}
	if p := season.ProgressOf(100, 0, 20260510, 20260511); !p.Over || p.Expected != 100 {
		t.Errorf("past its own day: %+v", p)
	}
}

func TestWhatIsNeededADayIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := quota.Season{From: 20260501, To: 20261031, DaysAWeek: rapid.IntRange(5, 7).Draw(t, "days")}
		n := rapid.Int64Range(0, quota.Most).Draw(t, "quota")
		p := s.ProgressOf(n, rapid.Int64Range(0, n).Draw(t, "done"), 0, care.Date(20260501).AddDays(rapid.IntRange(-10, 200).Draw(t, "on")))
		if p.Left > 0 && (p.Done+p.PerDay*int64(p.Left) < n || p.PerDay > 0 && p.Done+(p.PerDay-1)*int64(p.Left) >= n) {
			t.Fatalf("%+v", p)
		}
		if p.Elapsed+p.Left != p.Days || p.Expected > n || p.Expected < 0 {
			t.Fatalf("%+v", p)
		}
	})
}

func TestFaultsHaveWords(t *testing.T) {
	seen := map[string]bool{}
	for c := quota.FaultSeason; c <= quota.FaultBehind; c++ {
		if c.String() == "" || seen[c.String()] {
			t.Errorf("%d: %q", c, c)
		}
		seen[c.String()] = true
	}
	if quota.FaultCode(99).String() != "" || quota.FaultCode(-1).String() != "" {
		t.Error("a code that is none has a word")
	}
}
