package sfu

import (
	"runtime"
	"sync"

	"parley/sfu/egress"
)

// share is for how many receivers it pays to have somebody else seal and send: waking them costs as much as a few do.
const share = 48

// crew helps whoever reads a publisher's packets to hand them to very many receivers: else an audience could be no
// larger than what one core can seal and send to. Whoever has idle hands takes a part; the reader does the rest, and
// waits, since the packets lie where it reads the next ones to.
type crew struct {
	socket *egress.Conn // static
	hands  int          // that help; static
	parts  chan part
}

// part is what one helper does.
type part struct {
	receivers []*downTrack
	packets   []packet
	done      *sync.WaitGroup
}

// newCrew makes a crew of as many as there are cores, less one: the reader has it.
func newCrew(socket *egress.Conn) *crew {
	return &crew{socket: socket, hands: runtime.GOMAXPROCS(0) - 1, parts: make(chan part)}
}

// run is one helper, until stop is closed.
func (c *crew) run(stop <-chan struct{}) {
	for {
		select {
		case p := <-c.parts:
			c.do(p.receivers, p.packets)
			p.done.Done()
		case <-stop:
			return
		}
	}
}

// do hands packets to receivers and sees them off, so that the next ones may go with another batch.
func (c *crew) do(receivers []*downTrack, packets []packet) {
	b := c.socket.Batch()
	defer b.Done()
	for _, d := range receivers {
		d.forward(packets, b)
	}
}

// fan hands packets to all receivers: with b if they are few. It does not mind being nil.
func (c *crew) fan(receivers []*downTrack, packets []packet, b *egress.Batch) {
	if c == nil || len(receivers) < 2*share {
		for _, d := range receivers {
			d.forward(packets, b)
		}
		return
	}
	var done sync.WaitGroup
	size := max(share, (len(receivers)+c.hands)/(c.hands+1))
	for len(receivers) > size {
		done.Add(1)
		select {
		case c.parts <- part{receivers[:size], packets, &done}:
			receivers = receivers[size:]
			continue
		default: // all are at work
		}
		done.Done()
		break
	}
	c.do(receivers, packets)
	done.Wait()
}
