// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"github.com/xunzhen/xunzhen/care/export"
)

// Encoding is how a CSV file writes characters.
type Encoding int

// Encodings.
const (
	UTF8    Encoding = iota // with a byte order mark, by which Excel knows it
	GB18030                 // which has a place for every character of Unicode
)

const byteOrderMark = "\xef\xbb\xbf"

// writeCSV writes one table. With rowsOnly neither the lines above the header are there nor a
// byte order mark, so that the bytes in UTF-8 are those of the digest.
func writeCSV(ctx context.Context, to io.Writer, s sheet, e Encoding, rowsOnly bool, tell func()) error {
	to = cancellable{ctx, to}
	var encoder *transform.Writer
	switch {
	case e == GB18030:
		encoder = transform.NewWriter(to, simplifiedchinese.GB18030.NewEncoder())
		to = encoder
	case !rowsOnly:
		if _, err := io.WriteString(to, byteOrderMark); err != nil {
			return err
		}
	}
	w := newCSV(to)
	var err error
	if !rowsOnly {
		for _, text := range append([]string{s.head.title}, s.head.lines...) {
			err = errors.Join(err, w.Write([]string{text}))
		}
	}
	err = errors.Join(err, w.Write(headers(s.rows.table)))
	if err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	err = s.rows.each(ctx, func(_ int, row export.Row) error {
		tell()
		return w.Write(texts(s.rows.table, row))
	})
	w.Flush()
	err = errors.Join(err, w.Error())
	if encoder != nil {
		err = errors.Join(err, encoder.Close())
	}
	if err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}
