package load

import (
	"context"
	"fmt"
	"time"
)

// What a server has to hold to carry people.
const (
	latencyLimit   = 100 * time.Millisecond // p99
	lossLimit      = 0.01
	shortfallLimit = 0.03                   // of what should have come and did not, without a gap to show for it
	shortfallSlack = 250 * time.Millisecond // more than that: what is on the way at the window's ends
	growth         = 1.5
	precision      = 0.04
)

// search finds the greatest number that passes: it grows until one fails, then narrows.
type search struct {
	good, bad int // 0: none yet
	next      int
	most      int
}

func newSearch(first, most int) *search { return &search{next: first, most: most} }

// record takes the outcome of trying next. It returns false when there is nothing left to try.
func (s *search) record(passed bool) bool {
	if passed {
		s.good = s.next
	} else {
		s.bad = s.next
	}
	switch {
	case s.bad == 0 && s.good >= s.most:
		return false
	case s.bad == 0:
		s.next = min(s.most, max(s.good+1, int(float64(s.good)*growth)))
	case s.bad-s.good <= max(1, int(precision*float64(s.good))):
		return false
	default:
		s.next = (s.good + s.bad) / 2
	}
	return s.next > 0
}

// findLimit measures more and more people: those who watch, or who publish if nobody only watches.
func (e *engine) findLimit(ctx context.Context, idle usage) (*Report, error) {
	o := e.env.options
	publishers, growing := o.Publishers*o.Rooms, publisher
	first, base := publishers, 0
	switch {
	case o.Subscribers > 0:
		first, base, growing = o.Subscribers*o.Rooms, publishers, subscriber
	case o.Viewers > 0:
		first, base, growing = o.Viewers*o.Rooms, publishers, viewer
	}
	if err := e.populate(ctx, publishers); err != nil {
		return nil, err
	}
	s := newSearch(first, o.MaxPeople-base)
	limit := &Limit{Reason: "nothing was measured"}
	var best, last *window
	for more := true; more && ctx.Err() == nil; {
		failed := e.failed()
		if s.next < e.countOf(growing) {
			e.shrink(s.next, growing)
		} else if err := e.grow(ctx, s.next, growing, o.Ramp); err != nil {
			return nil, err
		}
		w, reason := e.try(ctx, idle, failed)
		if ctx.Err() != nil {
			break // half a step says nothing
		}
		limit.Steps = append(limit.Steps, Step{
			People: base + s.next, P99: milliseconds(w.latency().quantile(0.99)), Loss: w.loss(),
			Passed: reason == "", Reason: reason,
		})
		fmt.Fprintf(e.progress, "       %d people: %s\n", base+s.next, or(reason, "carried"))
		if last = w; reason == "" {
			best = w
			limit.People = base + s.next
		} else {
			limit.Reason = fmt.Sprintf("with %d: %s", base+s.next, reason)
		}
		more = s.record(reason == "")
	}
	if s.bad == 0 && s.good > 0 {
		limit.Reason = fmt.Sprintf("no more than %d were tried", base+s.good)
	}
	if last != nil && last.loadShare() > loadBusy && s.bad > 0 {
		limit.Reason += "; but the load tool had no more CPU, so it may be more"
	}
	if best == nil {
		best = last
	}
	if best == nil {
		return nil, fmt.Errorf("find the limit: %w", ctx.Err())
	}
	return e.report(best, limit), nil
}

// try measures those who are there. What fails but for joins is measured once more: any machine has its hiccups. failed
// is how many joins had failed before.
func (e *engine) try(ctx context.Context, idle usage, failed int) (*window, string) {
	o := e.env.options
	w := e.measure(ctx, idle, max(o.Warmup, time.Second), o.Duration)
	reason := e.judge(w, e.failed()-failed)
	if reason != "" && e.failed() == failed {
		w = e.measure(ctx, idle, 0, o.Duration)
		reason = e.judge(w, e.failed()-failed)
	}
	return w, reason
}

func (e *engine) failed() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failures
}

// judge returns why the server does not carry these people, "" if it does.
func (e *engine) judge(w *window, failures int) string {
	p99 := w.latency().quantile(0.99)
	r := w.received()
	switch {
	case failures > 0:
		return fmt.Sprintf("%d joins failed, the first with: %v", failures, w.failure)
	case r.overflowed > 0 && w.loss() > lossLimit:
		return "the load tool's own machine dropped packets: it is at its limit, not the server"
	case p99 > latencyLimit:
		return fmt.Sprintf("p99 latency %.0f ms", milliseconds(p99))
	case w.loss() > lossLimit:
		return fmt.Sprintf("%.1f %% lost", 100*w.loss())
	case w.shortfall() > shortfallLimit+shortfallSlack.Seconds()/max(w.seconds(), shortfallSlack.Seconds()):
		return fmt.Sprintf("only %.0f %% of the packets came", 100*float64(r.packets)/float64(w.expected))
	}
	return ""
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
