// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

// envTablet tells a child process of the test binary that it is the other tablet.
const envTablet = "XUNZHEN_FLOOD_TABLET"

// A measurement of the other tablet.
const (
	samples  = 120                  // pushes
	perPush  = 10                   // residents in each
	pause    = 5 * time.Millisecond // between them
	patience = 1200 * time.Millisecond
)

// delays are how long pushes took, and how many there were.
type delays struct {
	P50, P99 time.Duration
	Pushes   int
}

// errand is all that the other tablet must know.
type errand struct {
	Address     string
	Pin         session.Pin
	Shard       segment.ShardID
	Key         ed25519.PrivateKey
	Certificate segment.Certificate
	Token       string
}

// tablet measures how long the other tablet's pushes take. It is a process of its own:
// attackers are many, and what they do to their own process is not the server's doing.
type tablet struct {
	t       *testing.T
	process *exec.Cmd
	ask     io.WriteCloser
	answers *json.Decoder
}

// startTablet gives a device's errands to another process.
func startTablet(t *testing.T, d *device) *tablet {
	t.Helper()
	o := &tablet{t: t, process: exec.Command(os.Args[0])}
	o.process.Env = append(os.Environ(), envTablet+"=1")
	o.process.Stderr = os.Stderr
	in, err := o.process.StdinPipe()
	o.ask = must(t, in, err)
	out, err := o.process.StdoutPipe()
	o.answers = json.NewDecoder(must(t, out, err))
	do(t, o.process.Start())
	t.Cleanup(func() {
		_ = o.ask.Close()
		if err := o.process.Wait(); err != nil {
			t.Errorf("the other tablet ended with %v", err)
		}
	})
	do(t, json.NewEncoder(o.ask).Encode(errand{d.p.server.address, d.p.pin, d.p.shard, d.key, d.cert, d.token}))
	return o
}

// push has the other tablet push residents one push after the other, as many as
// samples says and fewer where that takes too long.
func (o *tablet) push() delays {
	o.t.Helper()
	_, err := fmt.Fprintln(o.ask)
	do(o.t, err)
	var took delays
	do(o.t, o.answers.Decode(&took))
	return took
}

// beTablet is the child: it measures once for each line of its standard input.
func beTablet() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	var e errand
	if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
		return err
	}
	conn, err := transport.Dial(e.Address, e.Pin)
	if err != nil {
		return err
	}
	over := &peer{p: &place{shard: e.Shard}, conn: conn, sync: syncv1grpc.NewSyncServiceClient(conn), token: e.Token}
	d := &device{peer: over, t: dying{}, key: e.Key, cert: e.Certificate}
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(d.measure()); err != nil {
			return err
		}
	}
	return conn.Close()
}

func (d *device) measure() delays {
	ctx, begin := transport.WithToken(context.Background(), d.token), time.Now()
	var took []time.Duration
	for len(took) < samples/4 || len(took) < samples && time.Since(begin) < patience {
		s := d.seal(d.residents(perPush)...)
		began := time.Now()
		reply, err := d.sync.Push(ctx, &syncv1.PushRequest{Shard: d.p.shard[:], Segments: [][]byte{s.Bytes()}})
		took = append(took, time.Since(began).Round(10*time.Microsecond))
		if must(d.t, reply, err).GetResults()[0].GetOutcome() != syncv1.Outcome_OUTCOME_STORED {
			d.t.Fatalf("a push of the other tablet: %v", reply)
		}
		d.sent(s)
		time.Sleep(pause)
	}
	slices.Sort(took)
	return delays{took[len(took)/2], took[len(took)*99/100], len(took)}
}

// dying is what a child has instead of a test.
type dying struct{}

func (dying) Helper() {}

func (d dying) Fatalf(format string, args ...any) { d.Fatal(fmt.Sprintf(format, args...)) }

func (dying) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}
