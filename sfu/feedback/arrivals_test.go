package feedback

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// status is what feedback says of one number.
type status struct {
	number  uint16
	arrived bool
	ticks   int64 // since the reference time began
}

// read sends feedback over the wire and lists what it says.
func read(t *testing.T, packets []*rtcp.TransportLayerCC) [][]status {
	t.Helper()
	var all [][]status
	for _, packet := range packets {
		raw, err := packet.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 1250 || len(raw)%4 != 0 {
			t.Fatalf("a packet of %d bytes", len(raw))
		}
		decoded, err := rtcp.Unmarshal(raw)
		if err != nil || len(decoded) != 1 {
			t.Fatalf("%d packets, %v", len(decoded), err)
		}
		f, ok := decoded[0].(*rtcp.TransportLayerCC)
		if !ok || f.SenderSSRC != packet.SenderSSRC || f.MediaSSRC != packet.MediaSSRC {
			t.Fatalf("%T came: %+v", decoded[0], decoded[0])
		}
		all = append(all, list(t, f))
	}
	return all
}

func list(t *testing.T, f *rtcp.TransportLayerCC) []status {
	t.Helper()
	var symbols []uint16
	for _, chunk := range f.PacketChunks {
		switch c := chunk.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				symbols = append(symbols, c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			symbols = append(symbols, c.SymbolList...)
		}
	}
	if len(symbols) < int(f.PacketStatusCount) || f.PacketStatusCount == 0 {
		t.Fatalf("%d symbols for %d packets", len(symbols), f.PacketStatusCount)
	}
	at, deltas := int64(f.ReferenceTime)*referenceTick, f.RecvDeltas
	var said []status
	for i, symbol := range symbols[:f.PacketStatusCount] {
		s := status{number: f.BaseSequenceNumber + uint16(i)}
		if symbol != rtcp.TypeTCCPacketNotReceived {
			if len(deltas) == 0 || deltas[0].Type != symbol {
				t.Fatalf("no time for %d, which is said to be %d", s.number, symbol)
			}
			at += deltas[0].Delta / 250
			deltas = deltas[1:]
			s.arrived, s.ticks = true, at
		}
		said = append(said, s)
	}
	if len(deltas) > 0 || !said[len(said)-1].arrived {
		t.Fatalf("%d times too many; the last packet: %v", len(deltas), said[len(said)-1])
	}
	return said
}

func TestArrivals(t *testing.T) {
	type arrival struct{ number, ms int }
	const lost = -1
	for name, test := range map[string]struct {
		arrivals []arrival
		base     uint16
		want     []int // ms of arrival, from base on
	}{
		"one":                      {[]arrival{{9, 0}}, 9, []int{0}},
		"in order":                 {[]arrival{{9, 0}, {10, 1}, {11, 70}}, 9, []int{0, 1, 70}},
		"loss":                     {[]arrival{{9, 0}, {12, 1}}, 9, []int{0, lost, lost, 1}},
		"reordered":                {[]arrival{{9, 0}, {11, 1}, {10, 30}}, 9, []int{0, 30, 1}},
		"before the first":         {[]arrival{{0, 0}, {65534, 30}}, 65534, []int{30, lost, 0}},
		"wraparound":               {[]arrival{{65535, 0}, {0, 1}, {2, 3}}, 65535, []int{0, 1, lost, 3}},
		"duplicate":                {[]arrival{{1, 0}, {2, 1}, {1, 5}, {2, 6}}, 1, []int{0, 1}},
		"pause of 8 s":             {[]arrival{{1, 0}, {2, 8191}}, 1, []int{0, 8191}},
		"just too much for a byte": {[]arrival{{1, 0}, {2, 64}}, 1, []int{0, 64}},
		"clock standing":           {[]arrival{{1, 0}, {2, 0}, {3, 0}, {4, 0}}, 1, []int{0, 0, 0, 0}},
		"clock going back":         {[]arrival{{1, 0}, {2, 50}, {3, 20}}, 1, []int{0, 50, 20}},
	} {
		t.Run(name, func(t *testing.T) {
			var a Arrivals
			start := time.Now()
			for _, packet := range test.arrivals {
				a.Record(uint16(packet.number), start.Add(time.Duration(packet.ms)*time.Millisecond))
			}
			packets := read(t, a.Build(11, 22))
			if len(packets) != 1 || len(packets[0]) != len(test.want) {
				t.Fatalf("got %v", packets)
			}
			for i, ms := range test.want {
				got := packets[0][i]
				want := status{number: test.base + uint16(i), arrived: ms != lost}
				if want.arrived {
					want.ticks = referenceTick + int64(ms)*4
				}
				if got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
			if more := a.Build(11, 22); more != nil {
				t.Errorf("what was said is said again: %v", more)
			}
		})
	}
}

// TestLateArrivals says what Chromium does: feedback begins once more with what had been given up.
func TestLateArrivals(t *testing.T) {
	var a Arrivals
	now := time.Now()
	for _, number := range []uint16{1, 2, 4, 5} {
		a.Record(number, now)
	}
	if got := read(t, a.Build(1, 2)); len(got) != 1 || len(got[0]) != 5 || got[0][2].arrived {
		t.Fatalf("got %v", got)
	}
	a.Record(6, now)
	a.Record(3, now)
	if got := read(t, a.Build(1, 2)); len(got) != 1 || got[0][0].number != 3 || len(got[0]) != 4 {
		t.Errorf("after a late one: %v", got)
	}
	a.Record(3, now)
	if a.Build(1, 2) != nil {
		t.Error("a duplicate of what was reported is feedback")
	}
	a.Record(10, now)
	if got := read(t, a.Build(1, 2)); len(got) != 1 || got[0][0].number != 7 || len(got[0]) != 4 {
		t.Errorf("losses between two feedbacks are missing: %v", got)
	}
}

func TestSplit(t *testing.T) {
	t.Run("pause beyond a delta", func(t *testing.T) {
		var a Arrivals
		now := time.Now()
		a.Record(1, now)
		a.Record(5, now.Add(8192*time.Millisecond))
		got := read(t, a.Build(1, 2))
		if len(got) != 2 || len(got[0]) != 1 || len(got[1]) != 4 || got[1][0].number != 2 || got[1][3].ticks != 256+4*8192 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("more than fits", func(t *testing.T) {
		var a Arrivals
		now := time.Now()
		for i := range 2000 { // the worst: every second one lost, and a large delta
			a.Record(uint16(65000+2*i), now.Add(time.Duration(i)*100*time.Millisecond))
		}
		packets := a.Build(1, 2)
		next := uint16((65000 + 4000 - 2 - 2047) % 65536)
		arrived := 0
		for i, said := range read(t, packets) {
			if int(packets[i].FbPktCount) != i {
				t.Errorf("packet %d has count %d", i, packets[i].FbPktCount)
			}
			for _, s := range said {
				if s.number != next {
					t.Fatalf("%d follows, not %d", s.number, next)
				}
				if s.arrived != (s.number%2 == 0) {
					t.Errorf("%d arrived: %v", s.number, s.arrived)
				}
				if s.arrived {
					arrived++
				}
				next++
			}
		}
		if next != (65000+4000-1)%65536 || arrived != 1024 {
			t.Errorf("said up to %d, %d arrived", next, arrived)
		}
	})
}

func TestDue(t *testing.T) {
	var a Arrivals
	now := time.Now()
	if a.Due(now) || a.Build(1, 2) != nil {
		t.Error("feedback on nothing")
	}
	a.Record(1, now)
	for ms, want := range map[int]bool{-10: false, 0: false, 49: false, 50: true, 5000: true} {
		if got := a.Due(now.Add(time.Duration(ms) * time.Millisecond)); got != want {
			t.Errorf("due after %d ms: %v", ms, got)
		}
	}
	now = now.Add(30 * time.Millisecond)
	a.Record(2, now)
	a.Build(1, 2)
	a.Record(3, now.Add(10*time.Millisecond))
	if a.Due(now.Add(49*time.Millisecond)) || !a.Due(now.Add(50*time.Millisecond)) {
		t.Error("it is not 50 ms from one feedback to the next")
	}
	a.Build(1, 2)
	for i := range many {
		if a.Due(now) {
			t.Fatalf("due after %d, while the clock stands still", i)
		}
		a.Record(uint16(4+i), now)
	}
	if !a.Due(now) {
		t.Errorf("%d packets have to wait", many)
	}
}

func TestStrangeClocks(t *testing.T) {
	var a Arrivals
	now := time.Now()
	a.Record(1, now)
	a.Record(2, now.Add(-time.Hour)) // before all time
	a.Record(3, now.Add(time.Millisecond))
	if got := read(t, a.Build(1, 2)); len(got) != 1 || len(got[0]) != 3 || !got[0][1].arrived || got[0][2].ticks != 260 {
		t.Errorf("got %v", got)
	}
	days := 20 * 24 * time.Hour // the reference time wraps after 12
	a.Record(4, now.Add(days))
	a.Record(5, now.Add(days+time.Second))
	got := a.Build(1, 2)
	said := read(t, got)
	if len(got) != 1 || got[0].ReferenceTime != uint32(days/(64*time.Millisecond)+1)%(1<<24) || len(said[0]) != 2 {
		t.Errorf("got %v, reference %d", said, got[0].ReferenceTime)
	}
}

func TestNewNumbering(t *testing.T) {
	var a Arrivals
	now := time.Now()
	for _, number := range []uint16{30000, 10000} { // the second is too old to be true
		a.Record(number, now)
	}
	if got := read(t, a.Build(1, 2)); len(got) != 1 || len(got[0]) != 1 || got[0][0].number != 30000 {
		t.Errorf("got %v", got)
	}
	a.Record(10001, now) // but so is a second one
	a.Record(10002, now)
	got := read(t, a.Build(1, 2))
	if len(got) != 1 || got[0][len(got[0])-1].number != 10002 {
		t.Fatalf("got %v", got)
	}
	arrived := 0
	for _, s := range got[0] {
		if s.arrived {
			arrived++
		}
	}
	if arrived != 2 {
		t.Errorf("%d arrived, of 2", arrived)
	}
}

// FuzzArrivals plays a script of arrivals and compares each feedback with all that has arrived.
func FuzzArrivals(f *testing.F) {
	f.Add(uint16(0), []byte("the clock stands still"))
	f.Add(uint16(65530), bytes.Repeat([]byte{0, 4 | 16, 1 | 24, 0, 2 | 40, 5}, 30))
	f.Add(uint16(9), bytes.Repeat([]byte{0, 4 | 0xf8, 0, 0, 3 | 40, 0, 2 | 0xf8}, 30))
	f.Add(uint16(9), append(bytes.Repeat([]byte{1 | 0xf8, 4 | 0xf8, 2 | 0xf0}, 100), 5))
	f.Add(uint16(500), append(bytes.Repeat([]byte{0, 6 | 0xf0, 4 | 0xf8}, 20), 5))
	f.Fuzz(func(t *testing.T, start uint16, script []byte) {
		script = script[:min(len(script), 500)]
		var a Arrivals
		epoch := time.Unix(1000, 0)
		now, highest, next := epoch, int64(start), int64(start)
		ticks := map[int64]int64{} // when what has arrived did
		record := func(number int64) {
			a.Record(uint16(number), now)
			if _, there := ticks[number]; !there && number > highest-reported {
				ticks[number] = max(1, referenceTick+int64(now.Sub(epoch)/tick))
				next = min(next, number)
			}
			highest = max(highest, number)
			next = max(next, highest-reported+1)
		}
		build := func() {
			for i, said := range read(t, a.Build(1, 2)) {
				for _, s := range said {
					if s.number != uint16(next) {
						t.Fatalf("packet %d says %d where %d is due", i, s.number, next)
					}
					at, arrived := ticks[next]
					if arrived != s.arrived || arrived && at%(1<<32) != s.ticks {
						t.Fatalf("says %+v of %d, which arrived: %v, at %d", s, next, arrived, at)
					}
					next++
				}
			}
			if next <= highest && len(ticks) > 0 {
				t.Fatalf("%d is not said, of %d", next, highest)
			}
		}
		record(highest)
		for _, b := range script {
			argument := int64(b >> 3)
			switch b & 7 {
			case 0:
				record(highest + 1)
			case 1:
				record(highest + 1 + argument*argument*2)
			case 2:
				record(highest - argument)
			case 3:
				record(highest - argument*60)
			case 4:
				now = now.Add(time.Duration(argument*argument*argument) * time.Millisecond / 3)
			case 5:
				build()
			case 6:
				now = now.Add(-time.Duration(argument*argument) * time.Millisecond)
			case 7:
				for range argument * 8 {
					record(highest + 1)
				}
			}
		}
		build()
	})
}

func TestRecordAllocatesNothing(t *testing.T) {
	var a Arrivals
	now, number := time.Now(), uint16(0)
	a.Record(number, now)
	allocations := testing.AllocsPerRun(10_000, func() {
		number += 1 + number%3
		now = now.Add(time.Millisecond)
		a.Record(number, now)
		a.Record(number-1, now)
		a.Due(now)
	})
	if allocations != 0 {
		t.Errorf("%v allocations per packet", allocations)
	}
}

func BenchmarkRecord(b *testing.B) {
	var a Arrivals
	now, number := time.Now(), uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		a.Record(number, now)
		number++
	}
}

// BenchmarkBuild is 50 ms of 1000 packets per second, a tenth lost.
func BenchmarkBuild(b *testing.B) {
	var a Arrivals
	now, number, random := time.Now(), uint16(0), rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		for range 50 {
			now = now.Add(time.Millisecond)
			if random.IntN(10) > 0 {
				a.Record(number, now)
			}
			number++
		}
		for _, packet := range a.Build(1, 2) {
			if _, err := packet.Marshal(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
