package sfu

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/wire"
)

// talker is a guest with a microphone, in virtual time.
type talker struct {
	*guest
	sequence uint16
}

// enter adds a guest with a microphone.
func (h *house) enter(id string) *talker {
	h.tb.Helper()
	g := h.join(id)
	g.describe(offer(micLine))
	t := &talker{guest: g}
	t.say(127) // so that the line becomes known
	g.settle()
	return t
}

// say sends one packet of 20 ms, of which the second byte tells who sent it.
func (t *talker) say(level uint8) {
	t.tb.Helper()
	t.sequence++
	t.send(out{
		ssrc: 100, pt: 111, sequence: t.sequence, timestamp: 960 * uint32(t.sequence), level: level,
		payload: append([]byte{0xfc}, t.peer.id...),
	})
}

// speak has a talker speak for some time, while others are heard at their levels.
func (h *house) speak(d time.Duration, levels map[*talker]uint8) {
	for ; d > 0; d -= 20 * time.Millisecond {
		h.pass(20 * time.Millisecond)
		for t, level := range levels {
			t.say(level)
		}
	}
}

// hear gives a guest audio slots whose lines are open.
func (g *guest) hear(slots int) {
	g.tb.Helper()
	g.peer.listen(slots)
	for i, up := range g.peer.interest.slots {
		down := g.conn.sender.add(up, tileSize{})
		codec := webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}
		s := seat{binding: binding{codecs: []webrtc.RTPCodecParameters{codec}}, ssrc: webrtc.SSRC(1000 + i)}
		if _, err := down.Bind(s); err != nil || !down.decodable {
			g.tb.Fatalf("bind: %v", err)
		}
		subscribe(down, g.now)
	}
	g.settle()
}

// heard are the packets of a slot since the last call.
func (g *guest) heard(slot int) (packets []rtp.Packet) {
	g.rtp = slices.DeleteFunc(g.rtp, func(p rtp.Packet) bool {
		if p.SSRC != uint32(1000+slot) {
			return false
		}
		packets = append(packets, p)
		return true
	})
	return packets
}

// slots is whom a guest was told to hear.
func (g *guest) slots() map[int]string {
	g.settle()
	slots := make(map[int]string)
	for _, e := range g.events {
		if e, ok := e.(SlotChanged); ok {
			slots[e.Slot] = e.Publisher
		}
	}
	return slots
}

// slotOf is the slot in which somebody is heard, -1 for none.
func (g *guest) slotOf(id string) int {
	for slot, publisher := range g.slots() {
		if publisher == id {
			return slot
		}
	}
	return -1
}

var opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}

func TestEverybodyIsHeardWhereThereAreSlots(t *testing.T) {
	h := newHouse(t)
	a, b := h.enter("a"), h.enter("b")
	listener := h.join("listener")
	listener.hear(3)
	a.hear(3)
	h.speak(100*time.Millisecond, map[*talker]uint8{a: 70, b: 75}) // no more than noise
	for _, id := range []string{"a", "b"} {
		slot := listener.slotOf(id)
		if slot < 0 || len(listener.heard(slot)) != 5 {
			t.Errorf("%s is in slot %d and not heard in it whole", id, slot)
		}
	}
	if a.slotOf("a") >= 0 || a.slotOf("b") < 0 {
		t.Errorf("a was told of the slots %v", a.slots())
	}
	c := h.enter("c")
	if listener.slotOf("c") < 0 {
		t.Errorf("the third is not heard: %v", listener.slots())
	}
	c.peer.Close()
	if listener.slotOf("c") >= 0 {
		t.Error("who has left is still in a slot")
	}
}

func TestSilenceCostsNothing(t *testing.T) {
	h := newHouse(t)
	a := h.enter("a")
	listener := h.join("listener")
	listener.hear(2)
	h.speak(200*time.Millisecond, map[*talker]uint8{a: 30})
	h.speak(time.Second, map[*talker]uint8{a: 127})
	listener.heard(0)
	h.speak(time.Second, map[*talker]uint8{a: 127})
	if late := listener.heard(0); len(late) > 0 {
		t.Errorf("%d packets of digital silence were sent", len(late))
	}
	h.speak(20*time.Millisecond, map[*talker]uint8{a: 30})
	if back := listener.heard(0); len(back) != 1+beforehand {
		t.Errorf("%d packets as they spoke again, want what came right before, too", len(back))
	}
}

func TestWhoBeginsToSpeakIsHeard(t *testing.T) {
	h := newHouse(t)
	var talkers []*talker
	quiet := make(map[*talker]uint8)
	for i := range 6 {
		talkers = append(talkers, h.enter(fmt.Sprint("p", i)))
		quiet[talkers[i]] = 80
	}
	listener := h.join("listener")
	listener.hear(2)
	h.speak(3*time.Second, quiet)
	listener.heard(0)
	listener.heard(1)
	h.speak(time.Second, quiet)
	if n := len(listener.heard(0)) + len(listener.heard(1)); n > 0 {
		t.Errorf("%d packets of noise were sent, where six share two slots", n)
	}
	last := listener.rtpOf(t)
	for _, speaker := range []int{4, 2, 5, 2} {
		id := fmt.Sprint("p", speaker)
		levels := map[*talker]uint8{talkers[speaker]: 25}
		h.speak(200*time.Millisecond, levels)
		slot := listener.slotOf(id)
		if slot < 0 {
			t.Fatalf("%s speaks and is not heard: %v", id, listener.slots())
		}
		packets := listener.heard(slot)
		if len(packets) < 10 {
			t.Errorf("%d packets of %s, want all of 0.2 s", len(packets), id)
		}
		for i, p := range packets {
			if !bytes.HasSuffix(p.Payload, []byte(id)) {
				t.Fatalf("slot %d brings %q, not %s", slot, p.Payload, id)
			}
			if len(p.CSRC) != 1 || p.CSRC[0] != 100 {
				t.Errorf("CSRC %v", p.CSRC)
			}
			if former, ok := last[slot]; ok {
				step := p.Timestamp - former.Timestamp
				if p.SequenceNumber != former.SequenceNumber+1 || step < 960 || i > 0 && step != 960 {
					t.Errorf("packet %d of %s: number %d after %d, timestamp %d later", i, id, p.SequenceNumber,
						former.SequenceNumber, step)
				}
				if p.Marker != (i == 0) {
					t.Errorf("packet %d of %s: marker %v", i, id, p.Marker)
				}
			}
			last[slot] = p
		}
		h.speak(time.Second, map[*talker]uint8{talkers[speaker]: 80})
		for _, p := range listener.heard(slot) {
			last[slot] = p
		}
	}
}

// rtpOf starts an account of the newest packets by slot.
func (g *guest) rtpOf(t *testing.T) map[int]rtp.Packet {
	t.Helper()
	g.rtp = nil
	return make(map[int]rtp.Packet)
}

func TestTheLoudestAreHeard(t *testing.T) {
	h := newHouse(t)
	talkers := []*talker{h.enter("a"), h.enter("b"), h.enter("c"), h.enter("d")}
	listener := h.join("listener")
	listener.hear(2)
	h.speak(3*time.Second, map[*talker]uint8{talkers[0]: 40, talkers[1]: 40, talkers[2]: 39, talkers[3]: 42})
	before, told := listener.slots(), len(listener.events)
	h.speak(time.Second, map[*talker]uint8{talkers[0]: 40, talkers[1]: 40, talkers[2]: 39, talkers[3]: 42})
	if after := listener.slots(); len(listener.events) > told || !equalSlots(before, after) {
		t.Errorf("four of about the same loudness take slots from one another: %v, %v", before, after)
	}
	h.speak(time.Second, map[*talker]uint8{talkers[0]: 40, talkers[1]: 40, talkers[2]: 20, talkers[3]: 21})
	if listener.slotOf("c") < 0 || listener.slotOf("d") < 0 {
		t.Errorf("the two who are far louder are not heard: %v", listener.slots())
	}
}

func equalSlots(a, b map[int]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func TestSlotsComeAndGo(t *testing.T) {
	h := newHouse(t)
	a, b := h.enter("a"), h.enter("b")
	a.settle()
	listener := h.join("listener")
	listener.settle()
	if n := len(listener.conn.lines.wanted); n != 2 {
		t.Fatalf("%d tracks wanted, want both microphones", n)
	}
	listener.peer.listen(1)
	if n := len(listener.conn.lines.wanted); n != 1 || listener.conn.lines.wanted[0].streamID != "slot.0" {
		t.Fatalf("%d tracks wanted, want one slot", n)
	}
	listener.peer.listen(4)
	if n := len(listener.conn.lines.wanted); n != 3 || listener.slotOf("a") < 0 || listener.slotOf("b") < 0 {
		t.Fatalf("%d tracks wanted of two who are heard, want one to spare: %v", n, listener.slots())
	}
	for _, id := range []string{"c", "d"} {
		h.enter(id)
		if listener.settle(); len(listener.conn.lines.wanted) != 4 || listener.slotOf(id) < 0 {
			t.Errorf("%d tracks wanted when %s is heard", len(listener.conn.lines.wanted), id)
		}
	}
	listener.peer.listen(0)
	h.speak(200*time.Millisecond, map[*talker]uint8{a: 30, b: 30})
	if n := len(listener.conn.lines.wanted); n != 0 || len(listener.rtp) != 0 {
		t.Errorf("%d tracks wanted, %d packets came to who wants to hear nobody", n, len(listener.rtp))
	}
	listener.peer.Close()
	if h.room.voices.crowded.Load() || len(h.room.voices.listeners) != 0 {
		t.Error("a listener who has left is still there")
	}
}

func TestRoomIsToldWhoSpeaks(t *testing.T) {
	h := newHouse(t)
	a, b := h.enter("a"), h.enter("b")
	v := h.room.voices
	var told []RoomEvent
	speak := func(d time.Duration, levels map[*talker]uint8) (changes []string) {
		for ; d > 0; d -= 20 * time.Millisecond {
			h.speak(20*time.Millisecond, levels)
			events, _ := v.news(h.now, d%(240*time.Millisecond) == 0)
			told = append(told, events...)
			for _, e := range events {
				if e, ok := e.(SpeakerChanged); ok {
					changes = append(changes, e.Publisher)
				}
			}
		}
		return changes
	}
	if got := speak(240*time.Millisecond, map[*talker]uint8{a: 25, b: 80}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("a speaks, told %v", got)
	}
	speak(3*time.Second, map[*talker]uint8{a: 25, b: 80})
	if got := speak(300*time.Millisecond, map[*talker]uint8{a: 80, b: 25}); !slices.Equal(got, []string{"b"}) {
		t.Errorf("b speaks, told %v", got)
	}
	if !b.peer.speaks.Load() || a.peer.speaks.Load() {
		t.Error("their pictures do not know")
	}
	told = nil
	speak(time.Second, map[*talker]uint8{a: 80, b: 80})
	events, more := v.news(h.now, true)
	told = append(told, events...)
	last, ok := told[len(told)-1].(Levels)
	if !ok || len(last.Levels) != 0 || more {
		t.Errorf("as all are silent: %v, more %v", told, more)
	}
	b.peer.Close()
	if events, _ := v.news(h.now, false); len(events) != 1 || events[0] == (SpeakerChanged{"b"}) {
		t.Errorf("as the speaker leaves: %v", events)
	}
}

// A microphone that goes over to another SSRC in the middle of a word is heard on.
func TestMicrophoneThatBeginsAnew(t *testing.T) {
	h := newHouse(t)
	a := h.enter("a")
	listener := h.join("listener")
	listener.hear(1)
	h.speak(200*time.Millisecond, map[*talker]uint8{a: 30})
	former := listener.heard(0)
	a.describe(strings.ReplaceAll(offer(micLine), "ssrc:100", "ssrc:101"))
	for i := range uint16(10) {
		h.pass(20 * time.Millisecond)
		a.send(out{
			ssrc: 101, pt: 111, sequence: 65000 + i, timestamp: 960 * uint32(i), level: 30, payload: []byte("again"),
		})
		a.settle()
	}
	packets := listener.heard(0)
	if len(packets) < 8 {
		t.Fatalf("%d packets of the new one", len(packets))
	}
	for i, p := range packets {
		if want := former[len(former)-1].SequenceNumber + 1 + uint16(i); p.SequenceNumber != want {
			t.Fatalf("number %d, want %d", p.SequenceNumber, want)
		}
	}
}

// Who asks for slots in the middle of a debate hears the loudest, and who is cut off by fewer slots goes to a free one.
func TestSlotsInTheMiddleOfADebate(t *testing.T) {
	h := newHouse(t)
	levels := map[*talker]uint8{h.enter("a"): 40, h.enter("b"): 20, h.enter("c"): 30}
	h.speak(time.Second, levels)
	listener := h.join("listener")
	listener.hear(2)
	if slots := listener.slots(); listener.slotOf("b") < 0 || listener.slotOf("c") < 0 {
		t.Errorf("hears %v", slots)
	}
	holder := listener.slots()[0]
	for t := range levels {
		if t.peer.id == holder {
			t.peer.Close()
		}
	}
	listener.hear(1)
	if slots := listener.slots(); slots[0] == "" || slots[0] == holder {
		t.Errorf("with one slot, hears %v", slots)
	}
}

// A listener that asks for slots as it leaves is not there afterwards.
func TestListenerLeavesForGood(t *testing.T) {
	h := newHouse(t)
	h.enter("a")
	listener := h.join("listener")
	listener.peer.Close()
	listener.peer.listen(2)
	listener.peer.finish()
	if len(h.room.voices.listeners) != 0 {
		t.Error("it listens on")
	}
}

func TestVoicesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	h := newHouse(t)
	a := h.enter("a")
	var listener *guest
	for i := range 20 {
		listener = h.join(fmt.Sprint("listener", i))
		listener.hear(2)
	}
	h.speak(200*time.Millisecond, map[*talker]uint8{a: 30})
	up, before := a.track("0"), listener.conn.sender.tracks[0].sent.packets
	b := h.conn.Batch()
	defer b.Done()
	packets := []packet{{
		layer: up.allLayers()[0], payload: []byte("opus"), level: []byte{30},
		header: wire.Header{Sequence: 20_000, Timestamp: 960 * 20_000},
	}}
	packets[0].frame.Keyframe = true
	packets[0].in.Arrived = h.now
	allocations := testing.AllocsPerRun(100, func() {
		p := &packets[0]
		p.header.Sequence++
		p.header.Timestamp += 960
		p.in.Sequence, p.in.Timestamp = p.header.Sequence, p.header.Timestamp
		p.in.Arrived = p.in.Arrived.Add(20 * time.Millisecond)
		up.microphone.forward(packets, b)
	})
	if sent := listener.conn.sender.tracks[0].sent.packets - before; allocations != 0 || sent < 100 {
		t.Errorf("%v allocations for a packet to 20 listeners, who got %d", allocations, sent)
	}
}
