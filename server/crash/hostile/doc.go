// SPDX-License-Identifier: Apache-2.0

// Package hostile has no code: its tests are a client with a certificate, or without
// one, that keeps to no rule, over real gRPC. SECURITY.md lists what it tries and what
// becomes of it. What brings a server down by sheer quantity is package flood's.
package hostile
