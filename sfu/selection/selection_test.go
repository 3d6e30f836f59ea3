package selection

import (
	"testing"
	"time"

	"parley/sfu/codec"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestSwitchAtKeyframe(t *testing.T) {
	s := New(codec.KindH264, 90000)
	s.SetTarget(Target{Encoding: 1})
	key, delta := &codec.Frame{Keyframe: true, First: true, Last: true}, &codec.Frame{First: true, Last: true}
	send := func(encoding uint32, sequence uint16, frame *codec.Frame, want int) {
		t.Helper()
		out, ok := s.Next(&Packet{Encoding: encoding, Sequence: sequence, Timestamp: 3000 * uint32(sequence),
			Arrived: start.Add(time.Duration(sequence) * time.Second / 30), Frame: frame})
		if ok != (want >= 0) || ok && int(out.Sequence) != want {
			t.Fatalf("packet %d of %d: %d, %v, want %d", sequence, encoding, out.Sequence, ok, want)
		}
	}
	send(1, 9, delta, -1)
	send(1, 10, key, 10)
	send(1, 11, delta, 11)
	s.SetTarget(Target{Encoding: 2, Hold: true})
	send(2, 12, delta, -1)
	send(1, 13, delta, 13)
	send(2, 14, key, 14)
	send(1, 14, delta, -1)
	send(1, 12, delta, 12) // late
	send(1, 12, delta, -1)
	s.SetTarget(Target{Encoding: 1})
	send(2, 15, delta, -1)
	send(1, 16, key, 15)
}
