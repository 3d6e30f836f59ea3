package signaling

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// frameOverhead is what a queued frame counts beside its bytes.
const frameOverhead = 64

// behindBytes is how much waits for a client that does not keep up.
const behindBytes = 32 << 10

// outbox is the queue of what one client has not been sent yet, bounded in bytes. For a client that may resume its
// session on another socket it keeps what was sent until the client says that it came.
type outbox struct {
	ceiling int // static: bytes
	keeping int // static: bytes that are kept, 0 for a client that does not resume
	ready   chan struct{}

	mu     sync.Mutex
	frames []outFrame // guarded by mu: oldest first
	bytes  int        // guarded by mu: queued or being written
	pings  int        // guarded by mu: pings in frames
	last   []byte     // guarded by mu: the close frame's payload, once there is nothing more to add
	closed bool       // guarded by mu
	lost   bool       // guarded by mu: nobody will be sent what is told from now on

	taken     uint64   // guarded by mu: the number of the last frame that the writer was given
	kept      [][]byte // guarded by mu: the last of those, up to taken, as far as the client has not acknowledged them
	keptBytes int      // guarded by mu
}

// outFrame is a text frame, or a ping if data is nil.
type outFrame struct {
	data       []byte
	unnumbered bool // a greeting, which is told once
}

func newOutbox(ceiling, keeping int) *outbox {
	return &outbox{ceiling: ceiling, keeping: keeping, ready: make(chan struct{}, 1)}
}

// push queues a text frame. It reports false when the client is too far behind.
func (o *outbox) push(frame []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.lost {
		return true
	}
	// A frame alone always fits: the ceiling judges who does not read, not what we have to say.
	size := len(frame) + frameOverhead
	if o.bytes > 0 && o.bytes+size > o.ceiling {
		return false
	}
	o.bytes += size
	o.frames = append(o.frames, outFrame{data: frame})
	o.signal()
	return true
}

// greet queues a frame before all others. It has no number.
func (o *outbox) greet(frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes += len(frame) + frameOverhead
	o.frames = slices.Insert(o.frames, 0, outFrame{data: frame, unnumbered: true})
	o.signal()
}

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
	o.frames = append(o.frames, outFrame{})
	o.signal()
}

// acknowledge forgets the frames up to that number, which have come.
func (o *outbox) acknowledge(number uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forget(number)
}

// forget reports whether number is one that the client may have: no more than it was sent, and no less than is kept.
// It is called with mu held.
func (o *outbox) forget(number uint64) bool {
	before := o.taken - uint64(len(o.kept)) // the number of the last one that is not kept
	if number > o.taken || number < before {
		return false
	}
	come := int(number - before)
	for _, frame := range o.kept[:come] {
		o.keptBytes -= len(frame) + frameOverhead
	}
	o.kept = slices.Delete(o.kept, 0, come)
	return true
}

// lose notes that the socket is gone, and that nothing needs to be queued for a client that does not resume.
func (o *outbox) lose() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keeping == 0 {
		o.lost, o.frames, o.bytes, o.pings = true, nil, 0, 0
	}
}

// rewind queues again what followed the frame of that number, for another socket. It reports false when that is not
// known any more. No writer may be running.
func (o *outbox) rewind(seen uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keeping == 0 || !o.forget(seen) {
		return false
	}
	again := make([]outFrame, 0, len(o.kept)+len(o.frames))
	for _, frame := range o.kept {
		again = append(again, outFrame{data: frame})
	}
	for _, frame := range o.frames {
		if frame.data != nil && !frame.unnumbered {
			again = append(again, frame)
		}
	}
	o.frames, o.kept, o.keptBytes, o.taken, o.pings, o.bytes = again, nil, 0, seen, 0, 0
	for _, frame := range again {
		o.bytes += len(frame.data) + frameOverhead
	}
	o.signal()
	return true
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
func (o *outbox) take() (frames []outFrame, last []byte, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	frames, o.frames, o.pings = o.frames, nil, 0
	for _, frame := range frames {
		if o.keeping > 0 && frame.data != nil && !frame.unnumbered {
			o.keep(frame.data)
		}
	}
	return frames, o.last, o.closed
}

// keep is called with mu held. Who acknowledges nothing cannot resume, after a while.
func (o *outbox) keep(frame []byte) {
	o.taken++
	o.kept = append(o.kept, frame)
	o.keptBytes += len(frame) + frameOverhead
	for o.keptBytes > o.keeping {
		o.forget(o.taken - uint64(len(o.kept)) + 1)
	}
}

func (o *outbox) written(bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= bytes
}

// run writes to conn until the outbox is closed and empty, over is closed, or a write fails or takes longer than
// timeout. It counts the frames.
func (o *outbox) run(conn *websocket.Conn, over <-chan struct{}, timeout time.Duration, count *atomic.Uint64) error {
	for {
		select {
		case <-o.ready:
		case <-over:
			return nil
		}
		frames, last, done := o.take()
		for _, frame := range frames {
			if err := o.write(conn, frame, time.Now().Add(timeout)); err != nil {
				return err
			}
			if frame.data != nil {
				count.Add(1)
			}
		}
		switch {
		case !done:
		case last != nil:
			return conn.WriteControl(websocket.CloseMessage, last, time.Now().Add(timeout))
		default:
			return nil
		}
	}
}

func (o *outbox) write(conn *websocket.Conn, frame outFrame, deadline time.Time) error {
	if frame.data == nil {
		return conn.WriteControl(websocket.PingMessage, nil, deadline)
	}
	if err := conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if err := conn.WriteMessage(websocket.TextMessage, frame.data); err != nil {
		return err
	}
	o.written(len(frame.data) + frameOverhead)
	return nil
}
