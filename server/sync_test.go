// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

func TestSavesTravelFromOneTabletToAnother(t *testing.T) {
	s := servertest.Start(t)
	zhang, li := s.Enrol(servertest.Doctor("zhang")), s.Enrol(servertest.Doctor("li", servertest.Village))

	id, _ := zhang.Create(servertest.Village, "139")
	zhang.Create(servertest.Village2, "138")
	seg := zhang.Seal()
	offer := session.Offer{Hash: seg.Hash(), Replica: zhang.Cert.Replica(), First: 1, Last: 2}
	hello, err := zhang.Hello(session.HelloRequest{Offers: []session.Offer{offer}, Certificates: [][]byte{zhang.Cert.Raw}})
	if err != nil {
		t.Fatal(err)
	}
	if len(hello.Wants) != 1 || hello.Wants[0] != seg.Hash() {
		t.Errorf("the centre wants %v", hello.Wants)
	}
	reply := zhang.PushSegments(seg)
	acks, err := ledger.OpenAcks(reply.Acks, s.County.Engine.ShardKey())
	if err != nil || len(acks.Segments) != 1 || acks.Segments[0].Hash != seg.Hash() {
		t.Errorf("acks %v, %v", acks, err)
	}

	pages, err := li.Pull(session.PullRequest{})
	if err != nil {
		t.Fatal(err)
	}
	last := pages[len(pages)-1]
	if len(last.Bases) != 1 || last.Bases[0].ID != id {
		t.Errorf("li sees %v", last.Bases)
	}
	if len(last.Last.Sums) != 1 || last.Last.Sums[0].Count != 1 {
		t.Errorf("sums %v", last.Last.Sums)
	}
}

func TestCompressedCallsSayTheSame(t *testing.T) {
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("zhang"))
	for range 50 {
		d.Create(servertest.Village, "139")
	}
	reply, err := d.Push(session.PushRequest{Segments: [][]byte{d.Seal().Bytes()}}, transport.Compressed())
	if err != nil || reply.Results[0].Outcome != session.OutcomeStored {
		t.Fatal(reply, err)
	}
	pages, err := d.Pull(session.PullRequest{PageRecords: 20}, transport.Compressed())
	if err != nil || len(pages) != 3 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
}
