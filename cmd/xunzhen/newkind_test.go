// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// newKindVariable makes the test binary one of a later release, which has a kind more:
// that of testdata/village_meeting.txtpb. Nothing else is added for it, in no package.
const newKindVariable = "XUNZHEN_TEST_NEW_KIND"

// ofALaterRelease reports whether this process knows the new kind.
func ofALaterRelease() bool { return os.Getenv(newKindVariable) != "" }

// learnNewKind links the new kind's descriptor into the process, as the import of its
// generated code would.
func learnNewKind() error {
	text, err := os.ReadFile("testdata/village_meeting.txtpb")
	if err != nil {
		return err
	}
	var file descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal(text, &file); err != nil {
		return err
	}
	desc, err := protodesc.NewFile(&file, protoregistry.GlobalFiles)
	if err != nil {
		return err
	}
	return protoregistry.GlobalFiles.RegisterFile(desc)
}

// Adding a kind needs its .proto and nothing else: the tests of the later release run
// in a process of their own, in which it is there.
func TestAddingAKindNeedsItsProtoAlone(t *testing.T) {
	if ofALaterRelease() {
		t.Skip("this is the later release")
	}
	if _, ok := care.KindNamed("village_meeting"); ok {
		t.Fatal("this release has the kind already: it proves nothing")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", "^TestLaterRelease")
	cmd.Env = append(os.Environ(), newKindVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Count(out, []byte("--- PASS: TestLaterRelease")) != 3 {
		t.Errorf("%v\n%s", err, out)
	}
}

// newKind is the kind, in a process that has it.
func newKind(t *testing.T) record.Kind {
	t.Helper()
	if !ofALaterRelease() {
		t.Skip("run by TestAddingAKindNeedsItsProtoAlone")
	}
	kind, ok := care.KindNamed("village_meeting")
	if !ok || kind != 4000 {
		t.Fatalf("kind %d, %t", kind, ok)
	}
	return kind
}

const meetingJSON = `{
  "service_date": 20260301,
  "status": "FORM_STATUS_SUBMITTED",
  "topic": "饮水",
  "room_temperature_c_x10": 185,
  "mood": "MEETING_MOOD_LIVELY",
  "speakers": {
    "k0000001": {
      "name": "王试春",
      "minutes": 12
    }
  }
}`

func TestLaterReleaseTurnsTheFormIntoRegistersAndBack(t *testing.T) {
	kind := newKind(t)
	form, err := care.ParseJSON(kind, []byte(meetingJSON))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := care.Diff(kind, nil, form)
	if err != nil {
		t.Fatal(err)
	}
	var shown []record.Register
	var paths []string
	info, _ := care.Kinds().Lookup(kind)
	for _, c := range changes {
		paths = append(paths, care.FormatPath(kind, c.Path))
		shown = append(shown, record.Register{Path: c.Path, Siblings: []record.Sibling{{Dot: causal.Dot{Counter: 1}, Value: c.Value}}})
		if info.Boundary(c.Path) != record.BoundaryExact {
			t.Errorf("%s is no register", c.Path)
		}
	}
	slices.Sort(paths)
	if got := strings.Join(paths, " "); got != "mood room_temperature_c_x10 service_date speakers[k0000001] status topic" {
		t.Errorf("registers %s", got)
	}
	again, err := care.Message(kind, shown)
	if text, textErr := care.FormatJSON(again); err != nil || textErr != nil || string(text) != meetingJSON || !proto.Equal(form, again) {
		t.Errorf("comes back as %s (%v, %v)", text, err, textErr)
	}
	topic, err := care.ParsePath(kind, "topic")
	if label, ok := care.LabelOf(kind, topic); err != nil || !ok || label != (care.Label{ZH: "议题", EN: "topic"}) {
		t.Errorf("the label is %v (%v)", label, err)
	}
	if err := care.SetReview(again, care.ReviewCounty, &carev1.Review{State: carev1.ReviewState_REVIEW_STATE_RETURNED, Reason: "no list"}); err != nil {
		t.Fatal(err)
	}
	if at, ok := care.StandingOf(again); !ok || at != (care.Standing{Stage: care.StageReturned, Level: care.ReviewCounty, Reason: "no list"}) {
		t.Errorf("it stands at %+v", at)
	}
	if changes, err := care.Diff(kind, shown, again); err != nil || len(changes) != 1 || care.FormatPath(kind, changes[0].Path) != "reviews[3]" {
		t.Errorf("the review changes %v (%v)", changes, err)
	}
}

func TestLaterReleaseTellsTheForm(t *testing.T) {
	newKind(t)
	s := newShell(t)
	says(t, s.ok("tablet", "form", "--lang", "en"), "village_meeting", "village meeting")
	says(t, s.ok("tablet", "form", "village_meeting", "--lang", "en"),
		"date of the meeting", "room temperature", "MEETING_MOOD_CALM (calm)", "speakers.KEY.name", "in 0.1 ℃")
	says(t, s.ok("tablet", "form", "village_meeting", "--lang", "zh"), "会议日期", "室温", "MEETING_MOOD_LIVELY (热烈)", "发言时长")
}

// A centre of today holds what it does not know, and lets the rest through; the day it
// is of the later release it takes what it held, and from then on the kind merges like
// any other (B15).
func TestLaterReleaseIsHeldByACentreOfTodayAndTakenByOneOfItsOwn(t *testing.T) {
	newKind(t)
	one := newShell(t)
	at, stop := one.centreOfToday("--county", "431124")
	two := one.tablet("two")
	for who, s := range map[string]*shell{"li": one, "wang": two} {
		s.ok("tablet", "enrol", strings.TrimSpace(one.ok("enrol", "--scope", village, "--staff", who)))
	}
	id := one.save(meetingJSON, "--kind", "village_meeting")
	one.edit(id, "mood", "MEETING_MOOD_CALM")
	resident := one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	if held := decode[[]heldSave](t, one.ok("held", "--json")); len(held) != 2 || held[0].Record != id || held[0].Verdict != "held_unknown_kind" {
		t.Fatalf("held: %+v", held)
	}
	says(t, one.ok("tablet", "list", "--held"), id)
	two.ok("tablet", "sync")
	if out := two.ok("tablet", "list"); strings.Contains(out, id) || !strings.Contains(out, resident) {
		t.Errorf("the other tablet has\n%s", out)
	}
	stop()
	one.serve("--listen", at.Address)
	if held := decode[[]heldSave](t, one.ok("held", "--json")); len(held) != 0 {
		t.Errorf("still held: %+v", held)
	}
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	if got := two.show(id).Values; got["mood"] != "MEETING_MOOD_CALM" || got["topic"] != "饮水" {
		t.Errorf("the other tablet has %v", got)
	}
	mergesLikeAnyOther(t, one, two, id)
	if found := decode[[]verified](t, one.ok("verify", "--json", "--replay")); len(found[0].Violations) != 0 {
		t.Errorf("%+v", found)
	}
}

// mergesLikeAnyOther has two tablets save the same record without knowing of each other.
func mergesLikeAnyOther(t *testing.T, one, two *shell, id string) {
	t.Helper()
	one.edit(id, "topic", "道路")
	two.edit(id, "topic", "电力")
	two.edit(id, "service_date", 20260308)
	for _, s := range []*shell{one, two, one} {
		s.ok("tablet", "sync")
	}
	says(t, one.ok("tablet", "show", id, "--lang", "zh"), "道路", "电力", "2026-03-08", "议题")
	if l := decode[[]listed](t, one.ok("tablet", "list", "--kind", "village_meeting", "--json")); len(l) != 1 || strings.Join(l[0].Conflicts, " ") != "topic" || l[0].Stage != "submitted" {
		t.Errorf("%+v", l)
	}
	says(t, one.ok("review", id, "--level", "3", "--return", "--reason", "议题不清", "--author", "qian"), "returned (the county)")
	two.ok("tablet", "sync")
	says(t, two.ok("tablet", "list", "--returned"), "village meeting", "returned (the county)", "议题不清")
}

// centreOfToday starts a server that does not know the new kind, in a process of its
// own, and returns what stops it.
func (s *shell) centreOfToday(args ...string) (at office.Serving, stop func()) {
	s.t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"serve", "--listen", "127.0.0.1:0", "--json"}, args...)...)
	cmd.Env = append(os.Environ(), childVariable+"=1", newKindVariable+"=", "XUNZHEN_DATA="+s.env["XUNZHEN_DATA"])
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			s.t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("the centre ended with %v\n%s", err, errs.String())
		}
	}
	s.t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &at) != nil {
		s.t.Fatalf("%v: %s\n%s", err, line, errs.String())
	}
	return at, stop
}
