// SPDX-License-Identifier: Apache-2.0

// Package e2e has no code: its tests run whole tablets against a whole server, over
// TLS on loopback, because neither side may import the other.
package e2e
