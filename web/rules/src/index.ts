// SPDX-License-Identifier: Apache-2.0

export { Pack, type DueItem, type Finding, type Membership, type Proposal } from "./pack.js";
export { Person, type Entry, type Form } from "./person.js";
