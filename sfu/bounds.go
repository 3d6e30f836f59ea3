package sfu

import (
	"fmt"
	"strings"
)

// withinBounds refuses descriptions that would cost out of proportion: pion compares every stream with every other, so
// that 500 kB of nothing else take it many seconds. No client comes near the bounds, and each has several lines for a
// stream.
func withinBounds(description string) error {
	for _, bound := range []struct {
		attribute string
		most      int
	}{{"a=ssrc:", 1024}, {"a=ssrc-group:", 256}, {"a=rid:", 256}} {
		if n := strings.Count(description, "\n"+bound.attribute); n > bound.most {
			return fmt.Errorf("%d lines of %s", n, bound.attribute)
		}
	}
	return nil
}
