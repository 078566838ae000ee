// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// FollowerOptions say in which county it is measured how far what is derived stays behind. Data, Executable, Out and
// Clock must be given.
type FollowerOptions struct {
	Data       string // the data folder, which no server has; the county in it gets the records for good
	Executable string
	JSON       bool
	Out        io.Writer
	Screen     *terminal.Screen
	Clock      func() time.Time
	Seed       uint64

	devices, segments int // of a test; 0: 20 devices with 10 segments of 100 records each
}

// Lag is how far what is derived was behind what was stored, looked at all through an upload. A
// record is worked in when findings, indicators and the register of persons say what it says.
type Lag struct {
	Records     int     `json:"records"`         // new ones, of people whom the county knows
	UploadPerS  float64 `json:"upload_per_s"`    // records, on disk, while the followers follow
	WorkedPerS  float64 `json:"worked_in_per_s"` // from the first upload until all are worked in
	LagP50      int     `json:"lag_records_p50"`
	LagP99      int     `json:"lag_records_p99"`
	LagMax      int     `json:"lag_records_max"`
	LagSP50     float64 `json:"lag_s_p50"` // from when a record was stored until it was worked in
	LagSP99     float64 `json:"lag_s_p99"`
	LagSMax     float64 `json:"lag_s_max"`
	CatchUpS    float64 `json:"catch_up_s"` // from the last upload until all are worked in
	Sets        uint64  `json:"sets"`       // records with findings there were before
	SettledAtS  float64 `json:"settled_s"`  // what it took to catch up before it began
	SampledEach float64 `json:"sampled_each_s"`
}

// sampleEach is how often it is looked how far the followers are.
const sampleEach = 100 * time.Millisecond

// errBusy says that a server has the folder, or had and did not end.
var errBusy = errors.New("a server has this folder: stop it first")

// Follower uploads as Run does, to a county that is there, and measures how far what is derived stays behind.
func Follower(ctx context.Context, o FollowerOptions) (Lag, error) {
	if o.devices == 0 {
		o.devices, o.segments = fullSizes.devices, 10
	}
	f := &following{o: o, run: &run{o: Options{Screen: o.Screen, Clock: o.Clock}}}
	lag, err := f.measure(ctx)
	if err = errors.Join(err, f.run.close()); err != nil {
		return lag, fmt.Errorf("bench: %w", err)
	}
	if err := lag.write(o.Out); err != nil || !o.JSON {
		return lag, err
	}
	return lag, json.NewEncoder(o.Out).Encode(lag)
}

type following struct {
	*run
	o    FollowerOptions
	desk *office.Office
}

func (f *following) measure(ctx context.Context) (lag Lag, err error) {
	code, err := countyOf(f.o.Data)
	if err != nil {
		return lag, err
	}
	if f.server, err = startCounty(ctx, f.o.Executable, f.o.Data, code, io.Discard); err != nil {
		return lag, errors.Join(errBusy, err)
	}
	if f.desk, err = f.server.office(); err != nil {
		return lag, err
	}
	defer f.desk.Close() //nolint:errcheck // nothing is lost with it

	done := f.progress("what is derived, caught up first")
	began := f.o.Clock()
	if lag.Sets, err = f.settled(ctx); err != nil {
		return lag, err
	}
	lag.SettledAtS = f.o.Clock().Sub(began).Seconds()
	done()

	done = f.progress("records are made and sealed")
	work, err := f.prepare(ctx, code)
	if err != nil {
		return lag, err
	}
	done()
	done = f.progress("records are uploaded and worked in")
	defer done()
	return lag, f.follow(ctx, work, &lag)
}

// countyOf returns the code of the one county in a data folder.
func countyOf(data string) (string, error) {
	dirs, err := county.Find(data)
	if err != nil {
		return "", err
	}
	if len(dirs) != 1 {
		return "", fmt.Errorf("%s holds %d counties: one is wanted, as xunzhen populate writes it", data, len(dirs))
	}
	code, err := os.ReadFile(filepath.Join(dirs[0], "county"))
	return strings.TrimSpace(string(code)), err
}

// settled waits until everything is worked in.
func (f *following) settled(ctx context.Context) (sets uint64, err error) {
	for {
		n, sets, err := f.pending(ctx)
		if err != nil || n == 0 {
			return sets, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(sampleEach):
		}
	}
}

// pending returns how many changes are not worked in; 0 only when nothing at all is left to do.
func (f *following) pending(ctx context.Context) (n int, sets uint64, err error) {
	s, err := f.desk.FindingState(ctx)
	if err != nil {
		return 0, 0, err
	}
	if s.GetFailed() != "" {
		return 0, 0, fmt.Errorf("nothing is worked in any more: %s", s.GetFailed())
	}
	b := s.GetBasis()
	n = int(b.GetBehind() + b.GetQueued())
	if n == 0 && (b.GetUnderWay() || len(b.GetPackSha256()) == 0) {
		n = 1
	}
	return n, s.GetSets(), nil
}

// prepare enrols devices and has them make records of people of the county.
func (f *following) prepare(ctx context.Context, code string) ([][]sealed, error) {
	found, _, _, err := f.desk.SearchResidents(ctx, &officev1.SearchResidentsRequest{Population: carev1.PopulationCode_POPULATION_CODE_HYPERTENSION}, 4000)
	if err != nil {
		return nil, err
	}
	var all []patient
	for _, p := range found {
		if id := record.ID(p.GetPersonId()); len(p.GetDivisions()) > 0 {
			all = append(all, patient{id, record.Division(p.GetDivisions()[0])})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("nobody in this county has hypertension: take one that xunzhen populate wrote")
	}
	for i := range f.o.devices {
		a := newAuthor(i, f.o.Seed^uint64(f.o.Clock().UnixNano()), f.o.Clock().UTC(), nil)
		a.patients = all
		d := &device{author: a, server: f.server}
		f.devices = append(f.devices, d)
		if err := f.enrolIn(ctx, f.desk, d, record.Division(code)); err != nil {
			return nil, err
		}
	}
	return prepare(f.devices, func(_ int, d *device) ([]sealed, error) { return d.createSegments(f.o.segments) })
}

// sample is how many records were stored and worked in at a time.
type sample struct {
	at             time.Duration
	stored, worked int
}

// follow uploads, and looks until everything is worked in.
func (f *following) follow(ctx context.Context, work [][]sealed, lag *Lag) error {
	var stored atomic.Int64
	began := f.o.Clock()
	var mu sync.Mutex
	var uploaded time.Duration
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		var pushing errgroup.Group
		for i, segments := range work {
			pushing.Go(func() error {
				for _, one := range segments {
					if _, err := f.devices[i].push(ctx, one.wire); err != nil {
						return err
					}
					stored.Add(int64(len(one.records)))
				}
				return nil
			})
		}
		err := pushing.Wait()
		mu.Lock()
		defer mu.Unlock()
		uploaded = f.o.Clock().Sub(began)
		return err
	})
	var all []sample
	g.Go(func() error {
		for {
			have, at := int(stored.Load()), f.o.Clock().Sub(began) // before it is asked: what came since is counted as worked in no sooner
			n, _, err := f.pending(ctx)
			if err != nil {
				return err
			}
			all = append(all, sample{at, have, max(have-n, 0)})
			mu.Lock()
			ended := uploaded > 0
			mu.Unlock()
			if ended && n == 0 {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(sampleEach):
			}
		}
	})
	if err := g.Wait(); err != nil {
		return err
	}
	lag.sum(all, int(stored.Load()), uploaded)
	return nil
}

// sum takes figures off samples, the last of which has everything worked in.
func (l *Lag) sum(all []sample, records int, uploaded time.Duration) {
	end := all[len(all)-1].at
	l.Records, l.UploadPerS, l.WorkedPerS = records, float64(records)/uploaded.Seconds(), float64(records)/end.Seconds()
	l.CatchUpS, l.SampledEach = max(end-uploaded, 0).Seconds(), sampleEach.Seconds()
	var behind []int
	var late []float64
	for i, s := range all {
		if s.at > uploaded {
			break
		}
		behind = append(behind, s.stored-s.worked)
		for _, then := range all[i:] {
			if then.worked >= s.stored {
				late = append(late, (then.at - s.at).Seconds())
				break
			}
		}
	}
	slices.Sort(behind)
	slices.Sort(late)
	l.LagP50, l.LagP99, l.LagMax = percentile(behind, 50), percentile(behind, 99), percentile(behind, 100)
	l.LagSP50, l.LagSP99, l.LagSMax = percentile(late, 50), percentile(late, 99), percentile(late, 100)
}

// percentile returns the least of sorted values that so many in a hundred do not exceed; zero of none.
func percentile[T int | float64](sorted []T, percent int) T {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

func (l Lag) write(w io.Writer) error {
	t := terminal.Table{Head: []string{"figure", "measured", "what"}, Right: []bool{false, true}}
	for _, row := range []struct {
		key     string
		value   float64
		digits  int
		meaning string
	}{
		{"records", float64(l.Records), 0, "new ones, of people whom the county knows"},
		{"upload_per_s", l.UploadPerS, 0, "records on disk per second of this machine, followers and devices beside it"},
		{"worked_in_per_s", l.WorkedPerS, 0, "records that findings, indicators and the register have taken in"},
		{"lag_records_p50", float64(l.LagP50), 0, "stored and not worked in while they were uploaded, median"},
		{"lag_records_p99", float64(l.LagP99), 0, "the same, 99 %"},
		{"lag_records_max", float64(l.LagMax), 0, "the same, most"},
		{"lag_s_p50", l.LagSP50, 1, "seconds until what was stored was worked in, median"},
		{"lag_s_p99", l.LagSP99, 1, "the same, 99 %"},
		{"lag_s_max", l.LagSMax, 1, "the same, most"},
		{"catch_up_s", l.CatchUpS, 1, "from the last upload until everything was worked in"},
		{"settled_s", l.SettledAtS, 1, "what it took to catch up before it began"},
		{"sets", float64(l.Sets), 0, "records of the county with findings, before"},
	} {
		t.Add(row.key, number(row.value, row.digits), row.meaning)
	}
	return t.Write(w)
}
