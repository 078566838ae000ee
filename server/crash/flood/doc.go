// SPDX-License-Identifier: Apache-2.0

// Package flood has no code: its tests do to a whole server what nobody should, over
// the wire and with the rights of a certified tablet where that helps, and look at
// what it says, what it keeps, how much memory it takes and how long others wait.
//
// The server runs as a child process of the test binary, over a store on disk, with
// the limits and the certificates of a shipped one.
package flood
