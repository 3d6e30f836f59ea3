package pace

import (
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// leave takes out all that may leave now, as sent.
func leave(p *Pacer[int], now time.Time, size int) (items []int) {
	for {
		item, _, ok := p.Next(now)
		if !ok {
			return items
		}
		p.Sent(now, size)
		items = append(items, item)
	}
}

func TestPacerKeepsTheBottleneckShort(t *testing.T) {
	var p Pacer[int]
	now := time.Now()
	p.Shape(now, 800_000, 20*ms) // 100 bytes a ms, 2000 bytes
	sent := 0
	for i := range 10 {
		if p.May(now, Video) {
			p.Sent(now, 1000)
			sent++
			continue
		}
		p.Queue(now, Video, 1, 1000, i)
	}
	if sent != 3 { // the third finds 2000 bytes there, no more than the limit
		t.Errorf("%d left at once", sent)
	}
	if got := leave(&p, now.Add(9*ms), 1000); got != nil {
		t.Errorf("after 9 ms %v left", got)
	}
	if got := leave(&p, now.Add(10*ms), 1000); !slices.Equal(got, []int{3}) {
		t.Errorf("after 10 ms %v left", got)
	}
	if got := leave(&p, now.Add(30*ms), 1000); !slices.Equal(got, []int{4, 5}) {
		t.Errorf("after 30 ms %v left", got)
	}
	p.Correct(now.Add(30*ms), 5000)
	if got := leave(&p, now.Add(59*ms), 1000); got != nil {
		t.Errorf("%v left while the queue is known to be long", got)
	}
	if got := leave(&p, now.Add(60*ms), 1000); !slices.Equal(got, []int{6}) {
		t.Errorf("when it is short again, %v left", got)
	}
	if got := p.Delay(now.Add(60 * ms)); got != 60*ms {
		t.Errorf("video waits for %s", got)
	}
	p.Shape(now.Add(60*ms), 0, 0)
	if got := leave(&p, now.Add(60*ms), 1000); !slices.Equal(got, []int{7, 8, 9}) || p.Waiting() != 0 {
		t.Errorf("when nothing limits, %v left", got)
	}
}

func TestPacerOrder(t *testing.T) {
	var p Pacer[int]
	now := time.Now()
	p.Shape(now, 80_000, 0)
	p.Sent(now, 100)
	for i, class := range []Class{Video, Retransmission, Video, Audio} {
		if p.May(now, class) != (class == Audio) {
			t.Errorf("class %d with a full bottleneck: %t", class, p.May(now, class))
		}
		p.Queue(now, class, 0, 10, i)
	}
	if p.May(now, Audio) {
		t.Error("audio passes audio that waits")
	}
	if got := leave(&p, now, 10); !slices.Equal(got, []int{3}) {
		t.Errorf("%v left", got)
	}
	if !p.May(now, Audio) || p.May(now.Add(time.Hour), Retransmission) {
		t.Error("who may leave does not depend on who waits")
	}
	if got := leave(&p, now.Add(time.Second), 0); !slices.Equal(got, []int{1, 0, 2}) {
		t.Errorf("%v left", got)
	}
}

func TestPacerFlush(t *testing.T) {
	var p Pacer[int]
	now := time.Now()
	p.Shape(now, 1, 0)
	p.Sent(now, 1000)
	for i := range 40 { // the ring grows while it begins in the middle
		if i == 10 {
			p.Shape(now, 0, 0)
			leave(&p, now, 0)
			p.Shape(now, 1, 0)
			p.Sent(now, 1000)
		}
		p.Queue(now, Video, uint32(i%3), 10+i, i)
	}
	p.Queue(now, Retransmission, 1, 5, 100)
	var dropped []int
	p.Flush(1, func(i int) { dropped = append(dropped, i) })
	if want := []int{37, 34, 31, 28, 25, 22, 19, 16, 13, 10}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %v", dropped)
	}
	p.Flush(7, func(int) { t.Error("dropped of a track that is not there") })
	p.Shape(now, 0, 0)
	var want []int
	for i := 10; i < 40; i++ {
		if i%3 != 1 {
			want = append(want, i)
		}
	}
	if got := leave(&p, now, 0); !slices.Equal(got, append([]int{100}, want...)) || p.Waiting() != 0 {
		t.Errorf("%v left, %d bytes wait", got, p.Waiting())
	}
}

func TestPacerAllocatesNothing(t *testing.T) {
	var p Pacer[*int]
	now, item := time.Now(), new(int)
	p.Shape(now, 1_000_000, 10*ms)
	if n := testing.AllocsPerRun(1000, func() {
		for range 10 {
			if p.May(now, Video) {
				p.Sent(now, 1200)
			} else {
				p.Queue(now, Video, 1, 1200, item)
			}
		}
		now = now.Add(100 * ms)
		for {
			if _, _, ok := p.Next(now); !ok {
				break
			}
			p.Sent(now, 1200)
		}
		p.Flush(1, func(*int) {})
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
