package rewrite

import (
	"math/rand/v2"
	"testing"
)

// step is something done to Numbers. The value of a stretch is a letter.
type step struct {
	do   string // begin, next, drop, change, late, end, rewind
	in   uint16 // of rewind: the outgoing number
	from uint32 // the source of begin and late; 0: 1
	want int    // of next and late; -1: refused
	with byte   // value of begin, drop and change; of late what is expected, if it is not 0
}

func TestNumbers(t *testing.T) {
	for name, steps := range map[string][]step{
		"one source passes through": {
			{do: "begin", in: 100}, {do: "next", in: 100, want: 100}, {do: "next", in: 101, want: 101},
			{do: "next", in: 103, want: 103}, {do: "late", in: 102, want: 102}, {do: "late", in: 102, want: -1},
			{do: "late", in: 101, want: -1}, {do: "late", in: 99, want: -1},
		},
		"nothing before the first source": {{do: "late", in: 5, want: -1}},
		"a second source goes on": {
			{do: "begin", in: 100}, {do: "next", in: 100, want: 100}, {do: "next", in: 101, want: 101},
			{do: "begin", in: 7000, from: 2}, {do: "next", in: 7000, want: 102}, {do: "next", in: 7002, want: 104},
			{do: "late", in: 7001, from: 2, want: 103},
		},
		"late packets of the former source": {
			{do: "begin", in: 100, with: 'a'}, {do: "next", in: 100, want: 100}, {do: "next", in: 102, want: 102},
			{do: "begin", in: 50, from: 2, with: 'b'}, {do: "next", in: 50, want: 103},
			{do: "late", in: 101, want: 101, with: 'a'}, {do: "late", in: 103, want: -1},
		},
		"a dropped packet leaves no gap": {
			{do: "begin", in: 10}, {do: "next", in: 10, want: 10}, {do: "drop", in: 11}, {do: "drop", in: 12},
			{do: "next", in: 13, want: 11}, {do: "late", in: 12, want: -1}, {do: "late", in: 11, want: -1},
		},
		"loss before a dropped packet keeps its gap": {
			{do: "begin", in: 10, with: 'a'}, {do: "next", in: 10, want: 10}, {do: "drop", in: 13, with: 'b'},
			{do: "next", in: 14, want: 13}, {do: "late", in: 12, want: 12, with: 'a'}, {do: "late", in: 11, want: 11},
		},
		"a change holds from its number on": {
			{do: "begin", in: 10, with: 'a'}, {do: "next", in: 10, want: 10}, {do: "change", in: 12, with: 'b'},
			{do: "next", in: 13, want: 13}, {do: "late", in: 12, want: 12, with: 'b'},
			{do: "late", in: 11, want: 11, with: 'a'},
		},
		"across the wraparound": {
			{do: "begin", in: 65534}, {do: "next", in: 65534, want: 32766}, {do: "drop", in: 65535},
			{do: "next", in: 0, want: 32767}, {do: "next", in: 2, want: 32769}, {do: "late", in: 1, want: 32768},
		},
		"taken back": {
			{do: "begin", in: 10}, {do: "next", in: 10, want: 10}, {do: "next", in: 12, want: 12},
			{do: "next", in: 13, want: 13}, {do: "rewind", in: 12}, {do: "late", in: 11, want: 11},
			{do: "late", in: 12, want: -1}, {do: "late", in: 14, want: -1}, {do: "begin", in: 14},
			{do: "next", in: 14, want: 12}, {do: "late", in: 13, want: -1},
		},
		"taken back beyond a switch": {
			{do: "begin", in: 10}, {do: "next", in: 10, want: 10}, {do: "next", in: 12, want: 12},
			{do: "begin", in: 50, from: 2}, {do: "next", in: 50, want: 13}, {do: "rewind", in: 12},
			{do: "late", in: 11, want: 11}, {do: "late", in: 51, from: 2, want: -1}, {do: "begin", in: 60, from: 2},
			{do: "next", in: 60, want: 12}, {do: "late", in: 50, from: 2, want: -1},
		},
		"taken back what never went out": {
			{do: "begin", in: 10}, {do: "next", in: 10, want: 10}, {do: "rewind", in: 12}, {do: "begin", in: 11},
			{do: "next", in: 11, want: 11},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var n Numbers[byte]
			for i, step := range steps {
				source := max(step.from, 1)
				got := -1
				switch step.do {
				case "begin":
					n.Begin(source, step.in, step.with)
				case "next":
					got = int(n.Next(step.in))
				case "drop":
					*n.Drop(step.in) = step.with
				case "change":
					n.Change(step.in, step.with)
				case "rewind":
					n.Rewind(step.in)
				case "late":
					out, value, ok := n.Late(source, step.in)
					if ok {
						got = int(out)
						n.Sent(out)
						if step.with != 0 && *value != step.with {
							t.Fatalf("step %d: %c, want %c", i, *value, step.with)
						}
					}
				}
				if (step.do == "next" || step.do == "late") && got != step.want {
					t.Fatalf("step %d, %s(%d): %d, want %d", i, step.do, step.in, got, step.want)
				}
			}
		})
	}
}

// history maps numbers by remembering each of them. Its numbers never wrap around.
type history struct {
	source  uint32
	highest int
	last    int
	value   int
	started bool
	open    bool
	missing map[slot]place // numbers that may come late
	changes int
}

type slot struct {
	source uint32
	in     int
}

type place struct{ out, value, changes int }

// skip notes what is missing before in.
func (h *history) skip(in int) {
	for missing := h.highest + 1; missing < in; missing++ {
		h.last++
		h.missing[slot{h.source, missing}] = place{h.last, h.value, h.changes}
	}
	h.highest = in
}

// TestAgainstHistory does at random what a selector may do.
func TestAgainstHistory(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 1))
		againstHistory(t, 4000, random.IntN)
	}
}

func FuzzNumbers(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add([]byte{0, 9, 9, 9, 2, 9, 9, 1, 9, 3, 9, 8, 4, 8, 7, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		steps := len(data)
		againstHistory(t, steps, func(n int) int {
			if len(data) == 0 {
				return n - 1
			}
			choice := int(data[0]) % n
			data = data[1:]
			return choice
		})
	})
}

func againstHistory(t *testing.T, steps int, choose func(n int) int) {
	t.Helper()
	var n Numbers[int]
	h := &history{missing: make(map[slot]place)}
	in := [3]int{choose(256) << 8, choose(256) << 8, choose(256) << 8} // next number of each source
	for range steps {
		in[h.source%3] += choose(8) / 6 // lost
		number := in[h.source%3]
		switch choice := choose(32); {
		case choice == 0 || !h.open:
			h.source = uint32(choose(3))
			number = in[h.source]
			h.value++
			n.Begin(h.source, uint16(number), h.value)
			if !h.started {
				h.last = number&0x7fff - 1
			}
			h.started, h.open, h.highest = true, true, number-1
			h.changes++
			h.next(t, &n, number)
		case choice == 1:
			n.End()
			h.open = false
		case choice == 2: // what is missing before is of the former value
			h.skip(number)
			h.highest--
			h.value, h.changes = h.value+1, h.changes+1
			n.Change(uint16(number), h.value)
			h.next(t, &n, number)
		case choice < 8:
			h.skip(number)
			h.changes++
			*n.Drop(uint16(number)) = h.value
			if n.Last() != uint16(h.last) {
				t.Fatalf("last is %d after a drop, want %d", n.Last(), uint16(h.last))
			}
		case choice < 12:
			h.late(t, &n, slot{uint32(choose(3)), number - 1 - choose(40)})
			continue
		case choice == 12 && h.open:
			h.rewind(&n, h.last+1-choose(20))
		default:
			h.next(t, &n, number)
		}
		in[h.source%3] = number + 1
	}
}

func (h *history) next(t *testing.T, n *Numbers[int], in int) {
	t.Helper()
	if !n.Ahead(uint16(in)) {
		t.Fatalf("%d is not ahead of %d", in, h.highest)
	}
	h.skip(in)
	h.last++
	if out := n.Next(uint16(in)); out != uint16(h.last) {
		t.Fatalf("next(%d) = %d, want %d", in, out, uint16(h.last))
	}
}

func (h *history) late(t *testing.T, n *Numbers[int], s slot) {
	t.Helper()
	out, value, ok := n.Late(s.source, uint16(s.in))
	want, known := h.missing[s]
	if !ok && known && h.changes-want.changes < stretches/4 && h.last-want.out < window {
		t.Fatalf("late %+v is refused, want %d", s, uint16(want.out))
	}
	if ok && (!known || out != uint16(want.out) || *value != want.value) {
		t.Fatalf("late %+v = %d, %d, want %+v, %v", s, out, *value, want, known)
	}
	if ok {
		n.Sent(out)
		delete(h.missing, s)
	}
}

func (h *history) rewind(n *Numbers[int], out int) {
	n.Rewind(uint16(out))
	h.open = false
	h.changes++
	for s, p := range h.missing {
		if p.out >= out {
			delete(h.missing, s)
		}
	}
	h.last = min(h.last, out-1)
}

// TestNumbersForLong goes round many times, with few and many changes.
func TestNumbersForLong(t *testing.T) {
	for _, every := range []int{0, 2, 100, 9000, 40000} {
		var n Numbers[int]
		n.Begin(1, 1000, 0)
		out := 999
		for in := 1000; in < 400_000; in++ {
			switch {
			case every > 0 && in%every == 1:
				n.Drop(uint16(in))
				continue
			case in%777 == 5: // late
				out++
				continue
			}
			out++
			if got := n.Next(uint16(in)); got != uint16(out) {
				t.Fatalf("every %d: %d is %d, want %d", every, in, got, uint16(out))
			}
			if in%777 != 6 || every > 0 && (in-1)%every == 1 {
				continue
			}
			if got, _, ok := n.Late(1, uint16(in-1)); !ok || got != uint16(out-1) {
				t.Fatalf("every %d: late %d is %d, %v, want %d", every, in-1, got, ok, uint16(out-1))
			}
		}
	}
}

// TestNumbersLeap has the largest gaps.
func TestNumbersLeap(t *testing.T) {
	for gap := 1; gap < 1<<15; gap += 97 {
		var n Numbers[int]
		n.Begin(1, 0, 0)
		at := 0
		for range maxStretch - 1 {
			n.Next(uint16(at))
			at++
		}
		at += gap - 1
		if out := n.Next(uint16(at)); out != uint16(at) {
			t.Fatalf("after a gap of %d: %d, want %d", gap, out, uint16(at))
		}
		if out, _, ok := n.Late(1, uint16(at-1)); gap > 1 && (!ok || out != uint16(at-1)) {
			t.Fatalf("after a gap of %d, late: %d, %v", gap, out, ok)
		}
	}
}
