package load

import (
	"encoding/binary"
	"testing"
	"time"
)

// voicePackets is one voice that a tap hears.
type voicePackets struct {
	tap    *tap
	filler *filler
	number uint16
	spoke  uint32
}

// send sends the next packet, late by so much. It returns the latency that counts, if it does.
func (v *voicePackets) send(marker bool, late time.Duration) (time.Duration, bool) {
	v.number++
	v.spoke += audioTicks
	packet := rtpPacket(111, 8, v.number, v.number)
	binary.BigEndian.PutUint32(packet[4:], v.spoke)
	if marker {
		packet[1] |= 0x80
	}
	sent := v.tap.clock.now()
	v.tap.take(packet, sent+int64(late))
	payload := make([]byte, audioSize)
	v.filler.put(payload[1:], stamp{at: sent, publisher: 1, counter: uint32(v.number)})
	return v.tap.decrypted(8, v.number, payload, true)
}

// TestStalledVoiceCounts has the server stand still for 300 ms, after which all comes at once.
func TestStalledVoiceCounts(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    int
	}{
		"all of everybody": {Options{Verify: true}, 40},
		"in turn":          {Options{Verify: true, Talking: 3, Shown: 3}, 40},
		"in slots":         {Options{Verify: true, Talking: 3, Slots: 6}, 35},
	} {
		v := voicePackets{tap: testTap(t, test.options), filler: newFiller()}
		counted, most := 0, time.Duration(0)
		for i := range 40 {
			late := time.Millisecond
			if i >= 15 && i < 30 {
				late = time.Duration(30-i) * 20 * time.Millisecond
			}
			if took, ok := v.send(i == 0, late); ok {
				counted++
				most = max(most, took)
			}
		}
		if counted != test.want || most != 300*time.Millisecond {
			t.Errorf("%s: %d samples, max %v", name, counted, most)
		}
	}
}

// TestOnsetOfVoice wants what may have been kept left out, and nothing else.
func TestOnsetOfVoice(t *testing.T) {
	v := voicePackets{tap: testTap(t, Options{Verify: true, Slots: 6}), filler: newFiller()}
	run := func(what string, marker bool, want int) {
		t.Helper()
		counted := 0
		for i := range 20 {
			if _, ok := v.send(marker && i == 0, time.Millisecond); ok {
				counted++
			}
		}
		if counted != want {
			t.Errorf("%s: %d samples, want %d", what, counted, want)
		}
	}
	run("the first", false, 15)
	run("it goes on", false, 20)
	run("somebody else", true, 15)
	v.spoke += 50 * audioTicks
	run("after a second", false, 15)
	v.spoke += 2 * audioTicks
	run("after 60 ms", false, 20)
	v.number, v.spoke = v.number+50, v.spoke+50*audioTicks
	run("after a loss", false, 20)
	v.send(true, time.Millisecond)
	v.number, v.spoke = v.number+3, v.spoke+3*audioTicks
	run("the beginning is lost but for two", false, 19)
}
