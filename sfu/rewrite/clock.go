package rewrite

// Clock is the latest sender report of a source (RFC 3550, 6.4.1): what its RTP timestamp was at which time of its
// sender. The zero value: none has come.
type Clock struct {
	NTP uint64 // 32 bits of seconds, 32 of fraction
	RTP uint32
}

// Align says which timestamp of the clock to was at the same time as timestamp of the clock c. Both must be of one
// sender and run at rate. It reports false if one of them is not known.
func (c Clock) Align(timestamp uint32, to Clock, rate uint32) (uint32, bool) {
	if c.NTP == 0 || to.NTP == 0 {
		return 0, false
	}
	apart := int64(c.NTP - to.NTP) // modulo 2^64, so that eras do not matter
	seconds, fraction := apart>>32, apart&0xffff_ffff
	ticks := seconds*int64(rate) + (fraction*int64(rate)+1<<31)>>32
	return to.RTP + uint32(ticks) + (timestamp - c.RTP), true
}
