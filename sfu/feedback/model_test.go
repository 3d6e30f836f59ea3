package feedback

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// model is a naive Source, which is told the numbers without their wraparound.
type model struct {
	there         map[int64]bool
	holes         map[int64]*modelHole
	highest       int64
	first         int64
	expected, got int
}

type modelHole struct {
	since time.Time
	newer int // packets that came after it was missed and were newer than all
	asks  int
	again time.Time
}

func newModel(first int64) *model {
	return &model{
		there: map[int64]bool{first: true}, holes: map[int64]*modelHole{},
		highest: first, first: first, expected: 1, got: 1,
	}
}

// take says whether a number is fresh.
func (m *model) take(number int64, now time.Time, original bool) bool {
	if number <= m.highest-window || m.there[number] || !original && number > m.highest+501 {
		return false
	}
	m.there[number] = true
	delete(m.holes, number)
	if original {
		m.got++
	}
	if number < m.first && original {
		m.expected++
	}
	if number < m.highest {
		return true
	}
	for _, hole := range m.holes {
		hole.newer++
	}
	gap := number - m.highest - 1
	if gap > maxDropout {
		m.expected++
		m.first = number
		clear(m.holes)
	} else {
		m.expected += int(gap) + 1
	}
	if gap <= maxGap {
		for missing := m.highest + 1; missing < number; missing++ {
			m.holes[missing] = &modelHole{since: now, newer: 1}
		}
	}
	m.highest = number
	if over := len(m.holes) - maxGap; over > 0 {
		for _, oldest := range slices.Sorted(maps.Keys(m.holes))[:over] {
			delete(m.holes, oldest)
		}
	}
	maps.DeleteFunc(m.holes, func(number int64, _ *modelHole) bool { return number <= m.highest-window })
	return true
}

// asks says for which numbers to ask now, in order.
func (m *model) asks(now time.Time, rtt time.Duration) []int {
	var due []int
	for _, number := range slices.Sorted(maps.Keys(m.holes)) {
		hole := m.holes[number]
		age := now.Sub(hole.since)
		if age > time.Second {
			delete(m.holes, number)
			continue
		}
		if hole.asks == 0 && hole.newer < 2 && age < 10*time.Millisecond || hole.asks > 0 && now.Before(hole.again) {
			continue
		}
		wait := min(max(rtt, 20*time.Millisecond), time.Second)
		for range min(hole.asks, 3) {
			wait *= 2
		}
		hole.again = now.Add(wait)
		hole.asks++
		due = append(due, int(uint16(number)))
		if hole.asks == 8 {
			delete(m.holes, number)
		}
	}
	return due
}

// FuzzSource plays a stream with loss, reordering, duplicates, jumps and retransmissions, as the script says.
func FuzzSource(f *testing.F) {
	f.Add(uint16(0), []byte("the clock stands still"))
	f.Add(uint16(65530), bytes.Repeat([]byte{0, 9, 5 | 80, 6 | 24, 0, 2 | 40}, 30))
	f.Add(uint16(100), bytes.Repeat([]byte{1 | 0xf8, 5 | 32, 6 | 200, 4 | 16, 3 | 64, 0, 0, 6}, 40))
	f.Add(uint16(40000), bytes.Repeat([]byte{7 | 0xf8, 0, 2 | 96, 7 | 128, 2 | 0xf8, 7, 6, 5 | 0xf0, 6}, 20))
	f.Add(uint16(9), bytes.Repeat([]byte{1 | 0xf0, 1 | 0xf0, 0, 6}, 50))
	f.Add(uint16(40154), []byte("b\x87\xfa\t\x06\xf5\x06mmmmm\x03\x06"))
	f.Fuzz(func(t *testing.T, start uint16, script []byte) {
		script = script[:min(len(script), 500)]
		now := time.Unix(1000, 0)
		told := now // what the source knows of the clock, which comes with originals and questions
		s, m := NewSource(1, rate), newModel(int64(start))
		s.Receive(start, 0, now)
		original := func(number int64) {
			told = now
			if got, want := s.Receive(uint16(number), 0, now), m.take(number, now, true); got != want {
				t.Fatalf("%d after %d: fresh is %v, want %v", number, m.highest, got, want)
			}
		}
		again := func(number int64) {
			if got, want := s.Recovered(uint16(number)), m.take(number, told, false); got != want {
				t.Fatalf("recovered %d after %d: fresh is %v, want %v", number, m.highest, got, want)
			}
		}
		for _, b := range script {
			argument := int64(b >> 3)
			switch b & 7 {
			case 0:
				original(m.highest + 1)
			case 1: // loss
				original(m.highest + 1 + argument*argument/2)
			case 2: // late, or a duplicate
				original(m.highest - argument)
			case 3:
				again(m.highest - argument + 2)
			case 4: // very late, maybe too late
				again(m.highest - argument*140)
			case 5:
				now = now.Add(time.Duration(argument*argument) * time.Millisecond / 4)
			case 6:
				told = now
				rtt := time.Duration(argument*10) * time.Millisecond
				want := m.asks(now, rtt)
				for rest := want; ; {
					pairs := s.Nacks(now, rtt, nil)
					got := asked(pairs)
					expected := rest[:min(len(got), len(rest))]
					if len(pairs) > maxPairs || (len(got) == 0) != (len(rest) == 0) || !slices.Equal(got, expected) {
						t.Fatalf("asks for %v, want %v", got, want)
					}
					if rest = rest[len(got):]; len(rest) == 0 {
						break
					}
				}
			case 7: // a jump
				original(m.highest + 1000*argument)
			}
			if s.highest != m.highest {
				t.Fatalf("highest is %d, want %d", s.highest, m.highest)
			}
		}
		report := s.Report(now)
		if want := uint32(max(m.expected-m.got, 0)); report.TotalLost != want {
			t.Fatalf("%d lost, want %d", report.TotalLost, want)
		}
	})
}

// TestAgainstModel goes over several wraparounds, with a tenth lost, late or recovered.
func TestAgainstModel(t *testing.T) {
	random, now := rand.New(rand.NewPCG(3, 4)), time.Now()
	s, m := NewSource(1, rate), newModel(65000)
	s.Receive(uint16(m.highest), 0, now)
	for range 100_000 {
		now = now.Add(time.Millisecond)
		number, original := m.highest+1, true
		switch random.IntN(10) {
		case 0:
			number += random.Int64N(3)
		case 1:
			number -= random.Int64N(10)
		case 2:
			number, original = number-random.Int64N(200), false
		case 3:
			number -= random.Int64N(window + 10)
		}
		want := m.take(number, now, original)
		got := original && s.Receive(uint16(number), 0, now) || !original && s.Recovered(uint16(number))
		if got != want {
			t.Fatalf("%d after %d: fresh is %v, want %v", number, m.highest, got, want)
		}
		delete(m.there, m.highest-2*window)
		const rtt = 60 * time.Millisecond
		if got, want := asked(s.Nacks(now, rtt, nil)), m.asks(now, rtt); !slices.Equal(got, want) {
			t.Fatalf("asks for %v, want %v", got, want)
		}
	}
	report := s.Report(now)
	if report.TotalLost != uint32(m.expected-m.got) || report.LastSequenceNumber != uint32(m.highest) {
		t.Errorf("%d lost up to %d, want %d up to %d",
			report.TotalLost, report.LastSequenceNumber, m.expected-m.got, m.highest)
	}
}
