// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"testing"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

const (
	unspecified = syncv1.Reason_REASON_UNSPECIFIED
	badToken    = syncv1.Reason_REASON_TOKEN
	badLogin    = syncv1.Reason_REASON_LOGIN
)

// wantReason fails the test unless err was refused for this reason.
func wantReason(t *testing.T, what string, err error, want syncv1.Reason) {
	t.Helper()
	if got := transport.ReasonOf(err); err == nil || got != want {
		t.Errorf("%s: %v, want %s", what, err, transport.ReasonName(want))
	}
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func TestInvitationLeadsToASession(t *testing.T) {
	s := servertest.Start(t)
	made, err := s.Invite(t.Context(), s.County, servertest.Doctor("zhang"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	i, err := session.ParseInvitation(made.String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := transport.Dial(i.Addresses[0], i.Pin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, key := s.Stranger(), newKey(t)
	ask := &syncv1.EnrolRequest{Shard: i.Shard[:], Code: i.Code, PublicKey: public(key)}
	reply, err := c.Enrolment.Enrol(c.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if segment.ShardOf(reply.GetShardKey()) != i.Shard || session.Pin(reply.GetTlsPin()) != i.Pin {
		t.Error("the answer is of another shard or server than the invitation")
	}
	if _, err := segment.ParseCertificate(reply.GetCertificate(), reply.GetShardKey()); err != nil {
		t.Error(err)
	}
	again, err := c.Enrolment.Enrol(c.Context(), ask)
	if err != nil || string(again.GetCertificate()) != string(reply.GetCertificate()) {
		t.Errorf("the same code and key again give another answer, %v", err)
	}
	who := &syncv1.LoginRequest{Who: &syncv1.LoginRequest_Certificate{Certificate: reply.GetCertificate()}}
	if err := c.Login(key, who); err != nil {
		t.Error(err)
	}
}

func TestWrongCodesDoNotEnrol(t *testing.T) {
	s := servertest.Start(t)
	c, shard := s.Stranger(), s.County.Shard()
	invite := func() session.Invitation {
		i, err := s.Invite(t.Context(), s.County, servertest.Doctor("zhang"), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	enrol := func(code string, key ed25519.PublicKey) error {
		_, err := c.Enrolment.Enrol(c.Context(), &syncv1.EnrolRequest{Shard: shard[:], Code: code, PublicKey: key})
		return err
	}
	used := invite()
	if err := enrol(used.Code, public(newKey(t))); err != nil {
		t.Fatal(err)
	}
	wantReason(t, "used code with another key", enrol(used.Code, public(newKey(t))), syncv1.Reason_REASON_CODE)
	wantReason(t, "invented code", enrol("AAAA-BBBB-CCCC-DDDD", public(newKey(t))), syncv1.Reason_REASON_CODE)
	old := invite()
	s.Clock.Move(time.Hour + time.Second)
	wantReason(t, "code too old", enrol(old.Code, public(newKey(t))), syncv1.Reason_REASON_CODE)
	wantReason(t, "key cut", enrol(invite().Code, public(newKey(t))[:31]), syncv1.Reason_REASON_INVALID)
	_, err := c.Enrolment.Enrol(c.Context(), &syncv1.EnrolRequest{Shard: make([]byte, 16), Code: invite().Code})
	wantReason(t, "code for another county", err, syncv1.Reason_REASON_WRONG_SHARD)
	_, err = c.Enrolment.Enrol(c.Context(), &syncv1.EnrolRequest{Shard: shard[:3]})
	wantReason(t, "shard cut", err, syncv1.Reason_REASON_INVALID)
}

func TestWrongKeysDoNotLogIn(t *testing.T) {
	s := servertest.Start(t)
	d, other := s.Enrol(servertest.Doctor("zhang")), s.Enrol(servertest.Doctor("li"))
	shard, stranger := s.County.Shard(), newKey(t)
	withCertificate := func(raw []byte) *syncv1.LoginRequest {
		return &syncv1.LoginRequest{Who: &syncv1.LoginRequest_Certificate{Certificate: raw}}
	}
	withOperator := func(key []byte) *syncv1.LoginRequest {
		return &syncv1.LoginRequest{Who: &syncv1.LoginRequest_OperatorKey{OperatorKey: key}}
	}
	forged, err := segment.IssueCertificate(segment.KeySigner(stranger), segment.Certificate{
		PublicKey: public(stranger), Role: segment.RoleTablet, Staff: []string{"x"}, ExpiresAt: s.Clock.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"another's certificate":       d.Login(d.Key, withCertificate(other.Cert.Raw)),
		"certificate signed by none":  d.Login(stranger, withCertificate(forged.Raw)),
		"garbage for a certificate":   d.Login(d.Key, withCertificate([]byte("x"))),
		"the operator's, own key":     d.Login(d.Key, withOperator(s.County.Operator())),
		"the operator with a new key": d.Login(stranger, withOperator(public(stranger))),
		"nobody":                      d.Login(d.Key, &syncv1.LoginRequest{}),
	} {
		wantReason(t, name, err, badLogin)
	}

	// One challenge is good for one login, of the one server that gave it, for a minute.
	sign := func(pin session.Pin) *syncv1.LoginRequest {
		reply, err := d.Enrolment.Challenge(d.Context(), &syncv1.ChallengeRequest{Shard: shard[:]})
		if err != nil {
			t.Fatal(err)
		}
		m := withCertificate(d.Cert.Raw)
		m.Shard, m.Challenge = shard[:], reply.GetChallenge()
		m.Signature = ed25519.Sign(d.Key, session.LoginMessage(shard, pin, m.GetChallenge()))
		return m
	}
	login := func(m *syncv1.LoginRequest) error {
		_, err := d.Enrolment.Login(d.Context(), m)
		return err
	}
	once := sign(s.Pin())
	if err := login(once); err != nil {
		t.Fatal(err)
	}
	wantReason(t, "the same login again", login(once), badLogin)
	wantReason(t, "signed for another server", login(sign(session.Pin{1})), badLogin)
	late := sign(s.Pin())
	s.Clock.Move(auth.ChallengeLife + time.Second)
	wantReason(t, "too late", login(late), badLogin)
}

func TestStolenAndOldTokensAreRefused(t *testing.T) {
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("zhang"))
	hello := func() error {
		_, err := d.Hello(session.HelloRequest{})
		return err
	}
	if err := hello(); err != nil {
		t.Fatal(err)
	}
	good := d.Token
	for name, token := range map[string]string{"none": "", "garbage": "x", "changed": "A" + good[1:], "cut": good[:40]} {
		if d.Token = token; token == good {
			continue
		}
		wantReason(t, name, hello(), badToken)
	}
	d.Token = good
	s.Clock.Move(auth.SessionLife + time.Second)
	wantReason(t, "too old", hello(), badToken)
	if err := d.LoginAgain(); err != nil {
		t.Fatal(err)
	}
	if err := hello(); err != nil {
		t.Errorf("after logging in again: %v", err)
	}
	// Stolen, it opens nothing that its owner may not do, and no other county.
	_, err := d.Records.List(d.Context(), &syncv1.ListRequest{Shard: d.Cert.Shard[:]})
	wantReason(t, "a tablet's token at the office's door", err, syncv1.Reason_REASON_RIGHTS)
	_, err = d.Sync.Hello(d.Context(), &syncv1.HelloRequest{Shard: make([]byte, 16)})
	wantReason(t, "for another shard", err, syncv1.Reason_REASON_WRONG_SHARD)
	stream, err := d.Sync.Pull(d.Context(), &syncv1.PullRequest{Shard: make([]byte, 16)})
	if err == nil {
		_, err = stream.Recv()
	}
	wantReason(t, "pull of another shard", err, syncv1.Reason_REASON_WRONG_SHARD)
}

func TestAnotherServerIsNotTrusted(t *testing.T) {
	s, other := servertest.Start(t), servertest.Start(t)
	conn, err := transport.Dial(s.Address(), other.Pin())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	shard := s.County.Shard()
	c := s.Stranger()
	err = conn.Invoke(c.Context(), "/xunzhen.sync.v1.EnrolmentService/Challenge",
		&syncv1.ChallengeRequest{Shard: shard[:]}, &syncv1.ChallengeResponse{})
	if err == nil {
		t.Error("a server with another pin was trusted")
	}
	if got := transport.ReasonOf(err); got != unspecified {
		t.Errorf("reason %v from a server that was not trusted", got)
	}
}

func TestExpiredTabletPushesAndRenews(t *testing.T) {
	s := servertest.Start(t, func(c *server.Config) { c.CertificateLife = 48 * time.Hour })
	d := s.Enrol(servertest.Doctor("zhang"))
	renew := func() segment.Certificate {
		reply, err := d.Enrolment.Renew(d.Context(), &syncv1.RenewRequest{Shard: d.Cert.Shard[:]})
		if err != nil {
			t.Fatal(err)
		}
		cert, err := segment.ParseCertificate(reply.GetCertificate(), s.County.Engine.ShardKey())
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	if same := renew(); same.Hash != d.Cert.Hash {
		t.Error("a fresh certificate was issued anew")
	}
	d.Create(servertest.Village, "139")
	s.Clock.Move(49 * time.Hour)
	if err := d.LoginAgain(); err != nil {
		t.Fatal(err)
	}
	_, err := d.Pull(session.PullRequest{})
	wantReason(t, "pull", err, syncv1.Reason_REASON_EXPIRED)
	d.PushSegments(d.Seal())
	cert := renew()
	if !cert.ExpiresAt.After(s.Clock.Now()) {
		t.Error("renewed, and expired still")
	}
	if _, err := d.Pull(session.PullRequest{}); err != nil {
		t.Errorf("pull in the same session: %v", err)
	}
	// An answer that was lost comes with the next login.
	who := &syncv1.LoginRequest{Who: &syncv1.LoginRequest_Certificate{Certificate: d.Cert.Raw}}
	if err := d.Login(d.Key, who); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Pull(session.PullRequest{}); err != nil {
		t.Errorf("pull after a login with the old certificate: %v", err)
	}
}

// An old certificate that says more than the newest one opens no more than that.
func TestOldCertificateDoesNotWidenWhatMayBeSeen(t *testing.T) {
	s := servertest.Start(t)
	wide := s.Enrol(servertest.Doctor("zhang"))
	wide.Create(servertest.Village2, "138")
	wide.PushSegments(wide.Seal())
	s.Clock.Move(time.Second)
	if _, err := s.County.Engine.Certify(t.Context(), servertest.Doctor("zhang", servertest.Village), public(wide.Key)); err != nil {
		t.Fatal(err)
	}
	if err := wide.LoginAgain(); err != nil {
		t.Fatal(err)
	}
	pages, err := wide.Pull(session.PullRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := pages[0].Bases; len(got) != 0 {
		t.Errorf("%d records of a village that the newest certificate does not name", len(got))
	}
}

func TestRevokedTabletMayOnlyPush(t *testing.T) {
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("zhang"))
	d.Create(servertest.Village, "139")
	d.PushSegments(d.Seal())
	if err := s.County.Engine.Fence(t.Context(), "office", d.Cert.Replica(), "lost"); err != nil {
		t.Fatal(err)
	}
	hello, err := d.Hello(session.HelloRequest{})
	if err != nil || !hello.Revoked {
		t.Errorf("hello: %v, %v", hello, err)
	}
	d.Create(servertest.Village, "138")
	reply := d.PushSegments(d.Seal())
	if v := reply.Results[0].Verdicts[0]; !v.Held() {
		t.Errorf("a save after the fence is %v", v)
	}
	_, err = d.Pull(session.PullRequest{})
	wantReason(t, "pull", err, syncv1.Reason_REASON_REVOKED)
	_, err = d.Enrolment.Renew(d.Context(), &syncv1.RenewRequest{Shard: d.Cert.Shard[:]})
	wantReason(t, "renew", err, syncv1.Reason_REASON_REVOKED)
	stream, err := d.Sync.Watch(d.Context(), &syncv1.WatchRequest{Shard: d.Cert.Shard[:]})
	if err == nil {
		_, err = stream.Recv()
	}
	wantReason(t, "watch", err, syncv1.Reason_REASON_REVOKED)
}

func TestCopiedKeyGoesOnUnderANewOne(t *testing.T) {
	s := servertest.Start(t)
	d, next := s.Enrol(servertest.Doctor("zhang")), newKey(t)
	succession, err := segment.NewSuccession(segment.KeySigner(d.Key), segment.KeySigner(next), d.Cert)
	if err != nil {
		t.Fatal(err)
	}
	ask := &syncv1.SucceedRequest{Shard: d.Cert.Shard[:], Succession: succession.Raw}
	reply, err := d.Enrolment.Succeed(d.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := segment.ParseCertificate(reply.GetCertificate(), s.County.Engine.ShardKey())
	if err != nil || cert.Predecessor != d.Cert.Replica() {
		t.Errorf("%+v, %v", cert, err)
	}
	who := &syncv1.LoginRequest{Who: &syncv1.LoginRequest_Certificate{Certificate: cert.Raw}}
	if err := s.Stranger().Login(next, who); err != nil {
		t.Error(err)
	}
	ask.Succession = ask.GetSuccession()[:40]
	_, err = d.Enrolment.Succeed(d.Context(), ask)
	wantReason(t, "succession cut", err, syncv1.Reason_REASON_SIGNATURE)
}

func TestLockedTabletSendsEnvelopes(t *testing.T) {
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("zhang"))
	d.Create(servertest.Village, "139")
	open := d.Seal()
	id, _ := d.Create(servertest.Village, "138")
	closed := d.Seal()
	e, err := segment.SealEnvelope(s.County.RecipientKey(), d.Cert.Shard, closed)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := segment.NewRecipientKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forOther, err := segment.SealEnvelope(other, d.Cert.Shard, closed)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := d.Push(session.PushRequest{
		Segments:  [][]byte{open.Bytes()},
		Envelopes: [][]byte{forOther.Encode(), e.Encode(), []byte("garbage")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []session.Outcome
	for _, r := range reply.Results {
		got = append(got, r.Outcome)
	}
	want := []session.Outcome{session.OutcomeStored, session.OutcomeRefused, session.OutcomeStored, session.OutcomeRefused}
	if len(got) != 4 || [4]session.Outcome(got) != [4]session.Outcome(want) {
		t.Errorf("outcomes %v, want %v", got, want)
	}
	if reply.Results[2].Hash != closed.Hash() {
		t.Error("the opened envelope's result is another's")
	}
	if _, err := s.County.Engine.Get(t.Context(), id); err != nil {
		t.Error(err)
	}
	many := make([][]byte, session.MaxPushSegments+1)
	_, err = d.Push(session.PushRequest{Envelopes: many})
	wantReason(t, "too many envelopes", err, syncv1.Reason_REASON_TOO_MUCH)
}
