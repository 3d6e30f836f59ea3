package sfu

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// FuzzReceiveRTP hands in whatever a client may have encrypted, several packets in one: each begins with its length.
// Nobody gets anything that the client did not send.
func FuzzReceiveRTP(f *testing.F) {
	pack := func(packets ...out) (all []byte) {
		for _, o := range packets {
			plain, err := o.header().Marshal()
			if err != nil {
				f.Fatal(err)
			}
			plain = append(plain, o.payload...)
			if o.padding > 0 {
				plain = append(append(plain, make([]byte, o.padding-1)...), o.padding)
			}
			all = append(append(all, byte(len(plain))), plain...)
		}
		return all
	}
	sound := out{ssrc: 100, pt: 111, sequence: 2, timestamp: 960, level: 7, payload: []byte{0xf8}}
	red := out{ssrc: 100, pt: 63, sequence: 3, payload: []byte{111 | 0x80, 0, 0, 1, 111, 1, 2}}
	empty := picture(3, 0)
	empty.payload, empty.padding = nil, 200
	f.Add(pack(picture(2, 64), picture(3, 0), empty, picture(4, 0), picture(4, 0), picture(9000, 0)))
	f.Add(pack(sound, red, repair(picture(2, 64), 201, 1), repair(picture(1, 64), 201, 2)))
	f.Add(pack(out{ssrc: 500, pt: 96, mid: "1", rid: "q", payload: vp8(1, 64, "q"), numbered: true, number: 65535}))
	f.Add(pack(out{ssrc: 501, pt: 97, mid: "1", repairedRID: "q", payload: []byte{0, 1, 2}}, out{ssrc: 100, pt: 13}))
	f.Add([]byte{12, 0xbf, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 3, 0x80})
	f.Fuzz(func(t *testing.T, all []byte) {
		h := newStudio(t)
		b, in := h.join("b"), h.room.members["a"].conn.ingress
		opus := withRTX(webrtc.MimeTypeOpus)[:1]
		for up := range h.room.tracks {
			if up.kind == webrtc.RTPCodecTypeAudio {
				b.watch(up, seat{binding: binding{codecs: opus}, ssrc: 41})
			} else {
				b.watch(up, videoSeat())
			}
		}
		inProportion(t, len(all), func() {
			packets := 0
			for rest := all; len(rest) > 0 && len(rest) > int(rest[0]); rest = rest[1+int(rest[0]):] {
				batch := h.conn.Batch()
				in.mu.Lock()
				in.receivePlain(bytes.Clone(rest[1:1+int(rest[0])]), h.now, batch)
				in.mu.Unlock()
				batch.Done()
				packets++
				h.pass(20 * time.Millisecond)
				for _, a := range h.room.members["a"].inbox.Take() {
					if err := a.do(h.room.members["a"]); err != nil {
						t.Fatal(err)
					}
				}
			}
			if len(b.rtp) > packets+1 { // and the keyframe from before
				t.Fatalf("%d packets became %d", packets, len(b.rtp))
			}
			for _, p := range b.rtp {
				if len(p.Payload) > 0 && !bytes.Contains(all, p.Payload[min(4, len(p.Payload)):]) {
					t.Fatalf("%x is in no packet", p.Payload) // but for numbers of pictures
				}
			}
		})
	})
}

// FuzzPadding sends a picture's packets in order, all of which arrive: with padding, without, and padding alone,
// between them or first. The receiver gets every payload without a gap, nothing is asked for again, and nothing counts
// as lost.
func FuzzPadding(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, uint16(0))
	f.Add([]byte{1, 1, 1, 1, 0, 1, 1, 1, 1, 2, 255, 254, 253}, uint16(65530))
	f.Add(bytes.Repeat([]byte{1}, 300), uint16(65400))
	f.Fuzz(func(t *testing.T, script []byte, first uint16) {
		h := newHouseAt(t, newNowhere())
		a, b := h.join("a"), h.join("b")
		a.describe(offer(camerasLine))
		send := func(i int, o out) {
			o.ssrc, o.sequence, o.mid, o.rid = 500, first+uint16(i), "1", "f"
			a.send(o)
			a.settle()
			h.pass(20 * time.Millisecond)
		}
		send(0, out{pt: 96, padding: 200}) // nothing but who it is
		b.watch(a.track("1"), videoSeat())
		pictures := 0
		for i, step := range script {
			o := out{pt: 96, padding: step, timestamp: uint32(i) * 3000, marker: true}
			if step&1 == 0 || i == 0 {
				o.payload = vp8(uint16(i), 64, "picture")
				pictures++
			}
			send(i+1, o)
		}
		numbers := b.sequences(42)
		if len(numbers) != pictures {
			t.Fatalf("%d of %d pictures came", len(numbers), pictures)
		}
		for i := range numbers {
			if i > 0 && numbers[i] != numbers[i-1]+1 {
				t.Fatalf("%d after %d", numbers[i], numbers[i-1])
			}
		}
		if nacks := of[*rtcp.TransportLayerNack](a.rtcp); len(nacks) > 0 {
			t.Fatalf("asked again for %v", nacks)
		}
		reports := a.conn.ingress.reports(h.now)
		if len(reports) != 1 || reports[0].TotalLost != 0 || reports[0].FractionLost != 0 {
			t.Fatalf("reported %+v", reports)
		}
		if slices.ContainsFunc(b.rtp, func(p rtp.Packet) bool { return p.SSRC != 42 }) {
			t.Fatal("there are retransmissions")
		}
	})
}
