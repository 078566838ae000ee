// SPDX-License-Identifier: Apache-2.0

// Package crash has no code: its tests let a whole server die at named points of its
// work, at any time, with a torn log, or run out of disk, while tablets sync with it,
// and look at what is left.
//
// Where it dies at a named point, the server runs as a child process of the test
// binary, over a store on disk that is wrapped by these tests: outside them nothing can
// make it die. Else it is the shipped binary, built from this tree. With -crash.long
// the tests that draw their faults go on for so long, each, and cut everywhere.
package crash
