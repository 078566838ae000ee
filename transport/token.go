// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"strings"

	"google.golang.org/grpc/metadata"
)

const (
	tokenKey    = "authorization"
	tokenPrefix = "Bearer "
)

// WithToken returns ctx for calls of the session that token opened.
func WithToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, tokenKey, tokenPrefix+token)
}

// Token returns the token of the call that ctx belongs to; none is "".
func Token(ctx context.Context) string {
	values := metadata.ValueFromIncomingContext(ctx, tokenKey)
	if len(values) != 1 {
		return ""
	}
	token, ok := strings.CutPrefix(values[0], tokenPrefix)
	if !ok {
		return ""
	}
	return token
}
