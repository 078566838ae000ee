// SPDX-License-Identifier: Apache-2.0

package devicestore_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/devicestore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/tablet/vault"
)

// What a child process of the test binary is told.
const (
	crashDir   = "XUNZHEN_CRASH_DIR"
	crashPoint = "XUNZHEN_CRASH_POINT" // its name
	crashTimes = "XUNZHEN_CRASH_TIMES" // how often it is passed before the child ends
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := saveUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1) // being killed is the only good end
	}
	os.Exit(m.Run())
}

// saveUntilKilled saves and seals, and says on stdout what is done, until it comes
// to the named point for the last time.
func saveUntilKilled(dir string) error {
	left, err := strconv.Atoi(os.Getenv(crashTimes))
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, r, err := openReplica(ctx, dir)
	if err != nil {
		return err
	}
	s.PassPoints(func(name string) {
		if name != os.Getenv(crashPoint) {
			return
		}
		if left--; left == 0 {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			panic(fmt.Sprint("alive after a kill: ", err))
		}
	})
	for i := range 1000 {
		saved, err := save(ctx, r, i)
		if err != nil {
			return err
		}
		fmt.Println("saved", saved.Record, saved.Dot)
		if i%4 == 3 {
			if _, err := r.Seal(ctx); err != nil {
				return err
			}
		}
	}
	return errors.New("the point was not passed often enough")
}

func save(ctx context.Context, r *replica.Replica, i int) (replica.Saved, error) {
	return r.Save(ctx, replica.SaveRequest{
		Kind: 16, Author: "zhang", Scope: "130403001001",
		Changes: []record.Change{{Path: record.Field(10), Value: record.Of(fmt.Appendf(nil, "value %d", i))}},
	})
}

// openReplica opens an enrolled replica in dir, or makes one.
func openReplica(ctx context.Context, dir string) (*devicestore.Store, *replica.Replica, error) {
	cfg := vault.Config{Dir: dir, Clock: time.Now, Rand: rand.Reader, Cost: vault.Cost{Passes: 1, MemoryKiB: 8, Lanes: 1}}
	v, err := vault.Open(cfg)
	if errors.Is(err, vault.ErrNone) {
		v, err = vault.Create(cfg, "zhang", "618203")
	} else if err == nil {
		_, err = v.Unlock("618203")
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := devicestore.Open(filepath.Join(dir, devicestore.FileName), v)
	if err != nil {
		return nil, nil, err
	}
	r, err := replica.Open(ctx, replica.Config{Store: s, Keys: v, Clock: time.Now, Rand: rand.Reader})
	if err != nil {
		return nil, nil, err
	}
	return s, r, enrol(ctx, r)
}

// enrol certifies the replica by a shard that every process knows.
func enrol(ctx context.Context, r *replica.Replica) error {
	if _, err := r.Certificate(ctx); err == nil {
		return nil
	}
	seed := sha256.Sum256([]byte("shard"))
	shard := segment.KeySigner(ed25519.NewKeyFromSeed(seed[:]))
	key, err := r.PublicKey(ctx)
	if err != nil {
		return err
	}
	cert, err := segment.IssueCertificate(shard, segment.Certificate{
		PublicKey: key, Role: segment.RoleTablet, Staff: []string{"zhang"}, Divisions: []record.Division{"130403"},
		IssuedAt: time.Unix(0, 0), ExpiresAt: time.Unix(1, 0),
	})
	if err != nil {
		return err
	}
	return r.Enrol(ctx, shard.Public(), cert.Raw)
}

func TestKilledAtAnyPointNothingSavedIsLost(t *testing.T) {
	for _, point := range []string{"update begins", "between body and row", "before commit", "after commit"} {
		for _, times := range []int{1, 4, 7, 18} {
			t.Run(fmt.Sprintf("%s, time %d", point, times), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "tablet")
				s, _, err := openReplica(t.Context(), dir)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				wantAll(t, dir, killed(t, dir, point, times))
			})
		}
	}
}

// killed runs a child until it ends itself and returns what it had said.
func killed(t *testing.T, dir, point string, times int) (said []string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir, crashPoint+"="+point, fmt.Sprintf("%s=%d", crashTimes, times))
	var complaint bytes.Buffer
	child.Stderr = &complaint
	out, err := child.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == 1 || exit.ExitCode() == 2 {
		t.Fatalf("the child was not killed: %v\n%s", err, complaint.String())
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		said = append(said, lines.Text())
	}
	return said
}

// wantAll opens what the child left: everything it said is there, nothing is there
// twice, counters are dense, and work goes on.
func wantAll(t *testing.T, dir string, said []string) {
	t.Helper()
	ctx := t.Context()
	s, r, err := openReplica(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, line := range said {
		f := strings.Fields(line)
		id, err := record.ParseID(f[1])
		if err != nil {
			t.Fatal(err)
		}
		screen, err := r.View(ctx, id)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if g, ok := screen.Register(record.Field(10)); !ok || g.Siblings[0].Dot.String() != f[2] {
			t.Fatalf("%s: it shows %v", line, g)
		}
	}
	status, err := r.Status(ctx)
	if err != nil || status.Unsent < len(said) || status.Unsent > len(said)+1 {
		t.Fatalf("%d saves said, %d there, %v", len(said), status.Unsent, err)
	}
	if _, err := save(ctx, r, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	wantDense(t, s, uint64(status.Unsent)+1)
	if findings, err := s.Check(ctx); err != nil || len(findings) > 0 {
		t.Fatalf("the file: %v, %v", findings, err)
	}
}

// wantDense opens all segments and demands the counters 1 to last, each once.
func wantDense(t *testing.T, s *devicestore.Store, last uint64) {
	t.Helper()
	seen := map[uint64]causal.Dot{}
	err := s.View(t.Context(), func(tx replica.Reader) error {
		rows, err := tx.Scan(replica.Segments, nil, nil, 1000)
		for _, row := range rows {
			full, _, err := tx.Get(replica.Segments, row.Key)
			if err != nil {
				return err
			}
			seg, err := segment.Open(full.Body)
			if err != nil {
				return err
			}
			for i := range seg.Len() {
				d := seg.Dot(i)
				if other, twice := seen[d.Counter]; twice {
					t.Errorf("counter %d: %s and %s", d.Counter, d, other)
				}
				seen[d.Counter] = d
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for c := uint64(1); c <= last; c++ {
		if _, ok := seen[c]; !ok {
			t.Errorf("counter %d is missing", c)
		}
	}
	if len(seen) != int(last) {
		t.Errorf("%d counters of %d", len(seen), last)
	}
}
