// SPDX-License-Identifier: Apache-2.0

package county

import (
	"path/filepath"

	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/server/tasks"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// framesFolder has the texts of sampling frames. Each is known by the digest that was announced:
// lost, it is to be had from whoever was given it.
const framesFolder = "frames"

// Supervision returns the county's supervision, which reads and saves by records. An error as of
// Findings: then nobody can be drawn.
func (c *County) Supervision(records supervision.Records) (*supervision.Supervision, error) {
	p, err := c.persons()
	if err != nil {
		return nil, err
	}
	return supervision.New(supervision.Config{
		County: record.Division(c.Code), Records: records, Persons: p, Module: c.supervised, Frames: supervision.Frames{Dir: filepath.Join(c.Dir, framesFolder)},
		Clock: c.means.Clock, Rand: c.means.Rand,
	}), nil
}

// Tasks returns the county's tasks, which read and save by records. Errors as of Supervision.
func (c *County) Tasks(records supervision.Records) (*tasks.Tasks, error) {
	p, err := c.persons()
	if err != nil {
		return nil, err
	}
	people, err := c.Supervision(records)
	if err != nil {
		return nil, err
	}
	return tasks.New(tasks.Config{
		County: record.Division(c.Code), Records: records, Parts: p, People: people, Figures: c.figures(), Clock: c.means.Clock,
	}), nil
}
