// SPDX-License-Identifier: Apache-2.0

// Package transport is what both ends of a gRPC connection must agree on: message
// compression, limits, keepalive, how a server is known by its pin, how a session
// token travels, and how a refusal carries its reason.
//
// It has no service and no policy. Nothing is registered when it is linked:
// Dial and the server's constructor call RegisterCompressor.
package transport

import "time"

// Limits of messages in bytes, after decompression.
const (
	// MaxRequest is the greatest request: a full Push with its certificates.
	MaxRequest = 1<<20 + 256<<10
	// MaxResponse is the greatest response: a page whose last record is a huge one,
	// with the centre's own segments.
	MaxResponse = 8 << 20
)

// Keepalive: a client that pings more often than MinPing is disconnected.
const (
	MinPing     = 20 * time.Second
	ClientPing  = 60 * time.Second
	PingTimeout = 20 * time.Second
)
