// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"testing"
	"time"
)

// The law: what is counted soon is counted each time, what takes long takes a twentieth of the time at most.
func TestCountingSetsTakesAShareOfTheTime(t *testing.T) {
	var c setsCounted
	counted := 0
	ask := func() int {
		t.Helper()
		n, err := c.count(func() (int, error) {
			counted++
			return counted, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if ask() != 1 || ask() != 2 {
		t.Error("what is counted soon is not counted each time")
	}
	c.took = time.Second
	if ask() != 2 || counted != 2 {
		t.Error("what takes a second is counted again at once")
	}
	c.at = time.Now().Add(-21 * time.Second)
	if ask() != 3 {
		t.Error("it is not counted again after a while")
	}
}
