package load

// remembered is how many sequence numbers back a late packet is told from a duplicate.
const remembered = 4096

// verdict is what an arriving packet is.
type verdict int

const (
	newest    verdict = iota // with or without a gap before it
	late                     // one that was missing until now
	duplicate                // one that has come before
	ancient                  // too old to tell, or from before the first
)

// sequences keeps account of the sequence numbers of one RTP stream. The zero value is ready.
type sequences struct {
	begun   bool
	first   uint64                  // extended by the number of cycles
	highest uint64                  // the same
	seen    [remembered / 64]uint64 // bit n of it: the number that is n modulo remembered
}

// take judges a packet. gap is how many numbers it left out.
func (s *sequences) take(number uint16) (v verdict, gap int) {
	if !s.begun {
		s.begun = true
		s.first = 1<<16 | uint64(number) // room for what is older
		s.highest = s.first
		s.mark(s.first)
		return newest, 0
	}
	step := int64(int16(number - uint16(s.highest))) // RFC 1982: the sign is the direction
	extended := uint64(int64(s.highest) + step)      // by the number of cycles
	switch {
	case step > 0:
		if step >= remembered {
			s.seen = [remembered / 64]uint64{}
		} else {
			for n := s.highest + 1; n < extended; n++ {
				s.seen[n%remembered/64] &^= 1 << (n % 64)
			}
		}
		s.highest = extended
		s.mark(extended)
		return newest, int(step) - 1
	case extended < s.first || -step >= remembered:
		return ancient, 0
	case s.has(extended):
		return duplicate, 0
	}
	s.mark(extended)
	return late, 0
}

// lacks tells whether a number was skipped and has not come since.
func (s *sequences) lacks(number uint16) bool {
	step := int64(int16(number - uint16(s.highest)))
	extended := uint64(int64(s.highest) + step)
	return s.begun && step < 0 && -step < remembered && extended >= s.first && !s.has(extended)
}

func (s *sequences) mark(n uint64)     { s.seen[n%remembered/64] |= 1 << (n % 64) }
func (s *sequences) has(n uint64) bool { return s.seen[n%remembered/64]&(1<<(n%64)) != 0 }
