package chat

import (
	"time"

	"parley/signaling/rate"
)

// tidyFrom is from how many people on it is worth looking who has not written lately.
const tidyFrom = 64

// person is what a login session wrote lately.
func (c *Chat) person(session string, now time.Time) *person {
	p := c.people[session]
	if p == nil {
		c.tidy(now)
		p = &person{said: rate.New(saidBy, saidSpan), reacted: rate.New(reactedBy, reactedSpan)}
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
		if p.said.Idle(now) && p.reacted.Idle(now) {
			delete(c.people, session)
		}
	}
	c.tidyAt = max(tidyFrom, 2*len(c.people))
}
