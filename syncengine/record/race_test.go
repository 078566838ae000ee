// SPDX-License-Identifier: Apache-2.0

//go:build race

package record

// raced says that the race detector watches. These tests have one goroutine, in
// which it can see nothing, so the longest of them takes a smaller world.
const raced = true
