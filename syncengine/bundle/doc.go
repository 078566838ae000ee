// SPDX-License-Identifier: Apache-2.0

// Package bundle is the file in which a session is carried by hand: from a replica to
// the centre, on a stick or by any other way, and the answer back.
//
// The one invariant: what Next returned was written by the key that the header names,
// in this order, with nothing left out before it. So a file that breaks off is good up
// to where it breaks off, and who carries it can neither read nor change it.
//
// A bundle is one stream, not an archive: it holds no names and no paths, and whoever
// reads one writes nothing to a disk but what the engine stores. DESIGN.md beside this
// file has the byte tables and says who encrypts to whom.
package bundle
