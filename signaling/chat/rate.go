package chat

import "time"

// tidyFrom is from how many people on it is worth looking who has not written lately.
const tidyFrom = 64

// rate tells whether something has happened too often within a span of time, exactly: it remembers when it did.
type rate struct {
	most  int
	span  time.Duration
	times []time.Time // of the last ones, at most so many: a ring
	next  int         // the oldest of them, once there are so many
}

// full reports whether one more would be one too many.
func (r *rate) full(now time.Time) bool {
	return len(r.times) == r.most && now.Sub(r.times[r.next]) < r.span
}

// add counts one, which must not be too many.
func (r *rate) add(now time.Time) {
	if len(r.times) < r.most {
		r.times = append(r.times, now)
		return
	}
	r.times[r.next] = now
	r.next = (r.next + 1) % r.most
}

// idle reports whether what has happened no longer matters.
func (r *rate) idle(now time.Time) bool {
	if len(r.times) == 0 {
		return true
	}
	latest := (r.next + len(r.times) - 1) % len(r.times)
	return now.Sub(r.times[latest]) >= r.span
}

// person is what a login session wrote lately.
func (c *Chat) person(session string, now time.Time) *person {
	p := c.people[session]
	if p == nil {
		c.tidy(now)
		p = &person{said: rate{most: saidBy, span: saidSpan}, reacted: rate{most: reactedBy, span: reactedSpan}}
		c.people[session] = p
	}
	return p
}

// tidy forgets who has not written lately, each time that there are twice as many people.
func (c *Chat) tidy(now time.Time) {
	if len(c.people) < c.tidyAt {
		return
	}
	for session, p := range c.people {
		if p.said.idle(now) && p.reacted.idle(now) {
			delete(c.people, session)
		}
	}
	c.tidyAt = max(tidyFrom, 2*len(c.people))
}
