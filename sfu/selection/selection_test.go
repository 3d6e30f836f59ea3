package selection

import (
	"testing"
	"time"

	"parley/sfu/codec"
	"parley/sfu/rewrite"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Frames as a table of packets has them.
var (
	key    = codec.Frame{Keyframe: true, First: true, Last: true}
	delta  = codec.Frame{First: true, Last: true}
	middle = codec.Frame{}
)

// layer makes a frame of a layer.
func layer(spatial, temporal uint8, up bool) codec.Frame {
	return codec.Frame{First: true, Last: true, Spatial: spatial, Temporal: temporal, SwitchUp: up}
}

// move is what is done to a Selector: a packet comes, or, without an encoding, the target changes.
type move struct {
	encoding uint32
	sequence uint16
	picture  int // from which follow its timestamp and time, 30 a second
	frame    codec.Frame
	want     int // outgoing sequence number, -1: none

	target  *Target
	lost    bool
	rewind  int    // to this number, if not 0
	waiting uint32 // afterwards
}

func to(t Target, waiting uint32) move { return move{target: &t, waiting: waiting} }

func TestMoves(t *testing.T) {
	for name, test := range map[string]struct {
		kind  codec.Kind
		moves []move
	}{
		"begins with a keyframe": {codec.KindH264, []move{
			{1, 9, 0, key, -1, nil, false, 0, 0},
			to(Target{Encoding: 1}, 1),
			{1, 10, 1, delta, -1, nil, false, 0, 1}, {1, 11, 2, key, 11, nil, false, 0, 0},
			{1, 12, 3, delta, 12, nil, false, 0, 0},
		}},
		"goes over at a keyframe": {codec.KindH264, []move{
			to(Target{Encoding: 1}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {1, 12, 2, delta, 12, nil, false, 0, 0},
			to(Target{Encoding: 2, Hold: true}, 2),
			{2, 70, 2, delta, -1, nil, false, 0, 2}, {1, 13, 3, delta, 13, nil, false, 0, 2},
			{2, 71, 3, key, 14, nil, false, 0, 0}, {1, 14, 4, delta, -1, nil, false, 0, 0},
			{1, 11, 1, delta, 11, nil, false, 0, 0}, {1, 11, 1, delta, -1, nil, false, 0, 0},
			{1, 12, 2, delta, -1, nil, false, 0, 0}, {2, 70, 2, delta, -1, nil, false, 0, 0},
		}},
		"ends with its frame where it is not held": {codec.KindH264, []move{
			to(Target{Encoding: 1}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {1, 11, 1, delta, 11, nil, false, 0, 0},
			to(Target{Encoding: 2}, 2),
			{1, 12, 1, middle, 12, nil, false, 0, 2}, {1, 13, 2, delta, -1, nil, false, 0, 2},
			{2, 70, 3, key, 13, nil, false, 0, 0},
		}},
		"paused, and taken up again": {codec.KindH264, []move{
			to(Target{Encoding: 1}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0},
			to(Target{}, 0),
			{1, 11, 1, delta, -1, nil, false, 0, 0}, {1, 12, 2, key, -1, nil, false, 0, 0},
			to(Target{Encoding: 1}, 1),
			{1, 12, 2, key, -1, nil, false, 0, 1}, {1, 13, 3, delta, -1, nil, false, 0, 1},
			{1, 14, 4, key, 11, nil, false, 0, 0},
		}},
		"never begins with what was seen": {codec.KindVP8, []move{
			{2, 70, 0, key, -1, nil, false, 0, 0}, {2, 71, 1, delta, -1, nil, false, 0, 0},
			to(Target{Encoding: 2}, 2),
			{2, 70, 0, key, -1, nil, false, 0, 2}, {2, 72, 2, key, 72, nil, false, 0, 0},
		}},
		"a retransmission that comes first": {codec.KindVP8, []move{
			to(Target{Encoding: 1}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {1, 12, 2, delta, 12, nil, false, 0, 0},
			{1, 11, 1, delta, 11, nil, false, 0, 0}, {1, 11, 1, delta, -1, nil, false, 0, 0},
		}},
		"a receiver that lost the picture": {codec.KindVP8, []move{
			to(Target{Encoding: 1}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {lost: true, waiting: 1},
			{1, 11, 1, delta, 11, nil, false, 0, 1}, {1, 13, 3, delta, 13, nil, false, 0, 1},
			{1, 12, 2, key, 12, nil, false, 0, 0},
		}},
		"numbers that begin anew": {codec.KindVP8, []move{
			to(Target{Encoding: 1}, 1),
			{1, 100, 0, key, 100, nil, false, 0, 0}, {1, 101, 1, delta, 101, nil, false, 0, 0},
			{1, 50000, 2, delta, -1, nil, false, 0, 1}, {1, 50001, 3, key, 102, nil, false, 0, 0},
			{1, 60000, 4, key, 103, nil, false, 0, 0}, {1, 60001, 5, delta, 104, nil, false, 0, 0},
		}},
		"sound goes on at once": {codec.KindOpus, []move{
			to(Target{Encoding: 1}, 1),
			{1, 100, 0, key, 100, nil, false, 0, 0}, {1, 40000, 1, key, 101, nil, false, 0, 0},
			to(Target{Encoding: 2}, 2),
			{1, 40001, 2, key, -1, nil, false, 0, 2}, {2, 7, 3, key, 102, nil, false, 0, 0},
		}},
		"temporal layers": {codec.KindVP8, []move{
			to(Target{Encoding: 1, Temporal: 2}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {1, 11, 1, layer(0, 2, true), 11, nil, false, 0, 0},
			to(Target{Encoding: 1}, 0),
			{1, 12, 1, middle, 12, nil, false, 0, 0}, // of the same frame, here without its layer
			{1, 13, 2, layer(0, 1, true), -1, nil, false, 0, 0}, {1, 14, 3, delta, 13, nil, false, 0, 0},
			to(Target{Encoding: 1, Temporal: 2}, 0),
			{1, 15, 4, layer(0, 2, true), -1, nil, false, 0, 0},  // not without layer 1
			{1, 16, 5, layer(0, 1, false), -1, nil, false, 0, 0}, // no point to switch at
			{1, 17, 6, layer(0, 1, true), 14, nil, false, 0, 0}, {1, 18, 7, layer(0, 2, false), -1, nil, false, 0, 0},
			{1, 19, 8, layer(0, 2, true), 15, nil, false, 0, 0}, {1, 20, 9, layer(0, 2, false), 16, nil, false, 0, 0},
		}},
		"what is late goes by what held at its time": {codec.KindVP8, []move{
			to(Target{Encoding: 1, Temporal: 1}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {1, 12, 2, delta, 12, nil, false, 0, 0},
			to(Target{Encoding: 1}, 0),
			{1, 14, 4, delta, 14, nil, false, 0, 0}, {1, 15, 5, layer(0, 1, true), -1, nil, false, 0, 0},
			{1, 16, 6, delta, 15, nil, false, 0, 0},
			{1, 11, 1, layer(0, 1, true), 11, nil, false, 0, 0}, {1, 13, 3, layer(0, 1, true), 13, nil, false, 0, 0},
			{1, 15, 5, layer(0, 1, true), -1, nil, false, 0, 0},
		}},
		"higher layers taken back, the lower go on": {codec.KindVP8, []move{
			to(Target{Encoding: 1, Temporal: 1}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {1, 11, 1, layer(0, 1, true), 11, nil, false, 0, 0},
			{rewind: 11},
			{1, 12, 2, delta, 11, nil, false, 0, 0}, {1, 13, 3, layer(0, 1, false), -1, nil, false, 0, 0},
			{1, 14, 4, layer(0, 1, true), 12, nil, false, 0, 0},
		}},
		"lowest layer taken back": {codec.KindVP8, []move{
			to(Target{Encoding: 1, Temporal: 1}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {1, 11, 1, layer(0, 1, true), 11, nil, false, 0, 0},
			{1, 12, 2, delta, 12, nil, false, 0, 0},
			{rewind: 11, waiting: 1},
			{1, 13, 3, delta, -1, nil, false, 0, 1}, {1, 14, 4, key, 11, nil, false, 0, 0},
		}},
		"a target of more layers than there are": {codec.KindVP8, []move{
			to(Target{Encoding: 1, Spatial: All, Temporal: All}, 1),
			{1, 10, 0, key, 10, nil, false, 0, 0}, {1, 11, 1, layer(0, 2, false), 11, nil, false, 0, 0},
			{1, 12, 2, delta, 12, nil, false, 0, 0},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(test.kind, 90000)
			for i, m := range test.moves {
				switch {
				case m.target != nil:
					s.SetTarget(*m.target)
				case m.lost:
					s.Lost()
				case m.rewind != 0:
					s.Rewind(uint16(m.rewind))
				default:
					p := at(m.picture)
					p.Encoding, p.Sequence, p.Frame = m.encoding, m.sequence, &m.frame
					if out, ok := s.Next(&p); ok != (m.want >= 0) || ok && int(out.Sequence) != m.want {
						t.Fatalf("move %d, packet %d: %d, %v, want %d", i, m.sequence, out.Sequence, ok, m.want)
					}
				}
				if waiting, ok := s.Waiting(); waiting != m.waiting || ok != (waiting != 0) {
					t.Fatalf("move %d: waiting for %d, want %d", i, waiting, m.waiting)
				}
			}
		})
	}
}

func at(picture int) Packet {
	return Packet{Timestamp: 3000 * uint32(picture), Arrived: start.Add(time.Duration(picture) * time.Second / 30)}
}

// TestPatience asks for a keyframe where there is never a point to switch up at.
func TestPatience(t *testing.T) {
	s := New(codec.KindVP8, 90000)
	s.SetTarget(Target{Encoding: 1})
	next := func(i int, f codec.Frame) {
		p := at(i)
		p.Encoding, p.Sequence, p.Frame = 1, uint16(i), &f
		s.Next(&p)
	}
	next(0, key)
	s.SetTarget(Target{Encoding: 1, Temporal: 1})
	for i := 1; ; i++ {
		next(i, layer(0, uint8(i%2), false))
		if _, waits := s.Waiting(); waits {
			if i < syncPatience {
				t.Fatalf("after %d frames", i)
			}
			next(i+1, key)
			break
		}
		if i > 3*syncPatience {
			t.Fatal("never")
		}
	}
	if _, waits := s.Waiting(); waits || s.Current().Temporal != 1 {
		t.Errorf("%+v", s.Current())
	}
}

func TestTimestamps(t *testing.T) {
	const second = 1 << 32
	reports := func(ahead time.Duration) [2]rewrite.Clock { // of what the second one says
		return [2]rewrite.Clock{
			{NTP: 50 * second, RTP: 1_000_000},
			{NTP: 50*second + uint64(ahead.Seconds()*second), RTP: 5_000_000},
		}
	}
	for name, test := range map[string]struct {
		kind   codec.Kind
		clocks [2]rewrite.Clock
		in     uint32        // of the second encoding
		after  time.Duration // it comes
		want   uint32        // how much later it says it is
	}{
		"by arrival": {codec.KindVP8, [2]rewrite.Clock{}, 77, 40 * time.Millisecond, 3600},
		"by reports": {codec.KindVP8, reports(0), 5_003_000, 50 * time.Millisecond, 3000},
		"reports that are a little off": {
			codec.KindVP8, reports(200 * time.Millisecond), 5_003_000, 33 * time.Millisecond, 21000,
		},
		"reports that are wrong": {
			codec.KindVP8, reports(400 * time.Millisecond), 5_003_000, 50 * time.Millisecond, 4500,
		},
		"one without a report": {
			codec.KindVP8, [2]rewrite.Clock{{}, reports(0)[1]}, 5_003_000, 50 * time.Millisecond, 4500,
		},
		"the same frame":      {codec.KindVP8, reports(0), 5_000_000, time.Millisecond, 1},
		"earlier":             {codec.KindVP8, reports(0), 4_990_000, 0, 1},
		"sound":               {codec.KindOpus, [2]rewrite.Clock{}, 4_990_000, 0, 1800},
		"sound after silence": {codec.KindOpus, [2]rewrite.Clock{}, 9, time.Hour, 90000 * 3600},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(test.kind, 90000)
			s.SetTarget(Target{Encoding: 1})
			first, second := key, key
			a := Packet{Encoding: 1, Timestamp: 1_000_000, Arrived: start, Clock: test.clocks[0], Frame: &first}
			before, _ := s.Next(&a)
			s.SetTarget(Target{Encoding: 2})
			b := Packet{Encoding: 2, Timestamp: test.in, Arrived: start.Add(test.after), Clock: test.clocks[1], Frame: &second}
			after, ok := s.Next(&b)
			if moved := after.Timestamp - before.Timestamp; !ok || moved != test.want {
				t.Errorf("moves by %d, %v, want %d", moved, ok, test.want)
			}
			if after.Marker != (test.kind == codec.KindOpus) {
				t.Errorf("marker %v", after.Marker)
			}
			b.Sequence, b.Timestamp, b.Frame = 1, test.in+960, &delta
			if next, _ := s.Next(&b); next.Timestamp-after.Timestamp != 960 {
				t.Errorf("goes on by %d", next.Timestamp-after.Timestamp)
			}
		})
	}
}

// TestTimestampsDoNotDrift goes to and fro between encodings, each time from a frame to the keyframe of the same time.
func TestTimestampsDoNotDrift(t *testing.T) {
	s := New(codec.KindVP8, 90000)
	var first, last uint32
	sequence := uint16(0)
	for i := range 1000 {
		for encoding := range uint32(2) {
			s.SetTarget(Target{Encoding: encoding + 1})
			p := at(i)
			p.Encoding, p.Sequence, p.Frame = encoding+1, sequence, &key
			p.Clock = rewrite.Clock{NTP: 1 << 40}
			out, ok := s.Next(&p)
			if !ok {
				t.Fatal("not taken")
			}
			if i == 0 && encoding == 0 {
				first = out.Timestamp
			}
			last = out.Timestamp
		}
		sequence++
	}
	if drift := int32(last - first - 999*3000); drift < 0 || drift > 1 {
		t.Errorf("%d ticks of drift", drift)
	}
}

// TestResumedTimestamp keeps an encoding's own clock across a pause, unless it has jumped.
func TestResumedTimestamp(t *testing.T) {
	for _, test := range []struct{ pause, want uint32 }{{10 * 90000, 10 * 90000}, {3 * 90000, 901800}} {
		s := New(codec.KindVP8, 90000)
		s.SetTarget(Target{Encoding: 1})
		f := key
		p := Packet{Encoding: 1, Timestamp: 500, Arrived: start, Frame: &f}
		before, _ := s.Next(&p)
		s.SetTarget(Target{})
		p.Sequence, p.Timestamp, p.Frame = 1, 3500, &delta
		if _, ok := s.Next(&p); ok {
			t.Fatal("not paused")
		}
		s.SetTarget(Target{Encoding: 1})
		p.Sequence, p.Timestamp, p.Frame = 300, 500+test.pause, &f
		p.Arrived = start.Add(10*time.Second + 20*time.Millisecond)
		if after, ok := s.Next(&p); !ok || after.Timestamp-before.Timestamp != test.want || after.Sequence != 1 {
			t.Errorf("pause of %d: moves by %d, %v, want %d", test.pause, after.Timestamp-before.Timestamp, ok, test.want)
		}
	}
}

// TestMarker ends a picture with the highest layer that goes out.
func TestMarker(t *testing.T) {
	for _, limit := range []uint8{0, 1, 2, All} {
		s := New(codec.KindVP9, 90000)
		s.SetTarget(Target{Encoding: 1, Spatial: limit})
		for spatial := range uint8(3) {
			for part := range 2 {
				f := codec.Frame{Keyframe: spatial == 0 && part == 0, First: part == 0, Last: part == 1, Spatial: spatial}
				p := Packet{
					Encoding: 1, Sequence: 10 + 2*uint16(spatial) + uint16(part), Marker: spatial == 2 && part == 1, Frame: &f,
				}
				out, ok := s.Next(&p)
				if ok != (spatial <= limit) || out.Marker != (spatial == min(limit, 2) && part == 1) {
					t.Errorf("up to %d: layer %d, part %d: %+v, %v", limit, spatial, part, out, ok)
				}
			}
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	for _, coding := range codings {
		next := stream(t, coding.kind, coding.shape)
		s := New(coding.kind, 90000)
		targets := []Target{{Encoding: 1, Spatial: 2, Temporal: 2}, {Encoding: 1}, {Encoding: 1, Temporal: 1}}
		i := 0
		if allocations := testing.AllocsPerRun(5000, func() {
			if i%50 == 0 {
				s.SetTarget(targets[i/50%len(targets)])
			}
			i++
			s.Next(next())
		}); allocations != 0 {
			t.Errorf("%s: %v allocations", coding.name, allocations)
		}
	}
}
