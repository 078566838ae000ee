// SPDX-License-Identifier: Apache-2.0

package session

import "github.com/xunzhen/xunzhen/syncengine/segment"

// Pin is the SHA-256 of the public key (SPKI) of the authority that signs a
// server's TLS certificates.
type Pin [32]byte

// DomainLogin is what a login's signature is for.
const DomainLogin segment.Domain = "xunzhen/login/1"

// LoginMessage returns the bytes that a login signs: those of one challenge, for
// one shard, to the server with this pin, so that no other server can use them.
func LoginMessage(shard segment.ShardID, pin Pin, challenge []byte) []byte {
	return DomainLogin.Message(shard[:], pin[:], challenge)
}
