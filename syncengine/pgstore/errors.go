// SPDX-License-Identifier: Apache-2.0

package pgstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xunzhen/xunzhen/syncengine"
)

// What can be wrong with a database.
var (
	ErrAddress     = errors.New("the database's address cannot be read")
	ErrUnreachable = errors.New("the database cannot be reached")
	ErrRights      = errors.New("the database refuses: a right is missing")
	ErrNewer       = errors.New("the database was made by a newer program")
	ErrForeign     = errors.New("the database's tables are not those of this program")
	ErrReadOnly    = errors.New("the database takes no writes")
	ErrNoShard     = errors.New("the database has no such shard")
)

// codes of SQLSTATE that mean something to whoever runs the server; of two characters a class.
var codes = map[string]error{
	"40001": syncengine.ErrAgain, "40P01": syncengine.ErrAgain, "55P03": syncengine.ErrAgain, // serialisation, deadlock, lock not available
	"57P01": syncengine.ErrAgain, "57P02": syncengine.ErrAgain, "57P03": syncengine.ErrAgain, "08": syncengine.ErrAgain, // shut down, starting, connection
	"25006": ErrReadOnly, "42501": ErrRights, "28": ErrRights, "3D000": ErrAddress,
	"53100": syncengine.ErrStoreFull, "53": syncengine.ErrAgain,
}

// explain wraps what the database said in what it means.
func explain(err error) error {
	var said *pgconn.PgError
	var connecting *pgconn.ConnectError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		for _, code := range []string{said.Code, said.Code[:min(2, len(said.Code))]} {
			if means := codes[code]; means != nil {
				return fmt.Errorf("%w: %w", means, err)
			}
		}
	case errors.As(err, &connecting):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case pgconn.SafeToRetry(err), strings.Contains(err.Error(), "conn closed"):
		return fmt.Errorf("%w: %w", syncengine.ErrAgain, err)
	}
	return err
}

// refused reports whether the database itself said that it did not commit.
func refused(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && !strings.HasPrefix(said.Code, "08") && !strings.HasPrefix(said.Code, "57P")
}

// isDuplicate reports whether what was to be made is there already: a row, a table, or the type
// that PostgreSQL makes with a table. Of two that make one table at once the slower is told any of
// the three, IF NOT EXISTS or not.
func isDuplicate(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && slices.Contains([]string{"23505", "42P07", "42710"}, said.Code)
}
