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
