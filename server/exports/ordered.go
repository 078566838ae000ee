// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"iter"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// inOrder has do done with each item, on all processors at once, and calls take with what comes of
// them, one after the other in the items' order. It ends at the first error, of the first item
// that has one; then nothing is being done any more.
func inOrder[Item, Made any](ctx context.Context, items iter.Seq[Item], do func(context.Context, Item) (Made, error), take func(Made) error) error {
	type outcome struct {
		made Made
		err  error
	}
	type task struct {
		item Item
		done chan outcome
	}
	var g errgroup.Group
	defer func() { _ = g.Wait() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the wait
	workers := runtime.GOMAXPROCS(0)
	tasks, ordered := make(chan task), make(chan task, 2*workers)
	g.Go(func() error {
		defer close(ordered)
		defer close(tasks)
		for item := range items {
			t := task{item, make(chan outcome, 1)}
			select {
			case ordered <- t:
				tasks <- t
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
	for range workers {
		g.Go(func() error {
			for t := range tasks {
				var o outcome
				if o.err = ctx.Err(); o.err == nil {
					o.made, o.err = do(ctx, t.item)
				}
				t.done <- o
			}
			return nil
		})
	}
	for t := range ordered {
		o := <-t.done
		if o.err != nil {
			return o.err
		}
		if err := take(o.made); err != nil {
			return err
		}
	}
	return ctx.Err()
}
