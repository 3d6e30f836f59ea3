package sfu

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"parley/sfu/alloc"
	"parley/sfu/congestion"
	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
	"parley/sfu/feedback"
	"parley/sfu/pace"
	"parley/sfu/selection"
	"parley/sfu/wire"
)

const (
	// tickInterval is how often the control of what goes down looks at the time, while there is anything to see.
	tickInterval = 50 * time.Millisecond
	// reviewInterval is how often an allocation that leaves nothing to be desired is made anew.
	reviewInterval = 250 * time.Millisecond
	// reviewSpacing is the least time between two, of few tracks.
	reviewSpacing = 15 * time.Millisecond

	// heartbeat is how long nothing may have been sent while pictures are paused: without packets there is no feedback,
	// and without feedback they would stay so.
	heartbeat = 200 * time.Millisecond

	ipOverhead = 28 // bytes of IPv4 and UDP around a packet
)

// sender is all that goes down to one client: how much, what of it, and when. Whoever forwards to the client holds mu.
type sender struct {
	// Static after construction.
	transport *transport
	clock     *paceClock
	tell      func(*upTrack, Quality, congestion.State) // posts to the peer's loop
	began     time.Time

	idle atomic.Int64 // UnixNano until when the pace clock may leave it out

	mu         sync.Mutex
	control    *congestion.Controller[*waiting] // guarded by mu, as all that follows; nil: without congestion control
	fixed      alloc.Allocator                  // decides without it
	number     uint16                           // counts without it
	tracks     []*downTrack                     // open or about to be
	next       uint32                           // id of a track
	arrivals   []feedback.Arrival               // kept for its room, as the next four
	kept       [egress.MaxPacket]byte
	descriptor [selection.MaxDependency]byte
	inputs     []alloc.Track
	decided    []alloc.Decision
	unsent     inBatch // of video that was not held back
	ticked     time.Time
	reviewed   time.Time
	stale      bool      // a review is due as soon as one may be
	judged     time.Time // when feedback led to a review
	heard      time.Time // when feedback last came
	statuses   float64   // that may still be heard of
	sent       time.Time // the newest packet that counts
	limited    bool      // more is wanted than the bandwidth allows
	numbered   bool      // something goes down with transport-wide numbers
	driven     bool      // the pace clock calls turn
	closed     bool
	flow       flow       // all that is sent
	forwarding *downTrack // whose packets are about to be offered
}

// waiting is a packet that will leave when it is its turn, complete but for its transport-wide number and its seal.
type waiting struct {
	down   *downTrack
	stream *dtlssrtp.Stream
	first  uint16 // its sequence number, if it is no retransmission
	header int    // bytes
	size   int    // bytes used of data
	data   [egress.MaxPacket]byte
}

// inBatch is the batch that the latest packet was sealed into, and how often that had been sent before.
type inBatch struct {
	batch   *egress.Batch
	flushes uint32
}

func latestIn(b *egress.Batch) inBatch { return inBatch{b, b.Flushes()} }

// elsewhere reports whether what is sealed into b might overtake the latest packet, which has not been sent yet.
func (u inBatch) elsewhere(b *egress.Batch) bool {
	return u.batch != b && u.batch != nil && u.batch.Flushes() == u.flushes
}

func newSender(
	t *transport, clock *paceClock, control bool, tell func(*upTrack, Quality, congestion.State),
) *sender {
	s := &sender{transport: t, clock: clock, tell: tell, began: time.Now()}
	if control {
		s.control = congestion.New[*waiting](congestion.Options{}, s.began)
	}
	return s
}

// place is where one packet is written: into the batch if it may leave now, else into one that waits.
type place struct {
	room    []byte // of the packet's size
	waiting *waiting
	class   pace.Class
}

// place makes room for a packet of size bytes of d, which send must follow. mu is held.
func (s *sender) place(now time.Time, d *downTrack, class pace.Class, size int, b *egress.Batch) place {
	if s.control == nil || !d.unsent.elsewhere(b) && s.control.May(now, class) {
		return place{room: b.Room(size + dtlssrtp.Overhead)[:size], class: class}
	}
	w, ok := s.clock.spare.Get().(*waiting)
	if !ok {
		w = new(waiting)
	}
	return place{room: w.data[:size], waiting: w, class: class}
}

// onWire is what a packet that is not sealed yet takes of the path.
func onWire(size int) int { return size + dtlssrtp.Overhead + ipOverhead }

// send sends what has been written into a place, now or later. Its header takes header bytes. mu is held.
func (s *sender) send(
	now time.Time, in place, d *downTrack, stream *dtlssrtp.Stream, header int, b *egress.Batch, path *egress.Destination,
) {
	if in.waiting == nil {
		if in.class == pace.Video {
			d.unsent = latestIn(b)
			s.unsent = d.unsent
		}
		s.seal(now, in.class, d, stream, in.room, header, b, path)
		return
	}
	w := in.waiting
	w.down, w.stream, w.header, w.size = d, stream, header, len(in.room)
	w.first = wire.Sequence(in.room)
	s.control.Queue(now, in.class, d.id, onWire(w.size), w)
	s.drive()
}

// seal numbers, seals and sends a packet that stands in the batch's last room. mu is held.
func (s *sender) seal(
	now time.Time, class pace.Class, d *downTrack, stream *dtlssrtp.Stream, room []byte, header int,
	b *egress.Batch, path *egress.Destination,
) {
	// What a receiver of numbers gets without one is none of the control's: it would seem to be lost.
	if d.transportID != 0 || !s.numbered {
		s.number++
		if s.control != nil {
			s.number = s.control.Sent(now, class, onWire(len(room)))
		}
		s.sent = now
	}
	if d.transportID != 0 {
		wire.SetTransportSequence(room, s.number)
	}
	original := wire.Sequence(room)
	if stream == d.stream {
		d.sealed.note(original)
	} else if class == pace.Retransmission {
		original = binary.BigEndian.Uint16(room[header:]) // RFC 4588, section 4
	}
	if d.transportID != 0 && class != pace.Padding {
		d.history.sentAs(original, s.number)
	}
	if sealed, err := stream.Seal(room, header); err == nil { // else it came twice
		s.flow.add(now, onWire(len(room)))
		b.Send(path, len(sealed))
	}
}

// recycle keeps a packet that has left for its room.
func (s *sender) recycle(w *waiting) {
	w.down, w.stream = nil, nil
	s.clock.spare.Put(w)
}

// pass lets time pass, by the clock of the packets for d. mu is held.
func (s *sender) pass(now time.Time, d *downTrack) {
	if now.Sub(s.ticked) >= tickInterval {
		s.tick(now)
	}
	switch first := d.choice.ladder == nil; {
	case s.control != nil && s.control.Flooded(): // the review flushes it
		s.review(now)
	case !d.up.ladder.Load().changed(d.choice.ladder) && d.choice.stalls == d.up.stalled.Load():
	case first: // its first picture must not be missed
		s.review(now)
	default:
		s.touch(now)
	}
}

// reconsider has a review made because something about a publisher has changed.
func (s *sender) reconsider(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.touch(now)
	}
}

// moved tells that all takes another path from now on.
func (s *sender) moved(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.control == nil {
		return
	}
	s.control.Moved(now)
	s.touch(now)
}

// touch has a review made as soon as one may be. mu is held.
func (s *sender) touch(now time.Time) {
	if s.control == nil || now.Sub(s.reviewed) >= s.spacing() {
		s.review(now)
		return
	}
	s.stale = true
	s.drive()
}

// spacing is the least time between two reviews, whatever publishers and receivers send: one costs by the track.
func (s *sender) spacing() time.Duration {
	return max(reviewSpacing, time.Duration(len(s.tracks))*time.Millisecond)
}

func (s *sender) tick(now time.Time) {
	s.ticked = now
	if s.control != nil {
		s.control.Tick(now)
	}
	if since := now.Sub(s.reviewed); since >= max(reviewInterval, s.spacing()) || s.limited && since >= s.spacing() {
		s.review(now)
	}
	if s.control != nil && (s.limited || s.control.Busy()) {
		s.drive()
	}
}

// drive has the pace clock call turn. mu is held.
func (s *sender) drive() {
	s.idle.Store(0)
	if !s.driven {
		s.driven = true
		s.clock.add(s)
	}
}

// turn sends what waits as far as it may leave, and padding where a probe wants it. The pace clock calls it, until it
// reports that nothing more is to be done.
func (s *sender) turn(now time.Time, b *egress.Batch) (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.driven = false
		return false
	}
	if now.Sub(s.ticked) >= tickInterval {
		s.tick(now)
	}
	if s.stale && now.Sub(s.reviewed) >= s.spacing() {
		s.review(now)
	}
	if s.control.Busy() {
		s.drain(now, b)
	} else if !s.stale {
		s.idle.Store(now.Add(tickInterval).UnixNano())
	}
	if s.limited && now.Sub(s.sent) >= heartbeat {
		if session, path := s.transport.ready(); session != nil {
			s.pad(now, 1, b, path)
		}
	}
	s.driven = s.limited || s.stale || s.control.Busy()
	return s.driven
}

// drain is turn with mu held.
func (s *sender) drain(now time.Time, b *egress.Batch) {
	session, path := s.transport.ready()
	for !s.unsent.elsewhere(b) { // which what waits must not overtake
		w, class, ok := s.control.Next(now)
		if !ok {
			break
		}
		if session != nil && w.down.open {
			room := b.Room(w.size + dtlssrtp.Overhead)[:w.size]
			copy(room, w.data[:w.size])
			w.down.unsent = latestIn(b)
			s.unsent = w.down.unsent
			s.seal(now, class, w.down, w.stream, room, w.header, b, path)
		}
		s.recycle(w)
	}
	if session == nil {
		return
	}
	if padding := s.control.Padding(now); padding > 0 {
		s.pad(now, padding, b, path)
	}
}

// pad sends padding on the retransmission stream of a track, where it is nobody's loss if it does not arrive.
func (s *sender) pad(now time.Time, bytes int, b *egress.Batch, path *egress.Destination) {
	for _, d := range s.tracks {
		if d.open && d.transportID != 0 && d.repairs() {
			for bytes > 0 {
				bytes -= d.pad(now, b, path)
			}
			return
		}
	}
}
