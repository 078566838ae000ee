// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "google.golang.org/grpc/health/grpc_health_v1"
	_ "google.golang.org/grpc/reflection/grpc_reflection_v1"
	_ "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/transport"
)

// Every method that can be called has a row in the table, and every row a method.
func TestTableOfRightsNamesEveryMethod(t *testing.T) {
	named := map[string]bool{}
	for _, m := range auth.Methods() {
		named[m] = true
	}
	for service, info := range servedBy() {
		for _, m := range info.Methods {
			full := "/" + service + "/" + m.Name
			if !named[full] {
				t.Errorf("%s has no row", full)
			}
			delete(named, full)
		}
	}
	for m := range named {
		t.Errorf("%s has a row and is not served", m)
	}
}

// servedBy returns the services as a server registers them.
func servedBy() map[string]grpc.ServiceInfo {
	s := grpc.NewServer(rpc.Options()...)
	rpc.Register(s, rpc.Config{Limits: rpc.DefaultLimits()}, health.NewServer())
	return s.GetServiceInfo()
}

// refusedByRights reports whether the guard did not let a call in.
func refusedByRights(r syncv1.Reason) bool {
	switch r {
	case syncv1.Reason_REASON_TOKEN, syncv1.Reason_REASON_RIGHTS, syncv1.Reason_REASON_EXPIRED, syncv1.Reason_REASON_REVOKED:
		return true
	}
	return false
}

const renew = "/xunzhen.sync.v1.EnrolmentService/Renew"

// Each kind of caller calls each method, over the wire, and the table is the truth.
func TestTableOfRightsIsKeptMethodByMethod(t *testing.T) {
	s := servertest.Start(t, func(c *server.Config) {
		c.CertificateLife = 48 * time.Hour
		c.Limits = rpc.DefaultLimits()
		c.Limits.Door.Burst = 1000
	})
	expired, expiredDesk := s.Enrol(servertest.Doctor("li")), s.Enrol(servertest.Clerk("sun"))
	s.Clock.Move(49 * time.Hour)
	device, revoked := s.Enrol(servertest.Doctor("zhang")), s.Enrol(servertest.Doctor("wang"))
	desk, revokedDesk := s.Enrol(servertest.Clerk("zhao")), s.Enrol(servertest.Clerk("qian"))
	for _, one := range []*servertest.Device{revoked, revokedDesk} {
		if err := s.County.Engine.Fence(t.Context(), "office", one.Cert.Replica(), "lost"); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range []*servertest.Device{expired, expiredDesk} {
		if err := one.LoginAgain(); err != nil {
			t.Fatal(err)
		}
	}
	const token, rights, expiredReason, revokedReason = syncv1.Reason_REASON_TOKEN, syncv1.Reason_REASON_RIGHTS,
		syncv1.Reason_REASON_EXPIRED, syncv1.Reason_REASON_REVOKED
	for _, caller := range []struct {
		name string
		*servertest.Caller
		want func(auth.Rule) syncv1.Reason // unspecified: may
	}{
		{"nobody", s.Stranger(), func(auth.Rule) syncv1.Reason { return token }},
		{"operator", s.Operator(), func(r auth.Rule) syncv1.Reason { return when(r.Who != auth.Operator && !r.Office, rights) }},
		{"device", device.Caller, func(r auth.Rule) syncv1.Reason { return when(r.Who != auth.Device, rights) }},
		{"expired device", expired.Caller, func(r auth.Rule) syncv1.Reason {
			return first(when(r.Who != auth.Device, rights), when(!r.Expired, expiredReason))
		}},
		{"revoked device", revoked.Caller, func(r auth.Rule) syncv1.Reason {
			return first(when(r.Who != auth.Device, rights), when(!r.Revoked, revokedReason))
		}},
		{"desk", desk.Caller, func(r auth.Rule) syncv1.Reason { return when(!r.Desk, rights) }},
		{"expired desk", expiredDesk.Caller, func(r auth.Rule) syncv1.Reason {
			return first(when(!r.Desk, rights), when(!r.Expired, expiredReason))
		}},
		{"revoked desk", revokedDesk.Caller, func(r auth.Rule) syncv1.Reason {
			return first(when(!r.Desk, rights), when(!r.Revoked, revokedReason))
		}},
	} {
		methods := auth.Methods()
		methods = slices.DeleteFunc(methods, func(m string) bool { return m == renew })
		for _, method := range append(methods, renew) { // which helps the expired
			rule, _ := auth.RuleOf(method)
			want := syncv1.Reason_REASON_UNSPECIFIED
			if rule.Who != auth.Nobody {
				want = caller.want(rule)
			}
			got := transport.ReasonOf(call(t, caller.Caller, s, method))
			if refusedByRights(got) != (want != unspecified) || want != unspecified && got != want {
				t.Errorf("%s calls %s: %s, want %s", caller.name, method, transport.ReasonName(got), transport.ReasonName(want))
			}
		}
	}
}

func when(condition bool, r syncv1.Reason) syncv1.Reason {
	if condition {
		return r
	}
	return unspecified
}

func first(reasons ...syncv1.Reason) syncv1.Reason {
	for _, r := range reasons {
		if r != unspecified {
			return r
		}
	}
	return unspecified
}

// call calls a method with a request that names the shard and nothing else, and
// returns how that ended; a stream is left after its first message.
func call(t *testing.T, c *servertest.Caller, s *servertest.Server, method string) error {
	t.Helper()
	service, name, _ := strings.Cut(method[1:], "/")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + name))
	if err != nil {
		t.Fatal(err)
	}
	m := d.(protoreflect.MethodDescriptor)
	request, reply := dynamicpb.NewMessage(m.Input()), dynamicpb.NewMessage(m.Output())
	if f := m.Input().Fields().ByName("shard"); f != nil {
		shard := s.County.Shard()
		request.Set(f, protoreflect.ValueOfBytes(shard[:]))
	}
	if !m.IsStreamingServer() {
		return c.Conn.Invoke(c.Context(), method, request, reply)
	}
	return callStream(c, m, method, request, reply)
}

func callStream(c *servertest.Caller, m protoreflect.MethodDescriptor, method string, request, reply proto.Message) error {
	desc := &grpc.StreamDesc{StreamName: string(m.Name()), ServerStreams: true, ClientStreams: m.IsStreamingClient()}
	stream, err := c.Conn.NewStream(c.Context(), desc, method)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(reply)
}
