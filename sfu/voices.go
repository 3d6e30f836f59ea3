package sfu

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
	"parley/sfu/speaker"
)

const (
	// pause is how long somebody may pause between words and still count as speaking.
	pause = 350 * time.Millisecond
	// contestInterval is how often somebody who speaks and is not heard by all tries to get a slot.
	contestInterval = 200 * time.Millisecond
	// louder is by how many dB one must be louder than who has a slot, and speaks, to get it,
	louder = 6
	// and settled how long that one must have had it.
	settled = 2 * time.Second

	slotStream = "slot."
)

// voices is who speaks in a room, and whom each listener hears: a listener that asked for audio slots has somebody in
// each as long as there are enough, and whoever begins to speak gets one.
type voices struct {
	room    string        // static: its name
	clock   *voiceClock   // static
	crowded atomic.Bool   // there are more microphones than slots
	spurts  atomic.Uint32 // talkspurts that passed, to number them

	mu          sync.Mutex
	microphones map[*microphone]bool          // guarded by mu, as all that follows: those that are published
	listeners   map[*Peer]*listener           // who asked for slots
	orders      uint64                        // microphones that were published
	detector    speaker.Detector[*microphone] // of the one who speaks more than the others
	speaker     *microphone                   // as the room was told last; nil: nobody
	changed     bool                          // that is not told yet
	driven      bool                          // the clock has it
	silent      bool                          // as levels told last
}

// listener is somebody with audio slots.
type listener struct {
	peer  *Peer
	slots []*slot
}

// slot is a track of a listener's that brings whoever is to be heard.
type slot struct {
	// Static after construction.
	number int
	voices *voices
	track  *upTrack // what it is described as

	from atomic.Pointer[microphone] // changed under voices.mu; nil: nobody

	// Guarded by voices.mu.
	down  *downTrack // nil until its line is open
	since time.Time  // when from got it
}

func newVoices(room string, clock *voiceClock) *voices {
	return &voices{
		room: room, clock: clock, microphones: make(map[*microphone]bool), listeners: make(map[*Peer]*listener), silent: true,
	}
}

// add takes a microphone in that was published.
func (v *voices) add(m *microphone) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.orders++
	m.order, m.spoke, m.unheard = v.orders, time.Time{}, false
	v.microphones[m] = true
	v.count()
	for _, l := range v.listeners {
		if free := l.free(); free != nil && l.peer.id != m.track.publisher {
			v.give(l, free, m)
		}
	}
	v.route(m)
}

// remove is called when a microphone is published no more. What it leaves goes to others.
func (v *voices) remove(m *microphone) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.microphones[m] {
		return
	}
	delete(v.microphones, m)
	v.count()
	v.detector.Remove(m)
	v.judge(time.Now())
	changed := []*microphone{m}
	var ranking []*microphone
	for _, l := range v.listeners {
		for _, s := range l.slots {
			if s.from.Load() != m {
				continue
			}
			if ranking == nil {
				ranking = v.ranking()
			}
			next := l.next(ranking)
			v.give(l, s, next)
			changed = append(changed, next)
		}
	}
	v.route(changed...)
}

// listen gives a participant so many slots, instead of those that it had, and returns their tracks.
func (v *voices) listen(p *Peer, slots int) []*upTrack {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := v.listeners[p]
	if l == nil {
		l = &listener{peer: p}
		v.listeners[p] = l
	}
	var changed []*microphone
	for len(l.slots) > slots {
		last := l.slots[len(l.slots)-1]
		if m := last.from.Load(); m != nil {
			m.unheard = true
			changed = append(changed, m)
		}
		v.give(l, last, nil)
		l.slots = l.slots[:len(l.slots)-1]
	}
	for len(l.slots) < slots {
		l.slots = append(l.slots, v.newSlot(p, len(l.slots)))
	}
	ranking := v.ranking()
	for s := l.free(); s != nil; s = l.free() {
		m := l.next(ranking)
		if m == nil {
			break
		}
		v.give(l, s, m)
		changed = append(changed, m)
	}
	for m := range v.microphones { // it may be speaking
		m.unheard = m.unheard || m.track.publisher != p.id && !l.hears(m)
	}
	v.count()
	v.route(changed...)
	tracks := make([]*upTrack, len(l.slots))
	for i, s := range l.slots {
		tracks[i] = s.track
	}
	return tracks
}

// leave takes a listener's slots away.
func (v *voices) leave(p *Peer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := v.listeners[p]
	if l == nil {
		return
	}
	delete(v.listeners, p)
	v.count()
	var changed []*microphone
	for _, s := range l.slots {
		if m := s.from.Swap(nil); m != nil {
			changed = append(changed, m)
		}
	}
	v.route(changed...)
}

func (v *voices) newSlot(p *Peer, number int) *slot {
	s := &slot{number: number, voices: v}
	name := slotStream + strconv.Itoa(number)
	s.track = &upTrack{
		id: name + "-" + p.id, streamID: name, kind: webrtc.RTPCodecTypeAudio, format: codec.KindOpus,
		codec: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, slot: s,
	}
	return s
}

// open has what the slot brings go out by d, whose line is open.
func (s *slot) open(d *downTrack) {
	s.voices.mu.Lock()
	defer s.voices.mu.Unlock()
	s.down = d
	s.voices.route(s.from.Load())
}

// close ends that, unless another line has taken d's place.
func (s *slot) close(d *downTrack) {
	s.voices.mu.Lock()
	defer s.voices.mu.Unlock()
	if s.down == d {
		s.down = nil
		s.voices.route(s.from.Load())
	}
}

// All that follows must be called with mu held.

// count finds out whether there are more microphones than somebody has slots for, their own left aside.
func (v *voices) count() {
	own := make(map[string]int)
	for m := range v.microphones {
		own[m.track.publisher]++
	}
	crowded := false
	for _, l := range v.listeners {
		crowded = crowded || len(l.slots) > 0 && len(v.microphones)-own[l.peer.id] > len(l.slots)
	}
	v.crowded.Store(crowded)
}

// free is a slot that brings nobody, nil if there is none.
func (l *listener) free() *slot {
	for _, s := range l.slots {
		if s.from.Load() == nil {
			return s
		}
	}
	return nil
}

func (l *listener) hears(m *microphone) bool {
	return slices.ContainsFunc(l.slots, func(s *slot) bool { return s.from.Load() == m })
}

// give has a slot bring somebody else. It is told before; route must follow.
func (v *voices) give(l *listener, s *slot, m *microphone) {
	if s.from.Load() == m {
		return
	}
	event := SlotChanged{Slot: s.number}
	if m != nil {
		event.Publisher = m.track.publisher
	}
	l.peer.post(slotChanged{event})
	s.since = time.Now()
	s.from.Store(m)
}

// ranking is who should be heard first: the loudest of who speaks, then who spoke last.
func (v *voices) ranking() []*microphone {
	var latest time.Time
	ranking := make([]*microphone, 0, len(v.microphones))
	for m := range v.microphones {
		ranking = append(ranking, m)
		if m.spoke.After(latest) {
			latest = m.spoke
		}
	}
	slices.SortFunc(ranking, func(m, other *microphone) int {
		if latest.Sub(m.spoke) < pause && latest.Sub(other.spoke) < pause && m.loudness != other.loudness {
			return cmp.Compare(m.loudness, other.loudness)
		}
		return cmp.Or(other.spoke.Compare(m.spoke), cmp.Compare(m.order, other.order))
	})
	return ranking
}

// next is the first of those who are ranked whom a listener does not hear yet, nil for nobody.
func (l *listener) next(ranking []*microphone) *microphone {
	for _, m := range ranking {
		if m.track.publisher != l.peer.id && !l.hears(m) {
			return m
		}
	}
	return nil
}

// route brings the lists of who gets these microphones up to date.
func (v *voices) route(microphones ...*microphone) {
	if microphones = slices.DeleteFunc(microphones, func(m *microphone) bool { return m == nil }); len(microphones) == 0 {
		return
	}
	lists := make(map[*microphone][]*downTrack, len(microphones))
	for _, m := range microphones {
		lists[m] = nil
	}
	for _, l := range v.listeners {
		for _, s := range l.slots {
			m := s.from.Load()
			if list, asked := lists[m]; asked && s.down != nil {
				lists[m] = append(list, s.down)
			}
		}
	}
	for m, list := range lists {
		m.slots.set(list)
	}
}
