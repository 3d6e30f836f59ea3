package sfu

import (
	"sync"
	"time"
)

// levelInterval is how often a room is told how loud its voices are.
const levelInterval = 250 * time.Millisecond

// voiceClock tells the rooms in which somebody speaks who does: one goroutine for all of them. Where everybody is
// silent it sleeps.
type voiceClock struct {
	wake chan struct{}

	mu     sync.Mutex
	driven []*voices // guarded by mu
}

func newVoiceClock() *voiceClock { return &voiceClock{wake: make(chan struct{}, 1)} }

// add begins to drive a room's voices. It may be called under their mu.
func (c *voiceClock) add(v *voices) {
	c.mu.Lock()
	c.driven = append(c.driven, v)
	c.mu.Unlock()
	c.rouse()
}

// rouse has news told at once.
func (c *voiceClock) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run tells until stop is closed.
func (c *voiceClock) run(stop <-chan struct{}, tell func(*voices, RoomEvent)) {
	ticker := time.NewTicker(levelInterval)
	defer ticker.Stop()
	for {
		ticker.Stop()
		select {
		case <-c.wake:
		case <-stop:
			return
		}
		ticker.Reset(levelInterval)
		for more := c.turn(false, tell); more; {
			select {
			case <-c.wake:
				more = c.turn(false, tell)
			case <-ticker.C:
				more = c.turn(true, tell)
			case <-stop:
				return
			}
		}
	}
}

// turn tells the news of all rooms, and reports whether there will be more.
func (c *voiceClock) turn(levels bool, tell func(*voices, RoomEvent)) bool {
	c.mu.Lock()
	driven := c.driven
	c.driven = nil
	c.mu.Unlock()
	now := time.Now()
	left := driven[:0]
	for _, v := range driven {
		events, more := v.news(now, levels)
		for _, event := range events {
			tell(v, event)
		}
		if more {
			left = append(left, v)
		}
	}
	clear(driven[len(left):])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.driven = append(left, c.driven...)
	return len(c.driven) > 0
}
