// SPDX-License-Identifier: Apache-2.0

package indicators

// basicItems is how many items of the basic form are asked for.
const basicItems = 20

// checkupParts is how many parts a checkup form has.
const checkupParts = 20

// A what says what was done.
type what uint8
