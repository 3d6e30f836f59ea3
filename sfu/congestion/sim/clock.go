package sim

import "time"

// event is something that happens at a moment. Events of one moment happen in the order in which they were planned.
type event struct {
	at    time.Duration
	order uint64
	do    func()
}

// clock is a heap of events, earliest first.
type clock struct {
	now    time.Duration
	events []event
	orders uint64
}

func (e *event) before(other *event) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

// at plans do for a moment; one that has passed means now.
func (c *clock) at(moment time.Duration, do func()) {
	c.orders++
	c.events = append(c.events, event{max(moment, c.now), c.orders, do})
	for i := len(c.events) - 1; i > 0; {
		parent := (i - 1) / 2
		if !c.events[i].before(&c.events[parent]) {
			return
		}
		c.events[i], c.events[parent] = c.events[parent], c.events[i]
		i = parent
	}
}

func (c *clock) after(d time.Duration, do func()) { c.at(c.now+d, do) }

// every does something at start and each interval after it.
func (c *clock) every(start, interval time.Duration, do func()) {
	var tick func()
	next := start
	tick = func() {
		do()
		next += interval
		c.at(next, tick)
	}
	c.at(start, tick)
}

func (c *clock) pop() event {
	first := c.events[0]
	last := len(c.events) - 1
	c.events[0] = c.events[last]
	c.events[last].do = nil
	c.events = c.events[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if c.events[child].before(&c.events[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		c.events[i], c.events[least] = c.events[least], c.events[i]
		i = least
	}
}

// run lets everything happen until end. It tells wait, if there is one, how far the time moves on.
func (c *clock) run(end time.Duration, wait func(time.Duration)) {
	for len(c.events) > 0 && c.events[0].at < end {
		next := c.pop()
		if wait != nil && next.at > c.now {
			wait(next.at - c.now)
		}
		c.now = next.at
		next.do()
	}
}
