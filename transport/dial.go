// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Dial returns a connection to the server with this pin at host:port. It connects
// on first use. More options may follow, such as grpc.WithContextDialer.
func Dial(address string, pin session.Pin, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	RegisterCompressor()
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(ClientTLS(pin))),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: ClientPing, Timeout: PingTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxResponse)),
		// An address is used as it stands; no resolver, proxy or service configuration is asked.
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
	}
	conn, err := grpc.NewClient("passthrough:///"+address, append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	return conn, nil
}

// Compressed asks for a call's messages to be compressed, both ways.
func Compressed() grpc.CallOption { return grpc.UseCompressor(Compression) }
