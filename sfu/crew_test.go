package sfu

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// A picture and a voice for very many, whom several goroutines serve: nobody misses anything, or gets it in disorder.
func TestManyHandsForManyReceivers(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	}
	h := newHouse(t)
	a := h.films("a")
	talker := &talker{guest: a}
	talker.say(30)
	a.settle()
	var audience []*guest
	for i := range 3*share + 7 {
		g := h.join(fmt.Sprint("g", i))
		g.watch(a.track("1"), videoSeat())
		g.hear(1)
		audience = append(audience, g)
	}
	const frames = 40
	a.send(picture(2, 10))
	for i := range uint16(frames) {
		h.pass(20 * time.Millisecond)
		a.send(picture(3+i, 0))
		talker.say(30)
	}
	for i, g := range audience {
		for ssrc, want := range map[uint32]int{42: 1 + frames, 1000: frames} {
			numbers := g.sequences(ssrc)
			if len(numbers) != want {
				t.Fatalf("receiver %d got %d packets of %d, want %d", i, len(numbers), ssrc, want)
			}
			for j := 1; j < len(numbers); j++ {
				if numbers[j] != numbers[j-1]+1 {
					t.Fatalf("receiver %d got number %d of %d after %d", i, numbers[j], ssrc, numbers[j-1])
				}
			}
		}
	}
}
