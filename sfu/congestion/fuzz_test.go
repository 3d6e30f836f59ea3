package congestion_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parley/sfu/alloc"
	"parley/sfu/bwe"
	"parley/sfu/congestion"
	"parley/sfu/feedback"
	"parley/sfu/pace"
)

const highest = 5_000_000 // bit/s

// Whatever comes in which order, nothing that waits is lost or leaves twice, what is decided exists, and rates stay
// within their bounds.
func FuzzController(f *testing.F) {
	random := rand.NewChaCha8([32]byte{})
	for range 20 {
		script := make([]byte, 4000)
		_, _ = random.Read(script)
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		now := time.Unix(1_800_000_000, 0)
		w := &walk{t: t, script: script, now: now, waits: make(map[int]uint32)}
		w.c = congestion.New[int](congestion.Options{Max: highest}, now)
		for len(w.script) > 0 {
			w.now = w.now.Add(time.Duration(w.take(1)%64) * time.Millisecond)
			w.step()
			w.check()
		}
	})
}

// walk does with a Controller what a script says.
type walk struct {
	t        *testing.T
	script   []byte
	now      time.Time
	c        *congestion.Controller[int]
	items    int
	waits    map[int]uint32 // the track of each packet that waits
	arrivals []feedback.Arrival
}

// take reads a number of n bytes.
func (w *walk) take(n int) int {
	var b [8]byte
	w.script = w.script[copy(b[:n], w.script):]
	return int(binary.LittleEndian.Uint64(b[:]))
}

func (w *walk) step() {
	switch w.take(1) % 8 {
	default:
		w.packet(pace.Class(w.take(1)%3), uint32(w.take(1)%3), 40+5*w.take(1))
	case 1:
		w.turn()
	case 2:
		w.c.Tick(w.now)
	case 3:
		w.c.Feedback(w.now, w.arrivals)
		w.arrivals = w.arrivals[:0]
	case 4:
		w.allocate()
	case 5:
		w.c.REMB(w.now, w.take(3))
	case 6:
		w.c.Report(w.now, float64(w.take(1))/255, time.Duration(w.take(2))*time.Millisecond)
	case 7:
		w.flush(uint32(w.take(1) % 3))
	}
}

// packet sends one, or has it wait.
func (w *walk) packet(class pace.Class, track uint32, size int) {
	if class == pace.Retransmission && !w.c.MayResend(w.now, size) {
		return
	}
	if w.c.May(w.now, class) {
		w.sent(class, size)
		return
	}
	w.items++
	w.waits[w.items] = track
	w.c.Queue(w.now, class, track, size, w.items)
}

func (w *walk) sent(class pace.Class, size int) {
	number := w.c.Sent(w.now, class, size)
	w.arrivals = append(w.arrivals, feedback.Arrival{
		Number: number, Received: w.take(1)%10 > 0, At: time.Duration(w.now.UnixMilli()%100_000+20) * time.Millisecond,
	})
}

// turn sends what waits, as far as it may leave, and padding.
func (w *walk) turn() {
	for {
		item, class, ok := w.c.Next(w.now)
		if !ok {
			break
		}
		if _, waits := w.waits[item]; !waits {
			w.t.Fatalf("packet %d leaves, which does not wait", item)
		}
		delete(w.waits, item)
		w.sent(class, 500)
	}
	padding := w.c.Padding(w.now)
	if padding < 0 || padding > 2*highest/8 {
		w.t.Fatalf("%d bytes of padding", padding)
	}
	for ; padding > 0; padding -= 1200 {
		w.sent(pace.Padding, min(padding, 1200))
	}
}

func (w *walk) flush(track uint32) {
	w.c.Flush(track, func(item int) {
		if of, waits := w.waits[item]; !waits || of != track {
			w.t.Fatalf("packet %d is dropped, which does not wait, or for another track", item)
		}
		delete(w.waits, item)
	})
}

func (w *walk) allocate() {
	wanted := tracks(w.take(2)+1, w.take(2)*4, w.take(2)*16)
	slices.SortFunc(wanted[0].Rungs, func(a, b alloc.Rung) int { return a.Bitrate - b.Bitrate })
	wanted = append(wanted, alloc.Track{ID: 2, Shown: w.take(2), Rungs: wanted[0].Rungs, Current: w.take(1)%4 - 1})
	decisions := w.c.Allocate(w.now, wanted, nil)
	if len(decisions) != len(wanted) {
		w.t.Fatalf("%d decisions", len(decisions))
	}
	for i, decision := range decisions {
		if decision.Rung < -1 || decision.Rung >= len(wanted[i].Rungs) {
			w.t.Fatalf("rung %d", decision.Rung)
		}
	}
}

func (w *walk) check() {
	if s := w.c.State(); s.Estimate < bwe.Min || s.Estimate > highest || s.Acked < 0 || s.Queue < 0 {
		w.t.Fatalf("%+v", s)
	}
	if len(w.waits) > 0 && !w.c.Busy() {
		w.t.Fatal("nothing is to be done while packets wait")
	}
}
