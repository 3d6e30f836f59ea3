package sfu

import (
	"encoding/binary"
	"testing"
	"time"
)

// acknowledge has the receiver say that it got the packet with that transport-wide number.
func (g *guest) acknowledge(number uint16, at time.Duration) {
	packet := make([]byte, 24)
	packet[0], packet[1], packet[3] = 2<<6|15, 205, 5
	binary.BigEndian.PutUint16(packet[12:], number)
	binary.BigEndian.PutUint16(packet[14:], 1)
	binary.BigEndian.PutUint32(packet[16:], uint32(at/(64*time.Millisecond))<<8)
	binary.BigEndian.PutUint16(packet[20:], 1<<13|1) // one, small delta
	b := g.house.conn.Batch()
	g.conn.sender.feedback(packet, g.now, b)
	b.Done()
}

func (g *guest) turn() {
	b := g.house.conn.Batch()
	g.conn.sender.turn(g.now, b)
	b.Done()
}

// transportNumber is the newest transport-wide number that has come.
func (g *guest) transportNumber() uint16 {
	return binary.BigEndian.Uint16(g.rtp[len(g.rtp)-1].GetExtension(5))
}

// TestPictureWithoutSoundComesBackAfterSilence loses the path for longer than pictures are sent without feedback.
func TestPictureWithoutSoundComesBackAfterSilence(t *testing.T) {
	h := newHouse(t)
	h.control()
	a, b := newCameras(h.join("a")), h.join("b")
	s := videoSeat()
	s.numbered = true
	b.watch(a.track("1"), s)
	began := h.now
	a.run(time.Second, func() {
		if len(b.rtp) > 0 {
			b.acknowledge(b.transportNumber(), h.now.Sub(began))
		}
	})
	a.run(4*time.Second, nil)
	b.rtp = nil
	heard := 0
	a.run(3*time.Second, func() {
		b.turn()
		if len(b.rtp) > 0 {
			heard++
			b.acknowledge(b.transportNumber(), h.now.Sub(began))
		}
	})
	if n := len(b.sequences(42)); n < 10 {
		t.Errorf("%d packets of the picture since feedback is possible again, asked %d times", n, heard)
	}
}

// TestLayerThatPublisherCannotSendStaysOut has a layer end though it is wanted.
func TestLayerThatPublisherCannotSendStaysOut(t *testing.T) {
	h := newHouse(t)
	a, b := newCameras(h.join("a")), h.join("b")
	b.carry(a.track("1"))
	slot := func() { a.peer.switchLayers(a.now); a.settle() }
	b.view(32, 32)
	b.view(64, 64)
	a.run(time.Second, slot)
	a.sizes[2] = 0
	a.run(2*time.Second, slot)
	b.settle()
	a.events, b.events = nil, nil
	a.run(4*switchOffAfter, slot)
	b.settle()
	for _, e := range a.events {
		if e, ok := e.(LayersWanted); ok && !e.Active["h"] || ok && !e.Active["f"] {
			t.Errorf("told %v", e.Active)
		}
	}
	changes := 0
	for _, e := range b.events {
		if _, ok := e.(Quality); ok {
			changes++
		}
	}
	if changes > 0 {
		t.Errorf("%d changes of quality", changes)
	}
}

// TestFlushTakesBackOnlyWhatWasNotSent has a packet that came late wait with newer ones.
func TestFlushTakesBackOnlyWhatWasNotSent(t *testing.T) {
	h := newHouse(t)
	h.control()
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	d := b.watch(a.track("1"), videoSeat())
	a.send(picture(2, 64))
	h.pass(20 * time.Millisecond)
	for sequence := uint16(3); sequence < 20; sequence++ {
		if sequence != 10 {
			a.send(picture(sequence, 0))
			h.pass(20 * time.Millisecond)
		}
	}
	sent := b.sequences(42)
	last := sent[len(sent)-1]
	s := d.sender
	s.mu.Lock()
	w := &waiting{down: d, stream: d.stream, first: last - 9, size: 100}
	s.control.Queue(h.now, d.class, d.id, 100, w)
	s.flush(d)
	s.mu.Unlock()
	a.send(picture(20, 64))
	sent = b.sequences(42)
	if got := sent[len(sent)-1]; got != last+1 {
		t.Errorf("%d follows %d", got, last)
	}
}
