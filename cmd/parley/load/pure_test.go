package load

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
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
