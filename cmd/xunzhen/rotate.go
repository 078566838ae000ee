// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
)

// rotateCommands replace keys of a data folder that no server has. Tablets learn of it by
// themselves: nobody visits a village.
type rotateCommands struct {
	Tls       rotateTLS       `cmd:"" help:"help_rotate_tls"`
	Operator  rotateOperator  `cmd:"" help:"help_rotate_operator"`
	Recipient rotateRecipient `cmd:"" help:"help_rotate_recipient"`
}

// rotateFlags say in which folder, and for which of its counties.
type rotateFlags struct {
	dataFlag
	storeFlag
	Yes bool `help:"help_restore_yes"`
}

// open opens the folder, so that no server can have it meanwhile, and does f.
func (f rotateFlags) open(c *call, do func(*server.Server) error) (err error) {
	data, err := f.folder(c)
	if err != nil {
		return err
	}
	if found, err := county.Find(data); err != nil || len(found) == 0 {
		return problemf("problem_no_data", data)
	}
	open, disconnect, err := f.connect(c)
	if err != nil {
		return err
	}
	defer disconnect()
	s, err := server.New(c.ctx, server.Config{
		OpenStore: open, Data: data, Schema: care.Kinds(), Clock: c.Clock, Rand: c.Rand, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return explainOpen(err, data)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}

// rotateTLS replaces the authority of the server's certificates.
type rotateTLS struct{ rotateFlags }

// Run replaces it for all counties of the folder: they have one server.
func (f rotateTLS) Run(c *call) error {
	return f.open(c, func(s *server.Server) error {
		c.note("rotate_tls_does")
		if err := c.confirmed(f.Yes, "tls"); err != nil {
			return err
		}
		if err := s.ReplaceAuthority(); err != nil {
			return err
		}
		c.line("rotate_tls_done")
		return nil
	})
}

// rotateOperator replaces a county's operator key.
type rotateOperator struct {
	rotateFlags
	County string `help:"help_restore_county" placeholder:"CODE"`
}

// Run replaces it. Whoever has a copy of the former one may call no more.
func (f rotateOperator) Run(c *call) error {
	return f.open(c, func(s *server.Server) error {
		one, err := countyMeant(s.Counties(), f.County)
		if err != nil {
			return err
		}
		c.note("rotate_operator_does", one.Code)
		if err := c.confirmed(f.Yes, one.Code); err != nil {
			return err
		}
		if err := county.RotateOperator(one.Dir, c.Rand); err != nil {
			return err
		}
		c.line("rotate_operator_done", one.Code, one.Dir)
		return nil
	})
}

// rotateRecipient replaces the key that what is locked is encrypted to.
type rotateRecipient struct {
	rotateFlags
	County string `help:"help_restore_county" placeholder:"CODE"`
}

// Run replaces it and keeps the former one for opening.
func (f rotateRecipient) Run(c *call) error {
	return f.open(c, func(s *server.Server) error {
		one, err := countyMeant(s.Counties(), f.County)
		if err != nil {
			return err
		}
		c.note("rotate_recipient_does", one.Code)
		if err := c.confirmed(f.Yes, one.Code); err != nil {
			return err
		}
		if err := county.RotateRecipient(one.Dir, c.Rand); err != nil {
			return err
		}
		c.line("rotate_recipient_done", one.Code, one.Dir)
		return nil
	})
}

// countyMeant returns the county with a code; "" is the only one.
func countyMeant(all []*county.County, code string) (*county.County, error) {
	codes := make([]string, len(all))
	for i, one := range all {
		if one.Code == code || code == "" && len(all) == 1 {
			return one, nil
		}
		codes[i] = one.Code
	}
	return nil, &office.WhichCountyError{Codes: strings.Join(codes, ", ")}
}
