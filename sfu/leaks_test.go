package sfu

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// TestPublishingLeavesNothing has somebody publish and take back before one who stays and a few who come for a moment,
// hundreds of times: heap and goroutines stay as they are. The end-to-end tests have the same with whole connections.
func TestPublishingLeavesNothing(t *testing.T) {
	h := newHouseAt(t, newNowhere())
	h.control()
	a, b := h.join("a"), h.join("b")
	ssrc := uint32(1000)
	round := func(i int) {
		ssrc += 2
		a.describe(offer("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=sendonly\r\n" +
			videoFormats + fmt.Sprintf("a=msid:home cam%d\r\na=ssrc:%d cname:x\r\n", i, ssrc)))
		for sequence := range uint16(20) {
			p := picture(sequence, 64)
			p.ssrc = ssrc
			a.send(p)
			a.settle()
			b.settle()
			if sequence == 0 {
				s := videoSeat()
				s.ssrc, s.rtx = webrtc.SSRC(ssrc), 0
				down := b.watch(a.track("1"), s)
				defer down.detach(h.now)
				defer b.conn.ingress.unsubscribe(down.ssrc)
			}
			h.pass(20 * time.Millisecond)
		}
		a.describe("v=0\r\ns=-\r\n" + extensions)
		a.settle()
		for range 3 {
			s := h.admit(t)
			s.turn()
			s.leave()
		}
		a.rtcp, b.rtp, b.rtcp, a.events, b.events = nil, nil, nil, nil, nil
	}
	measure := func() (heap uint64, goroutines int) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	i := 0
	run := func(n int) {
		for range n {
			round(i)
			i++
		}
	}
	run(50)
	heap, goroutines := measure()
	run(200)
	after, more := measure()
	t.Logf("heap %d, then %d; goroutines %d, then %d", heap, after, goroutines, more)
	if after > heap+1<<20 || more > goroutines+5 {
		t.Errorf("heap %d, then %d; goroutines %d, then %d", heap, after, goroutines, more)
	}
}
