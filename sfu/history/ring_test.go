package history

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// payload is something that tells which it is.
func payload(id, size int) []byte {
	b := bytes.Repeat([]byte{byte(id)}, max(size, 8))
	binary.BigEndian.PutUint64(b, uint64(id))
	return b
}

func expect(t *testing.T, r *Ring, sequence uint16, want []byte) {
	t.Helper()
	got, ok := r.Get(sequence)
	if ok != (want != nil) || !bytes.Equal(got, want) {
		t.Errorf("Get(%d) = %.8x of %d, %v, want %.8x of %d", sequence, got, len(got), ok, want, len(want))
	}
}

func TestZeroValue(t *testing.T) {
	var r Ring
	now := time.Now()
	expect(t, &r, 0, nil)
	expect(t, &r, 7, nil)
	if r.Bytes() != 0 {
		t.Errorf("%d bytes before the first packet", r.Bytes())
	}
	r.Add(7, payload(7, 100), now)
	expect(t, &r, 7, payload(7, 100))
	expect(t, &r, 6, nil)
	expect(t, &r, 8, nil)
	if got := r.Bytes(); got < 100 || got > 16<<10 {
		t.Errorf("%d bytes for one packet", got)
	}
	for i := 8; i < 2008; i++ { // a second of 2000 packets, 240 kB
		now = now.Add(500 * time.Microsecond)
		r.Add(uint16(i), payload(i, 120), now)
	}
	for i := 8; i < 2008; i++ {
		expect(t, &r, uint16(i), payload(i, 120))
	}
}

func TestNumbers(t *testing.T) {
	type add struct{ sequence, id int } // id 0: the sequence number
	for name, test := range map[string]struct {
		adds []add
		have map[int]int // sequence -> id
		lack []int
	}{
		"wraparound": {
			adds: []add{{65534, 0}, {65535, 0}, {0, 10}, {1, 0}},
			have: map[int]int{65534: 65534, 65535: 65535, 0: 10, 1: 1},
			lack: []int{65533, 2},
		},
		"loss":         {adds: []add{{1, 0}, {3, 0}}, have: map[int]int{1: 1, 3: 3}, lack: []int{2}},
		"late":         {adds: []add{{1, 0}, {3, 0}, {2, 0}}, have: map[int]int{1: 1, 2: 2, 3: 3}},
		"before first": {adds: []add{{0, 5}, {65535, 0}}, have: map[int]int{0: 5, 65535: 65535}},
		"the same":     {adds: []add{{1, 10}, {1, 11}, {2, 0}, {1, 12}}, have: map[int]int{1: 10, 2: 2}},
		"gap of 1000":  {adds: []add{{1, 0}, {1001, 0}}, have: map[int]int{1: 1, 1001: 1001}, lack: []int{2, 500, 1000}},
		"same slot":    {adds: []add{{1, 0}, {65, 0}}, have: map[int]int{65: 65}, lack: []int{1}},
		"late, and gone": {
			adds: []add{{65, 0}, {1, 0}}, have: map[int]int{65: 65}, lack: []int{1},
		},
		"back beyond any reordering": {
			adds: []add{{20000, 0}, {20001, 0}, {100, 0}}, have: map[int]int{100: 100}, lack: []int{20000, 20001, 101},
		},
		"back to a number that was there": {
			adds: []add{{1000, 0}, {20000, 0}, {999, 0}, {1000, 7}, {1001, 0}},
			have: map[int]int{999: 999, 1000: 7, 1001: 1001}, lack: []int{20000},
		},
		"back from the newest, not from a late one": {
			adds: []add{{10000, 0}, {5905, 0}, {1810, 0}}, have: map[int]int{1810: 1810}, lack: []int{10000, 5905},
		},
		"ahead by more than half": {
			adds: []add{{1, 0}, {2, 0}, {40000, 0}}, have: map[int]int{40000: 40000}, lack: []int{3, 39999, 40001},
		},
		"all the way round by jumps": {
			adds: []add{{1, 0}, {30000, 0}, {60000, 0}, {10, 0}},
			have: map[int]int{10: 10, 60000: 60000}, lack: []int{1, 9, 11},
		},
		"exactly half": {adds: []add{{1, 0}, {32769, 0}}, have: map[int]int{32769: 32769}, lack: []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			r, now := New(time.Second, 1<<20), time.Now()
			for _, a := range test.adds {
				r.Add(uint16(a.sequence), payload(cmp.Or(a.id, a.sequence), 20), now)
			}
			for sequence, id := range test.have {
				expect(t, r, uint16(sequence), payload(id, 20))
			}
			for _, sequence := range test.lack {
				expect(t, r, uint16(sequence), nil)
			}
		})
	}
}

func TestKeepsWhatIsYoungAndNoMore(t *testing.T) {
	const interval = time.Millisecond
	r, now := New(200*time.Millisecond, 1<<20), time.Now()
	for i := range 100_000 {
		now = now.Add(interval)
		r.Add(uint16(i), payload(i, 1000+i%200), now)
		if back := i - 199; back >= 0 {
			if got, ok := r.Get(uint16(back)); !ok || !bytes.Equal(got, payload(back, 1000+back%200)) {
				t.Fatalf("packet %d of 199 ms before %d is gone", back, i)
			}
		}
	}
	// 200 packets of 1100 bytes: the next power of two, and as much again for what does not fit around the end.
	if got := r.Bytes(); got > 600<<10 {
		t.Errorf("%d bytes held for 220 kB", got)
	}
}

func TestCeiling(t *testing.T) {
	for _, ceiling := range []int{1, 100, 1000, 5000, 20_000, 100_000} {
		r, now := New(time.Hour, ceiling), time.Now()
		for i := range 3000 {
			size := 20 + i*37%1400
			r.Add(uint16(i), payload(i, size), now) // the clock stands still
			if r.Bytes() > ceiling {
				t.Fatalf("%d bytes held, %d allowed", r.Bytes(), ceiling)
			}
			if got, ok := r.Get(uint16(i)); ok && !bytes.Equal(got, payload(i, size)) || !ok && size < ceiling/2 {
				t.Fatalf("ceiling %d: packet %d of %d bytes, just added: %v", ceiling, i, size, ok)
			}
			for back := range min(i, 60) {
				got, ok := r.Get(uint16(i - back))
				if ok && !bytes.Equal(got, payload(i-back, 20+(i-back)*37%1400)) {
					t.Fatalf("ceiling %d: packet %d is overwritten in part by one up to %d", ceiling, i-back, i)
				}
			}
		}
	}
}

// TestManySmall has more room for bytes than for records.
func TestManySmall(t *testing.T) {
	r, now := New(50*time.Millisecond, 1<<20), time.Now()
	for i := range 5000 {
		now = now.Add(time.Millisecond)
		r.Add(uint16(i), payload(i, 8+i%9), now)
		for back := range min(i, 200) {
			got, ok := r.Get(uint16(i - back))
			if ok && !bytes.Equal(got, payload(i-back, 8+(i-back)%9)) || !ok && back < 50 {
				t.Fatalf("packet %d, %d ms after it, is %x, %v", i-back, back, got, ok)
			}
		}
	}
	if got := r.Bytes(); got > 8<<10 {
		t.Errorf("%d bytes held for 50 packets of 12", got)
	}
}

func TestWhatIsTooLargeCostsNothing(t *testing.T) {
	r, now := New(time.Second, 10_000), time.Now()
	for i := range 5 {
		r.Add(uint16(i), payload(i, 1000), now)
	}
	r.Add(5, payload(5, 20_000), now)
	expect(t, r, 5, nil)
	for i := range 5 {
		expect(t, r, uint16(i), payload(i, 1000))
	}
	var none Ring
	none.Add(1, nil, now)
	if got, ok := none.Get(1); !ok || len(got) != 0 {
		t.Errorf("an empty payload comes back as %v, %v", got, ok)
	}
}

func TestHostileStrideTakesNoMemory(t *testing.T) {
	r, now := New(time.Second, 1<<20), time.Now()
	for i := range 10_000 { // every packet would have the same slot; 15 in a second
		now = now.Add(time.Second / 15)
		r.Add(uint16(i*1024), payload(i, 100), now)
	}
	if got := r.Bytes(); got > 32<<10 {
		t.Errorf("%d bytes held for 15 packets", got)
	}
}

// model is a naive history: everything that was added, by its 16-bit number.
type model struct {
	newest int64
	last   map[uint16]*entry
}

type entry struct {
	number   int64
	payloads [][]byte
	added    time.Time
	since    int // jumps before it
}

func (m *model) add(number int64, p []byte, now time.Time, jumps int) {
	e := m.last[uint16(number)]
	if e == nil || e.number != number {
		e = &entry{number: number, added: now, since: jumps}
		m.last[uint16(number)] = e
	}
	e.payloads = append(e.payloads, p)
	m.newest = max(m.newest, number)
}

// check compares a number: what is returned must be what was added last under it, and what is young must be there.
func (m *model) check(t *testing.T, r *Ring, sequence uint16, complete func(*entry) bool) {
	t.Helper()
	got, ok := r.Get(sequence)
	e := m.last[sequence]
	if !ok {
		if e != nil && complete(e) {
			t.Fatalf("number %d, added %d before the newest, is gone", e.number, m.newest-e.number)
		}
		return
	}
	if e == nil || e.number <= m.newest-1<<15-1 {
		t.Fatalf("Get(%d) returns %.8x, which was never added, or long ago", sequence, got)
	}
	for i, p := range e.payloads {
		if bytes.Equal(got, p) {
			if i > 0 && complete(e) {
				t.Fatalf("Get(%d) returns what came %d. under the number", sequence, i+1)
			}
			return
		}
	}
	t.Fatalf("Get(%d) returns %.8x, which is something else", sequence, got)
}

func FuzzRing(f *testing.F) {
	f.Add(uint16(0), uint16(60000), []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"))
	f.Add(uint16(65530), uint16(900), bytes.Repeat([]byte{0, 16, 32, 1, 2, 5, 3}, 40))
	f.Add(uint16(1), uint16(0), bytes.Repeat([]byte{0, 240, 32, 4, 2, 0}, 60))
	f.Add(uint16(9), uint16(5), bytes.Repeat([]byte{6, 255, 0, 0, 7, 129, 7, 0}, 30))
	f.Fuzz(func(t *testing.T, start, ceiling uint16, script []byte) {
		const keep = 100 * time.Millisecond
		large, small := New(keep, 64<<20), New(keep, int(ceiling))
		now, jumps, id := time.Unix(0, 0), 0, 0
		m := model{newest: int64(start), last: map[uint16]*entry{}}
		latest := now
		complete := func(e *entry) bool { return e.since == jumps && latest.Sub(e.added) < keep }
		never := func(*entry) bool { return false }
		add := func(number int64, size int) {
			id++
			p := payload(id, size)
			m.add(number, p, now, jumps)
			large.Add(uint16(number), p, now)
			small.Add(uint16(number), p, now)
		}
		add(m.newest, 10)
		for _, b := range script {
			argument := int64(b >> 3)
			switch b & 7 {
			case 0, 1, 2: // on, maybe with a gap
				add(m.newest+1+int64(b&7), int(argument)*40)
			case 3: // late
				if late := m.newest - argument%16; jumps == 0 && late >= int64(start) {
					add(late, int(argument))
				}
			case 4:
				now = now.Add(time.Duration(argument) * time.Millisecond)
			case 5: // the clock goes back
				now = now.Add(-time.Duration(argument) * 100 * time.Microsecond)
			case 6: // a jump ahead
				jumps++
				add(m.newest+1000*(argument+1)/2, 100)
			case 7: // a jump back, which is a new numbering
				jumps++
				add(m.newest+1<<16-maxMisorder-argument*900, 100)
			}
			if now.After(latest) {
				latest = now
			}
			for back := range int64(100) {
				m.check(t, large, uint16(m.newest-back), complete)
				m.check(t, small, uint16(m.newest-back), never)
			}
			m.check(t, large, uint16(m.newest+1+argument), complete)
			m.check(t, large, uint16(argument)<<11|uint16(id), never)
			if small.Bytes() > max(int(ceiling), 1) && ceiling > 0 {
				t.Fatalf("%d bytes held, %d allowed", small.Bytes(), ceiling)
			}
		}
	})
}

// TestAgainstModel runs the model for longer than fuzzing does, over several wraparounds.
func TestAgainstModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const keep = 50 * time.Millisecond
	r, now := New(keep, 8<<20), time.Now()
	m := model{newest: 60000, last: map[uint16]*entry{}}
	complete := func(e *entry) bool { return now.Sub(e.added) < keep }
	for i := range 150_000 {
		now = now.Add(time.Duration(random.IntN(400)) * time.Microsecond)
		number := m.newest + 1 + int64(random.IntN(2))
		if i > 100 && random.IntN(10) == 0 {
			number = m.newest - int64(random.IntN(20))
		}
		p := payload(i, random.IntN(1400))
		m.add(number, p, now, 0)
		r.Add(uint16(number), p, now)
		for range 3 {
			m.check(t, r, uint16(m.newest-int64(random.IntN(300))), complete)
		}
		m.check(t, r, uint16(random.IntN(1<<16)), complete)
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	r, now, i := New(100*time.Millisecond, 1<<20), time.Now(), 0
	p := make([]byte, 1400)
	add := func() {
		now = now.Add(time.Millisecond)
		r.Add(uint16(i), p[:600+i*97%800], now)
		if _, ok := r.Get(uint16(i - 5)); !ok && i > 5 {
			t.Fatal("gone")
		}
		i++
	}
	for range 1000 {
		add()
	}
	if allocations := testing.AllocsPerRun(100_000, add); allocations != 0 {
		t.Errorf("%v allocations per packet", allocations)
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, size := range []int{100, 1200} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r, now := New(500*time.Millisecond, 1<<20), time.Now()
			p := make([]byte, size)
			sequence := uint16(0)
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Millisecond)
				r.Add(sequence, p, now)
				sequence++
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	r, now := New(500*time.Millisecond, 1<<20), time.Now()
	for i := range 1000 {
		r.Add(uint16(i), make([]byte, 1000), now)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := r.Get(990); !ok {
			b.Fatal("gone")
		}
	}
}
