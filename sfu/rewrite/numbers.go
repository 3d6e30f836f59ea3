// Package rewrite maps the numbers in RTP packets of one or more sources onto one stream that a receiver cannot tell
// from a single source. It is pure: no clock, no goroutine, no lock.
package rewrite

const (
	// stretches is how many changes of the mapping are remembered for late packets: those of two seconds where every
	// frame has some packets left out.
	stretches = 64
	// window is how far behind the newest number that went out a late one may be, in numbers.
	window = 2048
	// reach is how far behind the newest number of its source a late one is looked for.
	reach = 1 << 13
	// maxStretch is how long a stretch gets before its beginning is forgotten, which keeps comparisons from going round.
	maxStretch = 2 * reach
)

// Numbers maps the sequence numbers (RFC 3550, 5.1) of one or more sources onto one sequence without gaps of our
// making, each number once. Its zero value waits for the first source.
//
// Leaving out a packet closes the gap that it would leave; packets that the network lost keep theirs, so that the
// receiver still asks for them. With every stretch of numbers that are mapped alike goes a value, which tells what else
// held for the packets of that time.
type Numbers[V any] struct {
	started bool
	open    bool   // a source is mapped
	highest uint16 // newest number of the current source
	last    uint16 // newest number that went out
	ring    [stretches]stretch[V]
	newest  int                 // index in ring
	count   int                 // stretches in use
	sent    [window / 64]uint64 // which of the last numbers went out
}

// stretch maps the numbers from from on, until the next stretch of the same source, by subtracting offset.
type stretch[V any] struct {
	source  uint32
	from    uint16
	skipped uint16 // so many numbers before from were left out
	offset  uint16
	end     bool // nothing goes out from from on
	value   V
}

// Last is the newest number that went out.
func (n *Numbers[V]) Last() uint16 { return n.last }

// Highest is the newest number of the current source.
func (n *Numbers[V]) Highest() uint16 { return n.highest }

// Open reports whether a source is mapped.
func (n *Numbers[V]) Open() bool { return n.open }

// Value is what goes with the numbers to come.
func (n *Numbers[V]) Value() *V { return &n.ring[n.newest].value }

// Begin makes source the current one, beginning with the number in, which becomes the one after the last.
func (n *Numbers[V]) Begin(source uint32, in uint16, value V) {
	n.End()
	if !n.started {
		// Numbers begin in the lower half: where they wrap soon and the packets before are lost, the receiver of SRTP
		// counts the rounds from a wrong one for ever (RFC 3711, 3.3.1).
		n.started = true
		n.last = in&0x7fff - 1
	}
	n.open, n.highest = true, in-1
	n.push(stretch[V]{source: source, from: in, offset: in - (n.last + 1), value: value})
}

// End leaves the current source: its numbers beyond the highest go to nobody.
func (n *Numbers[V]) End() {
	if n.open {
		s := n.ring[n.newest]
		s.from, s.skipped, s.end = n.highest+1, 0, true
		n.push(s)
		n.open = false
	}
}

// Ahead reports whether in is newer than all that has come from the current source.
func (n *Numbers[V]) Ahead(in uint16) bool { return int16(in-n.highest) > 0 } // the wraparound is the point

// Next maps in, which is ahead.
func (n *Numbers[V]) Next(in uint16) (out uint16) {
	s := &n.ring[n.newest]
	if in-s.from >= maxStretch {
		n.count, s.from, s.skipped = 1, in-reach, 0
	}
	out = in - s.offset
	if gap := out - n.last; gap != 1 {
		n.unsend(n.last+1, min(gap, window))
	}
	n.highest, n.last = in, out
	n.sent[out/64%(window/64)] |= 1 << (out % 64)
	return out
}

// Drop leaves out in, which is ahead, and closes its gap. It returns the value for what follows, which may be changed
// in place.
func (n *Numbers[V]) Drop(in uint16) *V {
	s := &n.ring[n.newest]
	if in == s.from {
		s.from, s.skipped = s.from+1, s.skipped+1
	} else {
		n.push(*s)
		s = &n.ring[n.newest]
		s.from, s.skipped = in+1, 1
	}
	s.offset++
	last := n.last
	n.highest, n.last = in, in-s.offset
	if n.last != last {
		n.unsend(last+1, min(n.last-last, window)) // what was lost before
	}
	return &s.value
}

// Change keeps the mapping but has another value from the number in on, which is ahead.
func (n *Numbers[V]) Change(in uint16, value V) {
	s := n.ring[n.newest]
	if in == s.from {
		n.ring[n.newest].value = value
		return
	}
	s.from, s.skipped, s.value = in, 0, value
	n.push(s)
}

// Late maps a number of source that is not ahead, by the stretch that it belongs to. It reports false if it went out
// before, was left out, or is too old.
func (n *Numbers[V]) Late(source uint32, in uint16) (out uint16, value *V, ok bool) {
	if n.open && n.ring[n.newest].source == source && n.highest-in > reach {
		return 0, nil, false
	}
	for i := range n.count {
		s := &n.ring[(n.newest-i)&(stretches-1)]
		if s.source != source {
			continue
		}
		behind := s.from - in
		if int16(behind) > 0 {
			if behind <= s.skipped {
				return 0, nil, false
			}
			continue
		}
		out = in - s.offset
		if s.end || n.last-out >= window || n.sent[out/64%(window/64)]&(1<<(out%64)) != 0 {
			return 0, nil, false
		}
		return out, &s.value, true
	}
	return 0, nil, false
}

// Sent notes that a late number went out.
func (n *Numbers[V]) Sent(out uint16) { n.sent[out/64%(window/64)] |= 1 << (out % 64) }

// Rewind takes back the numbers from out on: they were never sent. The source is left, as by End.
func (n *Numbers[V]) Rewind(out uint16) {
	n.End()
	if int16(n.last-out) < 0 || n.last-out >= window {
		return
	}
	for n.count > 0 {
		s := &n.ring[n.newest]
		if first := s.from - s.offset; !s.end && int16(out-first) > 0 {
			end := *s
			end.from, end.skipped, end.end = out+s.offset, 0, true
			n.push(end)
			break
		}
		n.newest = (n.newest - 1) & (stretches - 1)
		n.count--
	}
	n.last = out - 1
}

func (n *Numbers[V]) push(s stretch[V]) {
	n.newest = (n.newest + 1) & (stretches - 1)
	n.ring[n.newest] = s
	n.count = min(n.count+1, stretches)
}

// unsend forgets count numbers from from on, which come round again.
func (n *Numbers[V]) unsend(from, count uint16) {
	for i := range count {
		out := from + i
		n.sent[out/64%(window/64)] &^= 1 << (out % 64)
	}
}
