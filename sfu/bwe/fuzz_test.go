package bwe

import (
	"encoding/binary"
	"testing"
	"time"

	"parley/sfu/feedback"
)

// Whatever feedback says, the estimate stays within its bounds: lost, doubled, reordered, of unknown numbers, by a
// clock that jumps.
func FuzzEstimator(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 200, 100, 50, 0xff, 0xff, 0xff, 0xff})
	var steady []byte
	for i := range 200 {
		steady = append(steady, 2, 40, 0, 3, byte(i), byte(i>>8), 1, 0, byte(i), 0, 0)
	}
	f.Add(steady)
	const lowest, highest = Min, 3_000_000
	f.Fuzz(func(t *testing.T, input []byte) {
		now := time.Unix(1000, 0)
		e := New(Start, highest, now)
		var p Prober
		take := func(n int) uint64 {
			var b [8]byte
			input = input[copy(b[:n], input):]
			return binary.LittleEndian.Uint64(b[:])
		}
		var arrivals []feedback.Arrival
		for len(input) > 0 {
			now = now.Add(time.Duration(take(1)) * time.Millisecond)
			for range take(1) % 8 {
				number := e.Sent(now, int(take(2)), p.Tag())
				arrivals = append(arrivals, feedback.Arrival{
					Number: number, Received: true, At: time.Duration(now.UnixMilli()%100_000) * time.Millisecond,
				})
			}
			switch take(1) % 8 {
			case 0: // anything
				arrivals = append(arrivals, feedback.Arrival{
					Number: uint16(take(2)), Received: take(1)&1 > 0, At: time.Duration(take(5)) * 250 * time.Microsecond,
				})
			case 1:
				e.Tick(now)
			case 2:
				p.Start(now, int(take(3)), 100*time.Millisecond)
				p.Padding(now)
			case 3:
				e.REMB(now, int(take(4)))
			case 4:
				e.Report(now, float64(take(1))/100, time.Duration(take(3)), 1_000_000)
			case 5:
				if n := len(arrivals); n > 0 { // lost
					i := take(1) % uint64(n)
					arrivals[i].Received = false
				}
			default:
				e.Feedback(now, arrivals)
				arrivals = arrivals[:len(arrivals)/3] // some come again
				p.Judge(now, e, 100*time.Millisecond)
			}
			if got := e.Estimate(); got < lowest || got > highest {
				t.Fatalf("an estimate of %d", got)
			}
			if e.Backlog(now) < 0 || e.Acked() < 0 {
				t.Fatal("a negative queue or rate")
			}
		}
	})
}
