// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Facts are what counts of one person, or of one record that is about nobody: dated, and with the day on
// which the centre first had each record. They hold no name, number or address, and do not change.
type Facts struct {
	birth       day
	certificate bool // of disability
	judged      bool // findings were asked for
	places      []record.Division
	doctors     []string
	residents   []residence
	turns       []turn
	tags        []tag
	known       []diagnosis
	events      []event
	items       []contractItem
}

// A residence is one resident record of the person.
type residence struct {
	id             record.ID
	received       day
	registered     day
	ended          day // the last day under care by this record; noDay while it goes on
	place, doctor  uint8
	stage, level   uint8 // as care.Stand has them
	missing        uint8 // items of the basic form that are empty
	errors         uint16
	creator        uint8 // who began the record, among doctors
	lost           bool  // it ended because the person was lost
	livesElsewhere bool
}

// A turn is a day on which the person left, came back or died.
type turn struct {
	id       record.ID
	on       day
	received day
	kind     uint8
	from     uint8 // where the person came from, among places; 0 for not said
}

// What turns are.
const (
	turnDied uint8 = iota + 1
	turnLeft
	turnLost
	turnBack
)

// A tag is a population that a resident record names, from a day to a day.
type tag struct {
	code         uint8
	since, until day // noDay for not said
	received     day
	id           record.ID
}

// A diagnosis is a known disease, by the population of those who have it.
type diagnosis struct {
	code     uint8
	since    day
	received day
	id       record.ID
}

// An event is one thing that was done, on one day. What v and flags mean depends on what.
type event struct {
	what          what
	on            day
	received      day
	id            record.ID
	place, doctor uint8
	stage, level  uint8
	flags         uint32
	v             [4]int32
}

// A contractItem is one service that a contract promises.
type contractItem struct {
	contract uint8 // among the contracts of the person, from 1
	times    uint16
}
