// SPDX-License-Identifier: Apache-2.0

package hostile_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport"
)

const residentName = 10 // the field of the form

// text is a value of the name as a form has it.
func text(s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, residentName, protowire.BytesType), s)
}

// wildNames are values of a resident's name that nobody should save. They are stored as
// they are: content is never a reason to refuse.
func wildNames() map[string][]byte {
	return map[string][]byte{
		"no UTF-8":             text("王\xff\xfe\xc0\x80"),
		"half a character":     text("王\xe7\x8e"),
		"a surrogate":          text("\xed\xa0\x80"),
		"zero bytes":           text("王\x00国"),
		"SQL":                  text("'); DROP TABLE records;--"),
		"a terminal's command": text("\x1b]0;owned\x07\x1b[2J"),
		"lines of a log":       text("王\nlevel=ERROR msg=forged outcome=ok"),
		"a formula":            text("=cmd|'/C calc'!A0,\"x\"\r\n@SUM(1)"),
		"a page":               text("<script>alert(1)</script>{{.}}%s%n$(id)`id`"),
		"backwards":            text("\u202e\u2066王"),
		"40,000 bytes":         text(strings.Repeat("王", 13_000)),
		"a number":             protowire.AppendVarint(protowire.AppendTag(nil, residentName, protowire.VarintType), 7),
		"two names":            append(text("一"), text("二")...),
		"another field":        protowire.AppendString(protowire.AppendTag(nil, 11, protowire.BytesType), "x"),
		"half a tag":           {0x80},
		"nothing":              {},
		"groups without end":   bytes.Repeat([]byte{10<<3 | 3}, 2000),
	}
}

// Whatever a certified tablet saves as a name: it is stored or held, the village's other
// tablet takes it with everything else, shows and lists all records and finds what is
// whole, and no line of the log is anybody's but the server's.
func TestWildValuesHurtNobodyElse(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, func(c *server.Config) {
		c.Schema, c.Clock = care.Kinds(), time.Now
	})
	d := s.Enrol(servertest.Doctor("zhang"))
	var ids []string
	for _, name := range wildNames() {
		id, _ := d.Save(care.KindResident, record.Revision{Changes: []record.Change{
			servertest.Set(record.PathScope, string(servertest.Village)), {Path: record.Field(residentName), Value: record.Of(name)},
		}})
		ids = append(ids, id.String())
		d.PushSegments(d.Seal())
	}
	whole, _ := d.Save(care.KindResident, record.Revision{Changes: []record.Change{
		servertest.Set(record.PathScope, string(servertest.Village)), {Path: record.Field(residentName), Value: record.Of(text("李试秋"))},
	}})
	d.PushSegments(d.Seal())
	wantSound(t, s)
	x := enrolled(t, s)
	r, err := x.Sync(t.Context(), &tablet.SyncOptions{Address: s.Address(), Tries: 1})
	if err != nil || !r.Complete {
		t.Fatalf("the other tablet: %+v, %v", r, err)
	}
	wantShown(t, x, append(ids, whole.String()))
	found, err := x.Search("李试秋", 10)
	if err != nil || found.Len() != 1 || found.At(0).ID != whole.String() {
		t.Errorf("the whole one is not found: %v", err)
	}
	for line := range strings.Lines(s.Log.String()) {
		if !json.Valid([]byte(line)) || strings.Contains(line, "forged") || strings.Contains(line, "DROP") {
			t.Errorf("a line of the log: %s", line)
		}
	}
}

// enrolled returns a tablet of the village.
func enrolled(t *testing.T, s *servertest.Server) *tablet.Tablet {
	t.Helper()
	i, err := s.Invite(t.Context(), s.County, servertest.Doctor("li", servertest.Village), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	x, err := tablet.Create(&tablet.Options{Dir: filepath.Join(t.TempDir(), "tablet"), CheapSecrets: true}, "618203")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	if err := x.Enrol(t.Context(), i.String(), "li", nil); err != nil {
		t.Fatal(err)
	}
	return x
}

// wantShown wants a tablet to show each record, and to list it.
func wantShown(t *testing.T, x *tablet.Tablet, ids []string) {
	t.Helper()
	list, err := x.List(&tablet.Query{})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for i := range list.Len() {
		listed[list.At(i).ID] = true
	}
	for _, id := range ids {
		r, err := x.Get(id)
		if err != nil || !json.Valid([]byte(r.JSON)) || !listed[id] {
			t.Errorf("record %s: listed %t, %v: %+v", id, listed[id], err, r)
		}
	}
}

// Text in requests that is no UTF-8 is no request, and what is UTF-8 is data wherever it
// is put.
func TestWildRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	d, office, shard := s.Enrol(servertest.Doctor("zhang")), s.Operator(), s.County.Shard()
	bad := func(number protowire.Number) []byte {
		b := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), shard[:])
		return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), []byte("\xff\xfe"))
	}
	for method, q := range map[string]*emptypb.Empty{
		"EnrolmentService/Enrol": wild(bad(2)), "RecordService/List": wild(bad(6)), "RecordService/CreateInvitation": wild(bad(3)),
	} {
		caller := d.Caller
		if strings.HasPrefix(method, "Record") {
			caller = office
		}
		err := caller.Conn.Invoke(caller.Context(), "/xunzhen.sync.v1."+method, q, &emptypb.Empty{})
		if transport.ReasonOf(err) != syncv1.Reason_REASON_INVALID {
			t.Errorf("%s with text that is none: %v", method, err)
		}
	}
	for _, name := range []string{"'; DROP TABLE records;--", "../../etc/passwd", "\x1b[2J\n", strings.Repeat("王", 30_000), "%s%n"} {
		_, err := office.Records.CreateInvitation(office.Context(), &syncv1.CreateInvitationRequest{
			Shard: shard[:], Role: 2, Staff: []string{name}, Divisions: []string{name}, PrivacyClasses: []uint32{1}, Label: name,
		})
		if r := transport.ReasonOf(err); err == nil || r == syncv1.Reason_REASON_INTERNAL {
			t.Errorf("an invitation to %.20q: %v", name, err)
		}
		_, err = d.Enrolment.Enrol(d.Context(), &syncv1.EnrolRequest{Shard: shard[:], Code: name, PublicKey: []byte(name)})
		if r := transport.ReasonOf(err); err == nil || r == syncv1.Reason_REASON_INTERNAL {
			t.Errorf("the code %.20q: %v", name, err)
		}
	}
	wantSound(t, s)
}

// wild is a message that is these bytes on the wire.
func wild(b []byte) *emptypb.Empty {
	m := &emptypb.Empty{}
	m.ProtoReflect().SetUnknown(b)
	return m
}
