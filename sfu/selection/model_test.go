package selection

import (
	"math/rand/v2"
	"testing"
	"time"

	"parley/sfu/codec"
	"parley/sfu/rewrite"
)

// A model does what a Selector does, but for layers other than VP8's, by remembering everything and with numbers that
// never wrap around.
type model struct {
	kind            codec.Kind
	target, current Target
	lost            bool
	waited          int

	started bool
	out     int            // newest number that went out
	highest int            // newest index of what flows
	others  map[uint32]int // newest of those that do not
	kept    map[slot]keeping
	former  time.Time
	stamp   int64 // of the newest frame of what flows
	picture int   // VP8: likewise its id, 0 before the first
	now     keeping

	sent     []sentBefore
	oldest   sentBefore // the last one that was taken back
	lastTime time.Time
	lastOut  int64 // timestamp
	lastFrom uint32
	lastSkew int64
	ideal    int64
	clock    rewrite.Clock
}

// slot is a packet of a source.
type slot struct {
	encoding uint32
	index    int
}

// keeping is how a packet that is missed is to be mapped.
type keeping struct {
	out          int
	skew         int64 // of timestamps
	picture, tl0 int
	key          int
	temporal     uint8
	formerly     uint8 // the same for pictures before the one at since
	since        int64
}

type sentBefore struct {
	out, picture, tl0, key int
	temporal               uint8
	stamp                  int64
}

// modelPacket is a packet with numbers that never wrap around.
type modelPacket struct {
	Packet
	index             int
	stamp             int64
	picture, tl0, key int
}

// modelOut is where it goes.
type modelOut struct {
	sequence          int
	stamp             int64
	picture, tl0, key int
}

func newModel(kind codec.Kind) *model {
	return &model{kind: kind, others: make(map[uint32]int), kept: make(map[slot]keeping)}
}

func (m *model) setTarget(t Target) {
	if t != m.target {
		m.target, m.waited = t, 0
	}
}

func (m *model) waiting() (uint32, bool) {
	if m.target.Encoding == 0 {
		return 0, false
	}
	if m.target.Encoding != m.current.Encoding || m.lost || m.waited >= syncPatience {
		return m.target.Encoding, true
	}
	return 0, false
}

func (m *model) next(p *modelPacket) (modelOut, bool) {
	if p.Encoding != m.current.Encoding {
		return m.other(p)
	}
	if p.index <= m.highest {
		return m.late(p)
	}
	if p.Empty {
		m.keep(p)
		return modelOut{}, false
	}
	f := p.Frame
	if p.stamp != m.stamp {
		m.stamp = p.stamp
		if m.target.Encoding != m.current.Encoding && !m.target.Hold {
			m.leave()
			return m.other(p)
		}
		if m.target.Encoding == m.current.Encoding {
			m.current.Temporal = min(m.current.Temporal, m.target.Temporal)
			m.current.Spatial = min(m.current.Spatial, m.target.Spatial)
		}
	}
	before := m.highest
	m.keep(p)
	if f.Keyframe {
		m.lost, m.waited = false, 0
	}
	if m.target.Encoding == m.current.Encoding && f.First {
		wanted := m.current.Temporal < m.target.Temporal
		switch {
		case f.Keyframe:
			m.current.Spatial, m.current.Temporal = m.target.Spatial, m.target.Temporal
		case wanted && f.SwitchUp && f.Temporal == m.current.Temporal+1:
			m.current.Temporal++
		}
		if m.current.Spatial == m.target.Spatial && m.current.Temporal == m.target.Temporal {
			m.waited = 0
		}
	}
	m.limit(p, before)
	if f.Temporal > m.current.Temporal {
		if f.First && f.Temporal <= m.target.Temporal {
			m.waited++
		}
		if m.kind == codec.KindVP8 && p.picture != m.picture {
			m.picture = p.picture
			m.now.picture++
		}
		return modelOut{}, false
	}
	return m.send(p), true
}

// limit notes which layers go out from p's picture on, of which some of what is missing just before may be.
func (m *model) limit(p *modelPacket, before int) {
	for index := before + 1; index < p.index; index++ {
		s := slot{p.Encoding, index}
		missing := m.kept[s]
		missing.formerly, missing.temporal, missing.since = missing.temporal, m.current.Temporal, p.stamp
		m.kept[s] = missing
	}
	m.now.temporal = m.current.Temporal
}

// keep notes what is missing before p, as things were, and that p has come.
func (m *model) keep(p *modelPacket) {
	for index := m.highest + 1; index < p.index; index++ {
		m.out++
		missing := m.now
		missing.out = m.out
		m.kept[slot{p.Encoding, index}] = missing
	}
	m.highest = p.index
}

func (m *model) send(p *modelPacket) modelOut {
	m.out++
	out := m.mapped(p, m.now)
	out.sequence = m.out
	if !m.started || out.stamp > m.lastOut {
		m.lastOut, m.lastTime = out.stamp, p.Arrived
	}
	m.started, m.lastFrom, m.lastSkew, m.clock = true, p.Encoding, m.now.skew, p.Clock
	m.picture = p.picture
	if n := len(m.sent); n == 0 || m.sent[n-1].stamp != out.stamp {
		m.sent = append(m.sent, sentBefore{out.sequence, out.picture, out.tl0, out.key, p.Frame.Temporal, out.stamp})
	}
	return out
}

func (m *model) mapped(p *modelPacket, by keeping) modelOut {
	return modelOut{by.out, p.stamp - by.skew, p.picture - by.picture, p.tl0 - by.tl0, p.key - by.key}
}

func (m *model) late(p *modelPacket) (modelOut, bool) {
	kept, ok := m.kept[slot{p.Encoding, p.index}]
	if p.Empty || !ok {
		return modelOut{}, false
	}
	temporal := kept.temporal
	if p.stamp < kept.since {
		temporal = kept.formerly
	}
	if p.Frame.Temporal > temporal {
		return modelOut{}, false
	}
	delete(m.kept, slot{p.Encoding, p.index})
	if p.Frame.Keyframe && p.Encoding == m.current.Encoding {
		m.lost = false
	}
	return m.mapped(p, kept), true
}

// fill gives up waiting for p.
func (m *model) fill(p *modelPacket) (modelOut, bool) {
	s := slot{p.Encoding, p.index}
	kept, ok := m.kept[s]
	if !ok || p.Encoding != m.current.Encoding && !p.Arrived.Before(m.former) {
		return modelOut{}, false
	}
	delete(m.kept, s)
	return modelOut{sequence: kept.out, stamp: p.stamp - kept.skew}, true
}

func (m *model) leave() {
	m.former = m.lastTime.Add(lateTime)
	m.others[m.current.Encoding] = m.highest
	m.current = Target{}
}

func (m *model) other(p *modelPacket) (modelOut, bool) {
	if p.Empty {
		return modelOut{}, false
	}
	if p.Arrived.Before(m.former) {
		if out, ok := m.late(p); ok {
			return out, true
		}
	}
	if highest, seen := m.others[p.Encoding]; seen && p.index <= highest {
		return modelOut{}, false
	}
	m.others[p.Encoding] = p.index
	if p.Encoding != m.target.Encoding || !p.Frame.Keyframe {
		return modelOut{}, false
	}
	m.begin(p)
	return m.send(p), true
}

func (m *model) begin(p *modelPacket) {
	if m.current.Encoding != 0 {
		m.others[m.current.Encoding] = m.highest
	}
	m.highest = p.index
	m.current = m.target
	m.current.Hold = false
	m.former = p.Arrived.Add(lateTime)
	m.lost, m.waited, m.stamp = false, 0, p.stamp
	m.now = keeping{temporal: m.current.Temporal}
	if !m.started {
		m.out = p.index&0x7fff - 1
		return
	}
	m.now.skew = p.stamp - m.goOn(p)
	last := m.oldest
	if len(m.sent) > 0 {
		last = m.sent[len(m.sent)-1]
	}
	m.now.picture, m.now.tl0, m.now.key = p.picture-last.picture-1, p.tl0-last.tl0-1, p.key-last.key-1
}

// goOn is the timestamp that p goes out with.
func (m *model) goOn(p *modelPacket) int64 {
	arrival := m.lastOut + m.lastSkew - m.ideal + int64(max(p.Arrived.Sub(m.lastTime), 0).Seconds()*90000+1e-6)
	out, candidate, ok := arrival, p.stamp-m.ideal, true
	if p.Encoding != m.lastFrom {
		apart := float64(int64(p.Clock.NTP-m.clock.NTP)) / (1 << 32) * 90000
		inFormer := float64(m.clock.RTP) + apart + float64(int32(uint32(p.stamp)-p.Clock.RTP))
		// The former source's timestamps are 32 bits; take the round that is near.
		near := m.lastOut + m.lastSkew
		candidate = near + int64(int32(uint32(int64(inFormer+0.5))-uint32(near))) - m.ideal
		ok = p.Clock.NTP != 0 && m.clock.NTP != 0
	}
	if ok && candidate-arrival <= 27000 && arrival-candidate <= 27000 {
		out = candidate
	}
	m.ideal = p.stamp - out
	return max(out, m.lastOut+1)
}

func (m *model) rewind(sequence int) {
	if !m.started || sequence > m.out {
		return
	}
	lowest, end, last := ^uint8(0), m.out+1, 0
	if len(m.sent) > 0 {
		last = m.sent[len(m.sent)-1].picture
	}
	for len(m.sent) > 0 && end > sequence {
		newest := m.sent[len(m.sent)-1]
		lowest = min(lowest, newest.temporal)
		if newest.out < sequence {
			break
		}
		end, m.oldest = newest.out, newest
		m.sent = m.sent[:len(m.sent)-1]
	}
	for s, kept := range m.kept {
		if kept.out >= sequence {
			delete(m.kept, s)
		}
	}
	m.out = sequence - 1
	switch {
	case m.current.Encoding == 0:
	case lowest == 0 || len(m.sent) == 0:
		m.leave()
	default:
		m.current.Temporal = min(m.current.Temporal, lowest-1)
		m.now.temporal = m.current.Temporal
		if m.kind == codec.KindVP8 {
			m.now.picture += last - m.sent[len(m.sent)-1].picture
		}
	}
}

// compare runs a Selector and the model on one stream of packets that are lost, late or doubled. choose returns a
// number below n.
func compare(t *testing.T, kind codec.Kind, s shape, steps int, choose func(n int) int) (sent int) {
	random := rand.New(rand.NewPCG(uint64(choose(256)), 1))
	sources := make([]*source, 2)
	parsers := make([]codec.Parser, 2)
	counts := make([]struct {
		first      *Packet
		index      int
		stamp      int64
		raw        Packet
		d          Fields
		p, tl0, ki int
	}, 2)
	selector, m := New(kind, 90000), newModel(kind)
	for i := range sources {
		sources[i] = newSource(kind, s, uint32(i+1), random)
		parsers[i].Kind = kind
	}
	type delayed struct {
		modelPacket
		at int
	}
	var waiting []delayed
	reports := choose(3) > 0
	rewound := 0 // how many had been sent by then
	// The model knows the rules of VP8 for going up to a layer; of others it gets all.
	all := kind == codec.KindVP9 || kind == codec.KindAV1
	for picture := range steps {
		at := time.Duration(picture) * time.Second / 30
		switch choose(40) {
		case 0, 1:
			target := Target{Encoding: uint32(choose(3)), Temporal: uint8(choose(3)), Hold: choose(2) == 0}
			if all {
				target.Temporal, target.Spatial = All, All
			}
			selector.SetTarget(target)
			m.setTarget(target)
		case 2:
			selector.Lost()
			m.lost = true
		case 4, 5, 6:
			if target := m.target; !all {
				target.Temporal = uint8(choose(3))
				selector.SetTarget(target)
				m.setTarget(target)
			}
		case 3:
			if back := min(choose(12), sent-rewound); back > 0 && !all {
				selector.Rewind(uint16(m.out + 1 - back))
				m.rewind(m.out + 1 - back)
				rewound = sent
			}
		}
		for i, from := range sources {
			from.reports = reports
			c := &counts[i]
			for _, p := range from.next(at, choose(12) == 0) {
				// Unwrap: within an encoding everything goes up in steps of less than half.
				if c.first == nil {
					first := p.Packet
					c.first, c.index, c.stamp = &first, int(p.Sequence)+1<<20, int64(p.Timestamp)+1<<36
				} else {
					c.index += int(p.Sequence - c.raw.Sequence)
					c.stamp += int64(p.Timestamp - c.raw.Timestamp)
				}
				c.raw = p.Packet
				mp := modelPacket{Packet: p.Packet, index: c.index, stamp: c.stamp}
				if !p.Empty {
					parsed, err := parsers[i].Parse(p.payload, p.dependency, p.Marker)
					if err != nil {
						t.Fatal(err)
					}
					mp.Frame = &parsed
					d := countersOf(kind, &parsed)
					c.p += int(d.Picture-c.d.Picture) & 0x7fff
					c.tl0 += int(d.TL0PicIdx - c.d.TL0PicIdx)
					c.ki += int(d.KeyIdx-c.d.KeyIdx) & 0x1f
					c.d = d
					mp.picture, mp.tl0, mp.key = c.p, c.tl0, c.ki
				}
				switch choose(16) {
				case 0: // lost
				case 1: // late
					waiting = append(waiting, delayed{mp, picture + choose(8)})
				case 2: // doubled
					waiting = append(waiting, delayed{mp, picture + choose(8)})
					fallthrough
				default:
					sent += both(t, selector, m, &mp)
				}
			}
		}
		left := waiting[:0]
		for _, d := range waiting {
			if d.at > picture {
				left = append(left, d)
				continue
			}
			d.Arrived = start.Add(at + 20*time.Millisecond)
			sent += both(t, selector, m, &d.modelPacket)
		}
		waiting = left
	}
	return sent
}

// countersOf are what a packet carries, as far as they are mapped.
func countersOf(kind codec.Kind, f *codec.Frame) Fields {
	switch kind {
	case codec.KindVP8:
		return Fields{Picture: f.VP8.PictureID, TL0PicIdx: f.VP8.TL0PicIdx, KeyIdx: f.VP8.KeyIdx}
	case codec.KindVP9:
		return Fields{Picture: f.VP9.PictureID, TL0PicIdx: f.VP9.TL0PicIdx}
	default:
		return Fields{Picture: f.Dependency.FrameNumber}
	}
}

// both hands p to both and compares.
func both(t *testing.T, s *Selector, m *model, p *modelPacket) (sent int) {
	t.Helper()
	got, gotOK := s.Next(&p.Packet)
	want, wantOK := m.next(p)
	if gotOK != wantOK {
		t.Fatalf("packet %d of %d: %v, want %v", p.index, p.Encoding, gotOK, wantOK)
	}
	gotWaiting, gotNeeds := s.Waiting()
	if wantWaiting, wantNeeds := m.waiting(); gotWaiting != wantWaiting || gotNeeds != wantNeeds {
		t.Fatalf("waiting %d, %v, want %d, %v", gotWaiting, gotNeeds, wantWaiting, wantNeeds)
	}
	if s.Current() != m.current {
		t.Fatalf("current %+v, want %+v", s.Current(), m.current)
	}
	if !gotOK {
		if p.index%3 > 0 {
			got, gotOK = s.Fill(&p.Packet)
			if want, wantOK = m.fill(p); gotOK != wantOK ||
				gotOK && got != (Out{Sequence: uint16(want.sequence), Timestamp: uint32(want.stamp)}) {
				t.Fatalf("packet %d of %d fills %+v, %v, want %+v, %v", p.index, p.Encoding, got, gotOK, want, wantOK)
			}
		}
		return 0
	}
	if got.Sequence != uint16(want.sequence) || got.Timestamp != uint32(want.stamp) {
		t.Fatalf("packet %d of %d: %+v, want %d, %d", p.index, p.Encoding, got, uint16(want.sequence), uint32(want.stamp))
	}
	if s.kind != codec.KindH264 {
		wanted := Fields{
			Picture: uint16(want.picture) & 0x7fff, TL0PicIdx: uint8(want.tl0), KeyIdx: uint8(want.key) & 0x1f,
		}
		fields := got.Fields
		switch s.kind { // have fewer
		case codec.KindVP9:
			wanted.KeyIdx = 0
		case codec.KindAV1:
			wanted = Fields{Picture: wanted.Picture}
			fields = Fields{Picture: fields.Frame & 0x7fff}
		}
		if fields != wanted {
			t.Fatalf("packet %d of %d: %+v, want %+v", p.index, p.Encoding, fields, wanted)
		}
	}
	return 1
}

func TestAgainstModel(t *testing.T) {
	for _, coding := range codings {
		if coding.short || coding.shape.described || coding.shape.spatial > 1 {
			continue
		}
		t.Run(coding.name, func(t *testing.T) {
			sent := 0
			for seed := range uint64(60) {
				random := rand.New(rand.NewPCG(seed, 3))
				sent += compare(t, coding.kind, coding.shape, 300, random.IntN)
			}
			if sent < 5000 {
				t.Errorf("only %d packets went out", sent)
			}
		})
	}
}

func FuzzSelector(f *testing.F) {
	f.Add([]byte{})
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 4))
		data := make([]byte, 600)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		choose := func(n int) int {
			if len(data) == 0 {
				return n - 1
			}
			choice := int(data[0]) % n
			data = data[1:]
			return choice
		}
		compare(t, codec.KindVP8, shape{1, t3, false, false, false}, min(len(data)/4, 200), choose)
	})
}
