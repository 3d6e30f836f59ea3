package feedback

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

const rate = 90_000

// receive hands in packets with these numbers, all at once.
func receive(s *Source, now time.Time, sequences ...int) (fresh []bool) {
	for _, sequence := range sequences {
		fresh = append(fresh, s.Receive(uint16(sequence), 0, now))
	}
	return fresh
}

func TestNothingReceived(t *testing.T) {
	s, now := NewSource(7, rate), time.Now()
	if got, want := s.Report(now), (rtcp.ReceptionReport{SSRC: 7}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := s.Nacks(now, 0, nil); len(got) != 0 {
		t.Errorf("asks for %v", got)
	}
}

func TestFresh(t *testing.T) {
	const yes, no = true, false
	for name, test := range map[string]struct {
		sequences []int
		want      []bool
		highest   uint32
		lost      uint32
	}{
		"in order":          {[]int{1, 2, 3}, []bool{yes, yes, yes}, 3, 0},
		"duplicates":        {[]int{1, 1, 2, 1, 2}, []bool{yes, no, yes, no, no}, 2, 0},
		"loss":              {[]int{1, 4}, []bool{yes, yes}, 4, 2},
		"late":              {[]int{1, 4, 2, 3, 2}, []bool{yes, yes, yes, yes, no}, 4, 0},
		"before the first":  {[]int{1, 65535, 0, 65535}, []bool{yes, yes, yes, no}, 1, 0},
		"wraparound":        {[]int{65534, 65535, 0, 1, 65535}, []bool{yes, yes, yes, yes, no}, 65537, 0},
		"wraparound, loss":  {[]int{65534, 1}, []bool{yes, yes}, 65537, 2},
		"as late as can be": {[]int{0, 2000, 4095, 1, 0}, []bool{yes, yes, yes, yes, no}, 4095, 4092},
		"too late":          {[]int{0, 2000, 4096, 0, 1}, []bool{yes, yes, yes, no, yes}, 4096, 4093},
		"largest dropout":   {[]int{0, 3001}, []bool{yes, yes}, 3001, 3000},
		"a jump is no loss": {[]int{0, 3002}, []bool{yes, yes}, 3002, 0},
		"late after a jump": {[]int{0, 3002, 1, 0}, []bool{yes, yes, yes, no}, 3002, 0},
		"a jump of nearly half": {
			[]int{10, 10 + 32767, 11 + 32767}, []bool{yes, yes, yes}, 11 + 32767, 0,
		},
		"half needs a second": {[]int{10, 10 + 32768, 11 + 32768}, []bool{yes, no, yes}, 11 + 32768, 0},
		"back needs a second, and gets new cycle": {
			[]int{20000, 100, 101, 102, 20000 - 1}, []bool{yes, no, yes, yes, yes}, 65536 + 19999, 0,
		},
		"one stray from long ago": {
			[]int{20000, 100, 20001, 101, 20002}, []bool{yes, no, yes, no, yes}, 20002, 0,
		},
		"the same stray again": {[]int{20000, 100, 100, 100}, []bool{yes, no, no, no}, 20000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := NewSource(1, rate), time.Now()
			for i, got := range receive(s, now, test.sequences...) {
				if got != test.want[i] {
					t.Errorf("packet %d of %v: fresh is %v", i, test.sequences, got)
				}
			}
			report := s.Report(now)
			if report.LastSequenceNumber != test.highest || report.TotalLost != test.lost {
				t.Errorf("highest %d, lost %d, want %d, %d",
					report.LastSequenceNumber, report.TotalLost, test.highest, test.lost)
			}
		})
	}
}

func TestRecovered(t *testing.T) {
	s, now := NewSource(1, rate), time.Now()
	receive(s, now, 10, 13, 14)
	for i, step := range []struct {
		sequence int
		want     bool
	}{
		{11, true}, {11, false}, {10, false}, {13, false},
		{16, true},        // overtakes the original, and 15
		{16 + 501, true},  // as far ahead as that may be
		{1019, false},     // one further
		{30000, false},    // from nowhere
		{40000, false},    // and back
		{40001, false},    // which is no new numbering, even with a second
		{65536 - 9, true}, // before the first
	} {
		if got := s.Recovered(uint16(step.sequence)); got != step.want {
			t.Errorf("step %d: Recovered(%d) is %v", i, step.sequence, got)
		}
	}
	if fresh := receive(s, now, 11, 16, 12, 12); fresh[0] || fresh[1] || !fresh[2] || fresh[3] {
		t.Errorf("originals of 11 and 16 that were recovered, 12 and 12 again: %v", fresh)
	}
	report := s.Report(now) // 10 to 517 expected; 10, 12, 13, 14 came
	if report.LastSequenceNumber != 517 || report.TotalLost != 508-4 {
		t.Errorf("highest %d, lost %d", report.LastSequenceNumber, report.TotalLost)
	}

	first := NewSource(1, rate)
	if !first.Recovered(100) || first.Receive(100, 0, now) || !first.Receive(101, 0, now) {
		t.Error("a stream that begins with a retransmission is not taken up")
	}
	if report := first.Report(now); report.TotalLost != 1 || report.LastSequenceNumber != 101 {
		t.Errorf("%+v", report)
	}
}

func TestFractionLost(t *testing.T) {
	s, now := NewSource(1, rate), time.Now()
	for i := range 100 {
		if i%4 != 1 {
			receive(s, now, i)
		}
	}
	if got := s.Report(now); got.FractionLost != 64 || got.TotalLost != 25 {
		t.Errorf("a quarter lost: fraction %d of 256, %d in all", got.FractionLost, got.TotalLost)
	}
	if got := s.Report(now); got.FractionLost != 0 || got.TotalLost != 25 {
		t.Errorf("nothing since: fraction %d of 256, %d in all", got.FractionLost, got.TotalLost)
	}
	receive(s, now, 97, 100) // the late one makes up for it, so that none is lost in this interval
	if got := s.Report(now); got.FractionLost != 0 || got.TotalLost != 24 {
		t.Errorf("one late: fraction %d of 256, %d in all", got.FractionLost, got.TotalLost)
	}
	receive(s, now, 100+3000)
	if got := s.Report(now); got.FractionLost != 255 {
		t.Errorf("2999 of 3000 lost: fraction %d of 256", got.FractionLost)
	}
	sequence := 3100
	for range 3000 { // 9 millions
		sequence += 3000
		receive(s, now, sequence)
	}
	if got := s.Report(now); got.TotalLost != 1<<23-1 {
		t.Errorf("%d lost in all, want what 24 bits hold", got.TotalLost)
	} else if _, err := (&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{got}}).Marshal(); err != nil {
		t.Error(err)
	}
}

func TestJitter(t *testing.T) {
	start := time.Now()
	s := NewSource(1, rate)
	want, previous := 0.0, 0.0
	timestamp := uint32(math.MaxUint32 - 5000) // wraps
	for i := range 500 {
		late := time.Duration(i*7919%13) * time.Millisecond
		at := time.Duration(i)*33*time.Millisecond + late
		s.Receive(uint16(i), timestamp, start.Add(at))
		transit := at.Seconds()*rate - float64(i)*33*rate/1000
		if i > 0 {
			want += (math.Abs(transit-previous) - want) / 16
		}
		previous = transit
		timestamp += 33 * rate / 1000
	}
	if got := float64(s.Report(start).Jitter); math.Abs(got-want) > 2 {
		t.Errorf("jitter %v, want %v", got, want)
	}
	before := s.Report(start).Jitter
	s.Receive(500, timestamp+1<<30, start.Add(500*33*time.Millisecond))
	if got := s.Report(start).Jitter; got != before {
		t.Errorf("a clock that was set makes the jitter %d, from %d", got, before)
	}
	still := NewSource(1, rate)
	for i := range 1000 {
		still.Receive(uint16(i), uint32(i)*3000, start)
	}
	if got := still.Report(start).Jitter; got < 2900 || got > 3000 {
		t.Errorf("jitter %d, while the clock stands still between frames 3000 apart", got)
	}
	NewSource(1, 0).Receive(1, 1, start)
}

func TestSenderReport(t *testing.T) {
	s, now := NewSource(1, rate), time.Now()
	s.SenderReport(0x1111_2222_3333_4444, now)
	for name, test := range map[string]struct {
		after time.Duration
		delay uint32
	}{
		"at once":            {0, 0},
		"half a second":      {500 * time.Millisecond, 32768},
		"a minute":           {time.Minute, 60 * 65536},
		"longer than fits":   {24 * time.Hour, math.MaxUint32},
		"a clock gone back":  {-time.Second, 0},
		"a year, and longer": {10_000 * time.Hour, math.MaxUint32},
	} {
		got := s.Report(now.Add(test.after))
		if got.LastSenderReport != 0x2222_3333 || got.Delay != test.delay {
			t.Errorf("%s: %x, %d, want 22223333, %d", name, got.LastSenderReport, got.Delay, test.delay)
		}
	}
}

func TestSourceAllocatesNothing(t *testing.T) {
	s, now, i := NewSource(1, rate), time.Now(), 0
	into := make([]rtcp.NackPair, 0, maxPairs)
	asked := 0
	packet := func() {
		now = now.Add(time.Millisecond)
		if i%10 != 3 {
			s.Receive(uint16(i), uint32(i)*90, now)
		}
		if i%40 == 5 {
			s.Recovered(uint16(i - 2))
		}
		asked += len(s.Nacks(now, 50*time.Millisecond, into))
		i++
	}
	for range 2000 {
		packet()
	}
	allocations := testing.AllocsPerRun(10_000, packet)
	if allocations != 0 || asked == 0 {
		t.Errorf("%v allocations per packet, %d asked for", allocations, asked)
	}
}

func BenchmarkSource(b *testing.B) {
	for name, lose := range map[string]int{"no loss": math.MaxInt, "10 percent lost": 10} {
		b.Run(name, func(b *testing.B) {
			s, now, i := NewSource(1, rate), time.Now(), 0
			into := make([]rtcp.NackPair, 0, maxPairs)
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Millisecond)
				if i++; i%lose != 0 {
					s.Receive(uint16(i), uint32(i)*90, now)
				}
				s.Nacks(now, 50*time.Millisecond, into)
			}
		})
	}
}
