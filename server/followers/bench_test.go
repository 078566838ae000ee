// SPDX-License-Identifier: Apache-2.0

package followers_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// crowd is a county of very many residents, made when they are asked for: two in a hundred were
// registered twice, and one in a hundred has a slip in the number.
type crowd struct {
	b *testing.B
	n int
}

func (c crowd) Epoch() ledger.Epoch           { return ledger.Epoch{Number: 1} }
func (c crowd) Changed() <-chan struct{}      { return nil }
func (c crowd) Position() syncengine.Position { return syncengine.Position(c.n) }

func (c crowd) Save(context.Context, string, ...syncengine.OfficeSave) ([]syncengine.Saved, error) {
	return nil, nil
}

func (c crowd) List(_ context.Context, q syncengine.FeedQuery) (out []syncengine.RecordRow, _ error) {
	c.b.StopTimer()
	defer c.b.StartTimer()
	for i := int(q.After); q.Kind == care.KindResident && i < min(int(q.After)+q.Limit, c.n); i++ {
		out = append(out, c.row(i))
	}
	return out, nil
}

func (c crowd) Get(_ context.Context, id record.ID) (syncengine.RecordView, error) {
	row := c.row(int(binary.BigEndian.Uint32(id[:])))
	state, err := record.DecodeState(row.State)
	return syncengine.RecordView{Row: row, State: state}, err
}

func (c crowd) row(i int) syncengine.RecordRow {
	who := i
	if i%50 == 49 {
		who = i - 1
	}
	number := crowdNumber(who)
	birth := care.Date(0)
	if n, err := care.ParseResidentNumber(number); err == nil {
		birth = n.BirthDate()
	}
	if i%100 == 7 {
		number = number[:16] + "X" + number[17:]
	}
	changes, err := care.Diff(care.KindResident, nil, &carev1.Resident{
		Name: "王演示" + string(rune(0x4e00+who%20000)), Sex: carev1.Sex_SEX_MALE, BirthDate: int32(birth), Phone: "13900000000",
		IdentityDocument: &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: number},
	})
	if err != nil {
		c.b.Fatal(err)
	}
	scope := fmt.Sprintf("431124%06d", 100200+who%300)
	changes, err = record.Normalise(append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(scope))}))
	if err != nil {
		c.b.Fatal(err)
	}
	id := record.DerivedID(care.KindResident, nil)
	binary.BigEndian.PutUint32(id[:], uint32(i))
	dot := causal.Dot{Replica: causal.ReplicaID{1}, Counter: uint64(i + 1)}
	state := record.State{}.Apply(record.Revision{Dot: dot, Record: id, Changes: changes}, true)
	return syncengine.RecordRow{ID: id, Position: syncengine.Position(i + 1), State: state.Append(nil)}
}

// crowdNumber returns the number of the who-th person, of an area that does not exist.
func crowdNumber(who int) string {
	first17 := fmt.Sprintf("990000%04d%02d%02d%03d", 1940+who/336000, who/28000%12+1, who/1000%28+1, who%1000)
	for _, check := range "0123456789X" {
		if n, err := care.ParseResidentNumber(first17 + string(check)); err == nil {
			return string(n)
		}
	}
	return ""
}

// What search and proposals cost a county of half a million residents: time to read them all
// after a start, memory, and one question.
func BenchmarkHalfAMillionResidents(b *testing.B) {
	c := crowd{b, 500_000}
	var p *followers.People
	for b.Loop() {
		p = followers.NewPeople(c, searchKey(), slog.New(slog.DiscardHandler))
		before := heap()
		if _, err := p.FindByNumber(b.Context(), crowdNumber(1)); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap()-before)/float64(c.n), "B/resident")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.n), "ns/resident")
	runtime.KeepAlive(p)
}

func BenchmarkFindByNumber(b *testing.B) {
	c := crowd{b, 20_000}
	p := followers.NewPeople(c, searchKey(), slog.New(slog.DiscardHandler))
	for i := 0; b.Loop(); i++ {
		if found, err := p.FindByNumber(b.Context(), crowdNumber(i%1000*10)); err != nil || len(found) == 0 {
			b.Fatal(found, err)
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
