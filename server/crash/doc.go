// SPDX-License-Identifier: Apache-2.0

// Package crash has no code: its tests let a whole server die at named points of its
// work, or run out of disk, while tablets sync with it, and look at what is left.
//
// The server runs as a child process of the test binary, over a store on disk that is
// wrapped by these tests. Outside them nothing can make it die.
package crash
