package pace

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// model is a Pacer that keeps all that ever happened, and works everything out anew from that.
type model struct {
	events  []event
	waiting [Padding][]entry[int]
}

// event is what changes the bottleneck's queue.
type event struct {
	at    time.Time
	shape *shape
	add   float64 // bytes
	set   bool    // add replaces what is there
}

type shape struct{ rate, limit float64 }

// bottleneck replays the events until now.
func (m *model) bottleneck(now time.Time) (backlog float64, s shape) {
	var at time.Time
	drain := func(to time.Time) {
		if !at.IsZero() {
			backlog = max(0, backlog-to.Sub(at).Seconds()*s.rate)
		}
		at = to
	}
	for _, e := range m.events {
		drain(e.at)
		switch {
		case e.shape != nil:
			if s = *e.shape; s.rate == 0 {
				backlog = 0
			}
		case e.set:
			backlog = max(0, e.add)
		case s.rate > 0:
			backlog += e.add
		}
	}
	drain(now)
	return backlog, s
}

// full reports whether the bottleneck's queue has all that it may have; sure is false where rounding decides.
func (m *model) full(now time.Time) (full, sure bool) {
	backlog, s := m.bottleneck(now)
	return s.rate > 0 && backlog > s.limit, s.rate == 0 || math.Abs(backlog-s.limit) > 1e-3
}

func (m *model) may(now time.Time, class Class) (may, sure bool) {
	for c := Audio; c <= min(class, Video); c++ {
		if len(m.waiting[c]) > 0 {
			return false, true
		}
	}
	full, sure := m.full(now)
	return class == Audio || !full, class == Audio || sure
}

func (m *model) next(now time.Time) (class Class, ok, sure bool) {
	full, sure := m.full(now)
	if len(m.waiting[Audio]) > 0 {
		return Audio, true, true
	}
	for class = Retransmission; class < Padding; class++ {
		if len(m.waiting[class]) > 0 {
			return class, !full, sure
		}
	}
	return 0, false, true
}

func (m *model) bytes() (sum int) {
	for _, waiting := range m.waiting {
		for _, e := range waiting {
			sum += e.size
		}
	}
	return sum
}

// flush takes the video of a track out, the newest first.
func (m *model) flush(track uint32) (dropped []int) {
	var stay []entry[int]
	for _, e := range m.waiting[Video] {
		if e.track == track {
			dropped = append([]int{e.item}, dropped...)
		} else {
			stay = append(stay, e)
		}
	}
	m.waiting[Video] = stay
	return dropped
}

func FuzzPacer(f *testing.F) {
	random := rand.NewChaCha8([32]byte{})
	for range 50 {
		script := make([]byte, 900)
		_, _ = random.Read(script)
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		w := &walk{t: t, now: time.Unix(1_800_000_000, 0)}
		script = script[:min(len(script), 900)] // the model takes long for long ones
		for ; len(script) >= 3; script = script[3:] {
			w.step(script[0], int(script[1]), int(script[2]))
			w.compare()
		}
	})
}

// walk has a Pacer and its model do the same.
type walk struct {
	t     *testing.T
	now   time.Time
	pacer Pacer[int]
	model model
	items int
}

func (w *walk) step(what byte, a, b int) {
	switch what % 6 {
	case 0: // up to 5 Mbit/s
		rate, limit := 20_000*a, time.Duration(b)*time.Millisecond
		w.pacer.Shape(w.now, rate, limit)
		s := shape{rate: float64(rate) / 8, limit: float64(rate) / 8 * limit.Seconds()}
		w.model.events = append(w.model.events, event{at: w.now, shape: &s})
	case 1:
		backlog := float64(100 * (a - b))
		w.pacer.Correct(w.now, backlog)
		w.model.events = append(w.model.events, event{at: w.now, add: backlog, set: true})
	case 2:
		w.send(Class(a%4), uint32(a>>2&3), 10*b+1, a>>4&1 == 1)
	case 3:
		w.flush(uint32(a & 3))
	case 4:
		w.next()
	case 5:
		w.now = w.now.Add(time.Duration(a) * time.Millisecond)
	}
}

// send sends what may leave, unless it is held back for another reason, and has the rest wait.
func (w *walk) send(class Class, track uint32, size int, held bool) {
	may := w.pacer.May(w.now, class)
	if want, sure := w.model.may(w.now, class); sure && may != want {
		w.t.Fatalf("class %d may leave: %t, want %t", class, may, want)
	}
	switch {
	case may && !held:
		w.sent(size)
	case class != Padding:
		w.items++
		w.pacer.Queue(w.now, class, track, size, w.items)
		w.model.waiting[class] = append(w.model.waiting[class], entry[int]{w.items, track, size, w.now})
	}
}

func (w *walk) sent(size int) {
	w.pacer.Sent(w.now, size)
	w.model.events = append(w.model.events, event{at: w.now, add: float64(size)})
}

func (w *walk) flush(track uint32) {
	var dropped []int
	w.pacer.Flush(track, func(item int) { dropped = append(dropped, item) })
	want := w.model.flush(track)
	if len(dropped) != len(want) {
		w.t.Fatalf("dropped %v, want %v", dropped, want)
	}
	for i := range want {
		if dropped[i] != want[i] {
			w.t.Fatalf("dropped %v, want %v", dropped, want)
		}
	}
}

func (w *walk) next() {
	item, class, ok := w.pacer.Next(w.now)
	wantClass, want, sure := w.model.next(w.now)
	if sure && ok != want {
		w.t.Fatalf("something leaves: %t, want %t", ok, want)
	}
	if !ok {
		return
	}
	first := w.model.waiting[wantClass][0]
	if class != wantClass || item != first.item {
		w.t.Fatalf("packet %d of class %d leaves, want %d of %d", item, class, first.item, wantClass)
	}
	w.model.waiting[wantClass] = w.model.waiting[wantClass][1:]
	w.sent(first.size)
}

func (w *walk) compare() {
	if got, want := w.pacer.Waiting(), w.model.bytes(); got != want {
		w.t.Fatalf("%d bytes wait, want %d", got, want)
	}
	want := time.Duration(0)
	if video := w.model.waiting[Video]; len(video) > 0 {
		want = w.now.Sub(video[0].since)
	}
	if got := w.pacer.Delay(w.now); got != want {
		w.t.Fatalf("the first has waited for %v, want %v", got, want)
	}
	if backlog, s := w.model.bottleneck(w.now); s.rate > 0 && math.Abs(w.pacer.Backlog(w.now)-backlog) > 1e-3 {
		w.t.Fatalf("a queue of %v bytes, want %v", w.pacer.Backlog(w.now), backlog)
	}
}
