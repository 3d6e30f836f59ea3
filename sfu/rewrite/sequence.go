// Package rewrite maps the numbers in RTP packets of one or more sources onto one stream that a receiver cannot tell
// from a single source: sequence numbers, timestamps and codec counters. It is pure: no clock, no goroutine, no lock.
package rewrite

// history is how many changes of the offset are remembered for late packets. A source rarely drops more often than
// that within the reordering window of a network.
const history = 16

// reach is how far behind the newest number a late one is mapped at least.
const reach = 1 << 13

// Sequence maps sequence numbers (RFC 3550, 5.1). Its zero value waits for the first source.
//
// Dropping a packet closes the gap that it would leave; packets that the network lost keep theirs, so that the receiver
// still asks for them.
type Sequence struct {
	started bool
	base    uint16 // first number of the current source; older ones belong to nobody any more
	highest uint16 // newest number of the current source
	last    uint16 // newest number that went out
	changes [history]change
	count   int // changes in use, oldest first
}

// change says that numbers from from on are mapped by subtracting offset.
type change struct{ from, offset uint16 }

// after reports whether a is newer than b, across the wraparound.
func after(a, b uint16) bool { return int16(a-b) > 0 } // the wraparound is the point

// Switch makes the source whose next packet has number in the current one. Its numbers go on where the former source's
// ended. Packets of the former source must not be handed in any more.
func (s *Sequence) Switch(in uint16) {
	offset := uint16(0)
	if s.started {
		offset = in - (s.last + 1)
	} else {
		// Numbers begin in the lower half: where they wrap soon and the packets before are lost, the receiver of SRTP
		// counts the rounds from a wrong one for ever (RFC 3711, 3.3.1).
		offset = in & 0x8000
		s.last = in - offset - 1
	}
	s.started = true
	s.base, s.highest = in, in-1
	s.changes[0] = change{from: in, offset: offset}
	s.count = 1
}

// Next maps in. It reports false for a packet from before the switch, from beyond what is remembered, or that was
// dropped.
func (s *Sequence) Next(in uint16) (out uint16, ok bool) {
	if !s.started {
		return 0, false
	}
	if after(in, s.highest) {
		out = in - s.changes[s.count-1].offset
		s.highest, s.last = in, out
		s.forget()
		return out, true
	}
	if after(s.base, in) {
		return 0, false
	}
	for i := s.count - 1; i >= 0; i-- {
		c := s.changes[i]
		if !after(c.from, in) {
			return in - c.offset, true
		}
		// A change other than the first follows a dropped packet, whose number must not go out.
		if i > 0 && in == c.from-1 {
			return 0, false
		}
	}
	return 0, false
}

// Drop leaves out the packet with number in and closes the gap. A packet that comes late cannot be left out without
// renumbering what has gone out, so its gap stays.
func (s *Sequence) Drop(in uint16) {
	if !s.started || !after(in, s.highest) {
		return
	}
	offset := s.changes[s.count-1].offset
	if s.count == history {
		copy(s.changes[:], s.changes[1:])
		s.count--
		s.base = s.changes[0].from
	}
	s.highest, s.last = in, in-offset-1
	s.changes[s.count] = change{from: in + 1, offset: offset + 1}
	s.count++
	s.forget()
}

// forget moves the base on before it is half the number space behind, from where on it would pass for newer.
func (s *Sequence) forget() {
	if s.highest-s.base < 2*reach { // modulo 2^16
		return
	}
	s.base = s.highest - reach
	first := 0 // the change that holds at the base
	for first+1 < s.count && !after(s.changes[first+1].from, s.base) {
		first++
	}
	s.count = copy(s.changes[:], s.changes[first:s.count])
	if after(s.base, s.changes[0].from) {
		s.changes[0].from = s.base
	}
}
