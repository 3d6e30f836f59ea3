package signaling

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// outbox is the queue of what one client has not been sent yet, bounded in bytes.
type outbox struct {
	ceiling int // static: bytes
	ready   chan struct{}

	mu     sync.Mutex
	frames [][]byte // guarded by mu: oldest first; nil is a ping
	bytes  int      // guarded by mu: queued or being written
	pings  int      // guarded by mu: pings in frames
	last   []byte   // guarded by mu: the close frame's payload, once there is nothing more to add
	closed bool     // guarded by mu
}

func newOutbox(ceiling int) *outbox {
	return &outbox{ceiling: ceiling, ready: make(chan struct{}, 1)}
}

// frameOverhead is what a queued frame counts beside its bytes.
const frameOverhead = 64

// push queues a text frame. It reports false when the client is too far behind.
func (o *outbox) push(frame []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return true
	}
	// A frame alone always fits: the ceiling judges who does not read, not what we have to say.
	size := len(frame) + frameOverhead
	if o.bytes > 0 && o.bytes+size > o.ceiling {
		return false
	}
	o.bytes += size
	o.frames = append(o.frames, frame)
	o.signal()
	return true
}

// behindBytes is how much waits for a client that does not keep up.
const behindBytes = 32 << 10

// behind reports whether the client is told more than it takes.
func (o *outbox) behind() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes > behindBytes
}

// ping queues a ping unless one is queued.
func (o *outbox) ping() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.pings > 0 {
		return
	}
	o.pings++
	o.frames = append(o.frames, nil)
	o.signal()
}

// close lets the writer end once what is queued and a close frame have been written; code 0 writes none.
func (o *outbox) close(code int, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.closed = true
	if code != 0 {
		o.last = websocket.FormatCloseMessage(code, text)
	}
	o.signal()
}

// signal is called with mu held.
func (o *outbox) signal() {
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// take removes what is queued; last and done are valid once the outbox is closed.
func (o *outbox) take() (frames [][]byte, last []byte, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	frames, o.frames, o.pings = o.frames, nil, 0
	return frames, o.last, o.closed
}

func (o *outbox) written(bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= bytes
}

// run writes until the outbox is closed and empty, or a write fails or takes longer than timeout. It counts the frames.
func (o *outbox) run(conn *websocket.Conn, timeout time.Duration, count *atomic.Uint64) error {
	for range o.ready {
		frames, last, done := o.take()
		for _, frame := range frames {
			deadline := time.Now().Add(timeout)
			if frame == nil {
				if err := conn.WriteControl(websocket.PingMessage, nil, deadline); err != nil {
					return err
				}
				continue
			}
			if err := conn.SetWriteDeadline(deadline); err != nil {
				return err
			}
			if err := conn.WriteMessage(websocket.TextMessage, frame); err != nil {
				return err
			}
			count.Add(1)
			o.written(len(frame) + frameOverhead)
		}
		if !done {
			continue
		}
		if last != nil {
			return conn.WriteControl(websocket.CloseMessage, last, time.Now().Add(timeout))
		}
		return nil
	}
	return nil
}
