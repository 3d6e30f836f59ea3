package rewrite

import "testing"

// TestSequenceGoesRound has more packets than there are numbers, some dropped, and some late.
func TestSequenceGoesRound(t *testing.T) {
	for _, dropped := range []int{0, 10, 40000} { // every so many
		var s Sequence
		s.Switch(1000)
		skipped := uint16(0)
		for i := range 300_000 {
			in := uint16(1000 + i)
			if dropped > 0 && i%dropped == dropped-1 {
				s.Drop(in)
				skipped++
				continue
			}
			if out, ok := s.Next(in); !ok || out != in-skipped {
				t.Fatalf("drops %d: packet %d is %d, %v, want %d", dropped, i, out, ok, in-skipped)
			}
			if late := in - 1; dropped == 0 && i > 0 {
				if out, ok := s.Next(late); !ok || out != late {
					t.Fatalf("late packet %d is %d, %v", i-1, out, ok)
				}
			}
		}
	}
}

// TestSequenceLeaps loses up to half the number space, when the base is as far behind as it gets.
func TestSequenceLeaps(t *testing.T) {
	for gap := 1; gap < 1<<15; gap += 97 {
		var s Sequence
		s.Switch(0)
		at := 0
		for range 2*reach - 1 {
			s.Next(uint16(at))
			at++
		}
		at += gap - 1
		if out, ok := s.Next(uint16(at)); !ok || out != uint16(at) {
			t.Fatalf("after a gap of %d: %d, %v, want %d", gap, out, ok, uint16(at))
		}
	}
}
