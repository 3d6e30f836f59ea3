package rewrite

// Timestamp maps RTP timestamps (RFC 3550, 5.1) of successive sources onto one clock.
type Timestamp struct {
	started bool
	offset  uint32
	last    uint32 // newest timestamp that went out
}

// Switch makes the source whose next packet has timestamp in the current one. elapsed, in units of the media clock, is
// the time since the last packet of the former source; the clock always moves on.
func (t *Timestamp) Switch(in, elapsed uint32) {
	if !t.started {
		t.started, t.last = true, in
		return
	}
	t.offset = in - (t.last + max(elapsed, 1))
}

// Next maps in.
func (t *Timestamp) Next(in uint32) uint32 {
	out := in - t.offset
	if int32(out-t.last) > 0 { // the wraparound is the point
		t.last = out
	}
	return out
}
