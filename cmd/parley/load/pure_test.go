package load

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
)

func TestStamp(t *testing.T) {
	f := newFiller()
	for _, header := range []int{0, 1, 4, 14, stampWithin} {
		for _, size := range []int{stampSize, stampSize + 1, 80, 1200} {
			want := stamp{at: 1 << 40, publisher: 7, track: 3, counter: 0xfffffff0}
			packet := make([]byte, header+size)
			f.put(packet[header:], want)
			got, err := readStamp(packet)
			if err != nil || got != want {
				t.Fatalf("behind %d, %d bytes: %+v, %v", header, size, got, err)
			}
			for i := header; i < len(packet); i++ {
				broken := bytes.Clone(packet)
				broken[i] ^= 0x10
				if _, err := readStamp(broken); err == nil {
					t.Fatalf("behind %d, %d bytes: byte %d does not matter", header, size, i)
				}
			}
			if _, err := readStamp(packet[:len(packet)-1]); err == nil {
				t.Fatalf("behind %d, %d bytes: cut short without notice", header, size)
			}
		}
	}
	if _, err := readStamp(bytes.Repeat([]byte{1}, 100)); !errors.Is(err, errNoStamp) {
		t.Errorf("no stamp: %v", err)
	}
}

func FuzzReadStamp(f *testing.F) {
	good := make([]byte, 90)
	newFiller().put(good[10:], stamp{at: 1, counter: 2})
	f.Add(good)
	f.Add(good[:20])
	f.Add([]byte{})
	f.Add(stampMagic())
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		s, err := readStamp(payload)
		if !bytes.Equal(before, payload) {
			t.Fatal("the payload was changed")
		}
		if err != nil && s != (stamp{}) {
			t.Fatalf("%+v in spite of %v", s, err)
		}
	})
}

func TestBuckets(t *testing.T) {
	last := -1
	for us := range 3_000_000 {
		d := time.Duration(us) * time.Microsecond
		b := bucketOf(d)
		if b != last && b != last+1 {
			t.Fatalf("%v is in bucket %d, its predecessor in %d", d, b, last)
		}
		if upper := upperBound(b); upper < d || float64(upper) > float64(d)*1.033+1 {
			t.Fatalf("%v is in bucket %d, up to %v", d, b, upper)
		}
		last = b
	}
	for _, d := range []time.Duration{-time.Second, time.Hour, 1<<63 - 1} {
		if b := bucketOf(d); b < 0 || b >= numBuckets {
			t.Errorf("%v is in bucket %d", d, b)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var h histogram
	if got := h.snapshot().quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	h.add(time.Hour) // before the window
	before := h.snapshot()
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	d := h.snapshot().since(before)
	for q, want := range map[float64]time.Duration{0.5: 500e6, 0.9: 900e6, 0.99: 990e6, 1: 1000e6, 0: 1e6} {
		if got := d.quantile(q); got < want || float64(got) > float64(want)*1.04 {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if d.total() != 1000 {
		t.Errorf("%d samples", d.total())
	}
}

func TestSequences(t *testing.T) {
	for _, test := range []struct {
		name     string
		numbers  []uint16
		verdicts []verdict
		gaps     int
	}{
		{"in order", []uint16{10, 11, 12}, []verdict{newest, newest, newest}, 0},
		{"over the end", []uint16{65534, 65535, 0, 1}, []verdict{newest, newest, newest, newest}, 0},
		{"gap", []uint16{10, 13}, []verdict{newest, newest}, 2},
		{"gap over the end", []uint16{65535, 2}, []verdict{newest, newest}, 2},
		{"late", []uint16{10, 13, 11}, []verdict{newest, newest, late}, 2},
		{"late over the end", []uint16{65535, 1, 0}, []verdict{newest, newest, late}, 1},
		{"late twice", []uint16{10, 13, 11, 11}, []verdict{newest, newest, late, duplicate}, 2},
		{"twice", []uint16{10, 10}, []verdict{newest, duplicate}, 0},
		{"before the first", []uint16{10, 9}, []verdict{newest, ancient}, 0},
		{"ancient", []uint16{1, 2, 9000, 1}, []verdict{newest, newest, newest, ancient}, 8997},
		{"all forgotten", []uint16{1, 20000, 19000}, []verdict{newest, newest, late}, 19998},
	} {
		var s sequences
		var verdicts []verdict
		gaps := 0
		for _, number := range test.numbers {
			v, gap := s.take(number)
			verdicts = append(verdicts, v)
			gaps += gap
		}
		if !slices.Equal(verdicts, test.verdicts) || gaps != test.gaps {
			t.Errorf("%s: %v with gaps of %d", test.name, verdicts, gaps)
		}
	}
}

// TestSequencesAgainstASet sends a stream through loss, duplication and reordering, and counts along.
func TestSequencesAgainstASet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s sequences
	got := make(map[uint64]bool)
	var waiting []uint64
	var missing, duplicates int
	take := func(n uint64) {
		v, gap := s.take(uint16(n))
		missing += gap
		switch {
		case v == late:
			missing--
		case v == duplicate:
			duplicates++
			if !got[n] {
				t.Fatalf("%d is no duplicate", n)
			}
		case got[n]:
			t.Fatalf("%d came again as %v", n, v)
		}
		got[n] = true
	}
	take(0)
	const count = 300_000
	for n := uint64(1); n < count; n++ {
		switch random.IntN(20) {
		case 0: // lost
		case 1:
			waiting = append(waiting, n)
		case 2:
			take(n)
			take(n)
		default:
			take(n)
		}
		for len(waiting) > 0 && (random.IntN(4) == 0 || waiting[0]+3000 < n) {
			take(waiting[0])
			waiting = waiting[1:]
		}
	}
	take(count)
	if want := count + 1 - len(got); missing != want || missing == 0 || duplicates == 0 {
		t.Errorf("%d missing, want %d; %d duplicates", missing, want, duplicates)
	}
}

func TestPictureHasTemporalLayers(t *testing.T) {
	o := Default()
	o.Simulcast = true
	for _, l := range layers(o) {
		p := newPicture(l)
		var before codecs.VP8Packet
		for number := range 10 {
			parts := 0
			p.frame(number == 5, func(b []byte, at int, _ bool) {
				var packet codecs.VP8Packet
				frame, err := packet.Unmarshal(b)
				if err != nil {
					t.Fatal(err)
				}
				key := packet.S == 1 && frame[0]&1 == 0
				base := number < 5 && number%2 == 0 || number >= 5 && number%2 == 1
				switch {
				case key != ((number == 0 || number == 5) && parts == 0):
					t.Errorf("%s, frame %d, part %d: a keyframe: %t", l.rid, number, parts, key)
				case (packet.TID == 0) != base || (packet.N == 1) == base || (packet.Y == 1) == base:
					t.Errorf("%s, frame %d: %+v", l.rid, number, packet)
				case parts == 0 && number > 0 && base != (packet.TL0PICIDX == before.TL0PICIDX+1):
					t.Errorf("%s, frame %d: TL0PICIDX %d after %d", l.rid, number, packet.TL0PICIDX, before.TL0PICIDX)
				case number == 0 && packet.KEYIDX != 1 || number >= 5 && packet.KEYIDX != 2:
					t.Errorf("%s, frame %d: KEYIDX %d", l.rid, number, packet.KEYIDX)
				}
				before = packet
				parts++
				if end := at + stampSize; end > len(b) {
					t.Errorf("%s: no room for a stamp behind %d of %d bytes", l.rid, at, len(b))
				}
			})
		}
	}
}

func TestSearch(t *testing.T) {
	for _, capacity := range []int{0, 1, 2, 3, 10, 57, 100, 390, 4999, 5000, 100_000} {
		for _, first := range []int{1, 10, 300} {
			const most = 5000
			s, tries := newSearch(first, most), 1
			for s.record(s.next <= capacity) {
				if tries++; tries > 40 {
					t.Fatalf("from %d, capacity %d: no end", first, capacity)
				}
				if s.next < 1 || s.next > most || s.next == s.good || s.next == s.bad {
					t.Fatalf("from %d, capacity %d: tries %d after %d and %d", first, capacity, s.next, s.good, s.bad)
				}
			}
			want := min(capacity, most)
			if s.good > want || float64(s.good) < float64(want)*(1-precision)-1 {
				t.Errorf("from %d, capacity %d: found %d", first, capacity, s.good)
			}
		}
	}
}

func TestParseBitrate(t *testing.T) {
	for s, want := range map[string]float64{"800k": 800e3, "2.5M": 2.5e6, "64000": 64000, "1K": 1000} {
		if got, err := ParseBitrate(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "k", "fast", "-1", "0", "NaN", "Inf", "1e400", "1G", "1 M"} {
		if got, err := ParseBitrate(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestLayout(t *testing.T) {
	l := readLayout("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n" +
		"a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\r\na=rtpmap:200 x/1\r\n")
	if l.kinds[111] != kindAudio || l.kinds[96] != kindVideo || l.kinds[97] != kindRTX || l.kinds[0] != kindUnknown ||
		l.transportID != 5 {
		t.Errorf("%+v", l)
	}
}

func FuzzLayout(f *testing.F) {
	f.Add("m=audio 9 X 1\r\na=rtpmap:1 opus/48000/2\r\na=extmap:3 " +
		"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01")
	f.Fuzz(func(t *testing.T, description string) {
		if l := readLayout(description); l.transportID > 14 {
			t.Errorf("extension %d", l.transportID)
		}
	})
}

func TestTransportNumber(t *testing.T) {
	packet := []byte{0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 2, 0x10, 9, 0, 0x51, 0x12, 0x34, 0, 0, 7}
	if got, ok := transportNumber(packet, 5); !ok || got != 0x1234 {
		t.Errorf("%#x, %v", got, ok)
	}
	for _, id := range []uint8{1, 2, 6} {
		if got, ok := transportNumber(packet, id); ok {
			t.Errorf("extension %d: %#x", id, got)
		}
	}
}

func FuzzTransportNumber(f *testing.F) {
	f.Add([]byte{0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x51, 0x12, 0x34, 0}, uint8(5))
	f.Add([]byte{0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0, 0, 0, 0x51}, uint8(5))
	f.Add([]byte{0x9f, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}, uint8(1))
	f.Fuzz(func(t *testing.T, packet []byte, id uint8) {
		if len(packet) < 12 {
			return
		}
		if _, ok := transportNumber(packet, id); ok && len(packet) < 20 {
			t.Error("found in too little")
		}
		if payload, ok := payloadOf(packet); ok && len(payload) > len(packet)-12 {
			t.Errorf("payload of %d bytes in %d", len(payload), len(packet))
		}
	})
}

func TestParseMetrics(t *testing.T) {
	u, err := parseMetrics(strings.NewReader("# HELP x y\nprocess_cpu_seconds_total 1.5\n" +
		"other{a=\"b c\"} 3\nprocess_resident_memory_bytes 4.096e+06\n"))
	if err != nil || u != (usage{true, 1.5, 4096000}) {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := parseMetrics(strings.NewReader("process_cpu_seconds_total 1.5\n")); err == nil {
		t.Error("no memory, no error")
	}
}
