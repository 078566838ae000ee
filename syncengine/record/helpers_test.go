// SPDX-License-Identifier: Apache-2.0

package record

import "github.com/xunzhen/xunzhen/syncengine/causal"

// dot names a save of a replica that tests number; its hash follows from both.
func dot(replica byte, counter uint64) causal.Dot {
	return twin(replica, counter, 0)
}

// twin names a save of another history of the same replica.
func twin(replica byte, counter uint64, history byte) causal.Dot {
	return causal.Dot{
		Replica: causal.ReplicaID{replica},
		Counter: counter,
		Hash:    causal.Hash8{0xa0 + history, replica, byte(counter), byte(counter >> 8)},
	}
}
