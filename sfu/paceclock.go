package sfu

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/sfu/egress"
)

// paceInterval is between turns of a sender that has something waiting. It is long enough for some packets to leave
// together.
const paceInterval = 5 * time.Millisecond

// paceClock drives all senders that hold packets back, or want more bandwidth than they have: one goroutine, and one
// batch a turn, for all of them. Without any it sleeps. It also tells all senders of the squeeze.
type paceClock struct {
	socket *egress.Conn // static
	wake   chan struct{}
	spare  sync.Pool // of *waiting, for their room

	squeeze atomic.Int32 // an alloc.Squeeze; read at each review

	mu     sync.Mutex
	driven []*sender // guarded by mu
}

func newPaceClock(socket *egress.Conn) *paceClock {
	return &paceClock{socket: socket, wake: make(chan struct{}, 1)}
}

// add begins to drive a sender. It may be called under the sender's mu.
func (c *paceClock) add(s *sender) {
	c.mu.Lock()
	c.driven = append(c.driven, s)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run drives until stop is closed.
func (c *paceClock) run(stop <-chan struct{}) {
	ticker := time.NewTicker(paceInterval)
	defer ticker.Stop()
	for {
		ticker.Stop()
		select {
		case <-c.wake:
		case <-stop:
			return
		}
		ticker.Reset(paceInterval)
		for more := true; more; {
			select {
			case <-ticker.C:
				more = c.turn(time.Now()) // the tick may have waited
			case <-stop:
				return
			}
		}
	}
}

// turn gives each sender its turn. It reports whether any is left.
func (c *paceClock) turn(now time.Time) bool {
	c.mu.Lock()
	driven := c.driven
	c.driven = nil
	c.mu.Unlock()
	b := c.socket.Batch()
	driven = slices.DeleteFunc(driven, func(s *sender) bool {
		return now.UnixNano() >= s.idle.Load() && !s.turn(now, b)
	})
	b.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.driven = append(driven, c.driven...)
	return len(c.driven) > 0
}
