package sfu

import (
	"slices"
	"time"

	"parley/sfu/egress"
	"parley/sfu/speaker"
	"parley/sfu/wire"
)

// beforehand is how many packets of a microphone that does not pass are kept: with 20 ms each, a syllable.
const beforehand = 5

// microphone is a track of sound that audio slots can bring. What is silent does not pass: digital silence, and where
// there are more microphones than slots, the background noise of who does not speak. Its last packets are kept, so that
// who begins to speak is heard from the first syllable.
type microphone struct {
	// Static after construction.
	track  *upTrack
	voices *voices // of the room

	slots fanOut // that bring it; changed under voices.mu

	// Guarded by the ingress' mu.
	from  *layer // the newest packet
	voice speaker.Voice
	spurt uint32 // the talkspurt (RFC 3551, 4.1) that passes, 0 while none does
	kept  []packet
	rooms [beforehand][]byte // of the payloads in kept
	one   [1]packet          // on its way

	// Guarded by voices.mu.
	order    uint64 // of publication
	loudness uint8
	spoke    time.Time // when it last spoke
	unheard  bool      // some slots might be taken for it
	contest  time.Time // when that was tried
}

// forward judges packets, and hands what passes to the slots. The ingress' mu is held.
func (m *microphone) forward(packets []packet, b *egress.Batch) {
	for i := range packets {
		p := packets[i]
		now := p.in.Arrived
		if p.layer != m.from { // numbers begin anew
			m.from, m.spurt, m.kept = p.layer, 0, m.kept[:0]
		}
		if len(p.level) == 1 {
			m.voice.Hear(p.level[0]&0x7f, now)
		} else {
			m.voice.HearUnknown(now)
		}
		speaks := m.voice.Speaking(now)
		if speaks {
			m.voices.speaks(m, p.level, m.voice.Loudness(), now)
		}
		if m.voice.Silent(now) || !speaks && m.voices.crowded.Load() && m.voice.Quiet(now) {
			m.spurt = 0
			m.keep(&p)
			continue
		}
		if m.spurt == 0 {
			m.spurt = m.voices.spurts.Add(1)
			m.sendKept(now, b)
		}
		m.send(&p, b)
	}
}

// keep remembers a packet that does not pass, instead of the oldest that is remembered.
func (m *microphone) keep(p *packet) {
	if len(p.payload) == 0 {
		return
	}
	if len(m.kept) == beforehand {
		oldest := m.rooms[0]
		copy(m.rooms[:], m.rooms[1:])
		m.rooms[beforehand-1] = oldest
		m.kept = slices.Delete(m.kept, 0, 1)
	}
	room, size := &m.rooms[len(m.kept)], len(p.payload)
	*room = append(append((*room)[:0], p.payload...), p.level...)
	kept := *p
	kept.payload, kept.level, kept.header.Extensions = (*room)[:size], (*room)[size:], wire.Extensions{}
	if p.primary != nil { // the last block
		kept.primary = kept.payload[size-len(p.primary):]
	}
	m.kept = append(m.kept, kept)
}

// sendKept sends what came right before a talkspurt, as if it came now: it is no longer than what a receiver buffers.
func (m *microphone) sendKept(now time.Time, b *egress.Batch) {
	for i := range m.kept {
		p := &m.kept[i]
		if now.Sub(p.in.Arrived) < 2*beforehand*20*time.Millisecond {
			p.in.Arrived = now
			m.send(p, b)
		}
	}
	m.kept = m.kept[:0]
}

// send hands a packet to the slots. Each talkspurt is a source of its own, after which numbers go on without a gap.
func (m *microphone) send(p *packet, b *egress.Batch) {
	slots := m.slots.load()
	if len(slots) == 0 {
		return
	}
	m.one[0] = *p
	in := &m.one[0].in
	in.Encoding, in.Frame, in.Empty = m.spurt, &m.one[0].frame, len(p.payload) == 0
	m.track.ingress.crew.fan(slots, m.one[:], b)
	m.one[0] = packet{}
}
