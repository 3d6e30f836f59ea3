package sfu

import "time"

// speaks is told of every packet of a microphone that speaks, by its reader: its level extension, and how loud they are
// on the whole, in -dBov. Who sends no levels is heard, but nobody can tell whether they speak more than others.
func (v *voices) speaks(m *microphone, level []byte, loudness uint8, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.microphones[m] {
		return
	}
	begins := now.Sub(m.spoke) > pause
	m.spoke, m.loudness = now, loudness
	if len(level) == 1 {
		v.detector.Hear(m, level[0]&0x7f, now)
		v.judge(now)
	}
	if begins || m.unheard && now.Sub(m.contest) >= contestInterval {
		m.contest = now
		v.compete(m, now)
	}
	if !v.driven {
		v.driven = true
		v.clock.add(v)
	}
}

// judge finds out who speaks more than the others. mu is held.
func (v *voices) judge(now time.Time) {
	dominant, _ := v.detector.Dominant(now)
	if dominant == v.speaker {
		return
	}
	v.speaker.dominates(false)
	dominant.dominates(true)
	v.speaker, v.changed = dominant, true
	if !v.driven {
		v.driven = true
		v.clock.add(v)
	}
	v.clock.rouse()
}

// dominates has the pictures of its publisher know. It does not mind being nil.
func (m *microphone) dominates(yes bool) {
	if m != nil && m.track.dominant != nil {
		m.track.dominant.Store(yes)
	}
}

// compete has somebody who speaks heard by everybody who has a slot to spare: a free one, else that of who has been
// silent longest, else of who is clearly less loud. mu is held.
func (v *voices) compete(m *microphone, now time.Time) {
	m.unheard = false
	changed := []*microphone{m}
	for _, l := range v.listeners {
		if l.peer.id == m.track.publisher || l.hears(m) {
			continue
		}
		s := l.spare(m, now)
		if s == nil {
			m.unheard = true
			continue
		}
		if former := s.from.Load(); former != nil {
			former.unheard = true
			changed = append(changed, former)
		}
		v.give(l, s, m)
	}
	v.route(changed...)
}

// spare is the slot that somebody may have, nil if there is none. voices.mu is held.
func (l *listener) spare(m *microphone, now time.Time) *slot {
	var quietest, faintest *slot
	for _, s := range l.slots {
		holder := s.from.Load()
		switch {
		case holder == nil:
			return s
		case now.Sub(holder.spoke) > pause:
			if quietest == nil || holder.spoke.Before(quietest.from.Load().spoke) {
				quietest = s
			}
		case now.Sub(s.since) > settled && holder.loudness >= m.loudness+louder:
			if faintest == nil || holder.loudness > faintest.from.Load().loudness {
				faintest = s
			}
		}
	}
	if quietest != nil {
		return quietest
	}
	return faintest
}

// news is what the room has to be told: who speaks, if that has changed, and with levels how loud everybody does who
// speaks, once more when nobody does any more. It reports whether there will be more.
func (v *voices) news(now time.Time, levels bool) (events []RoomEvent, more bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.changed {
		v.changed = false
		event := SpeakerChanged{}
		if v.speaker != nil {
			event.Publisher = v.speaker.track.publisher
		}
		events = append(events, event)
	}
	if !levels {
		return events, true
	}
	loud := make(map[string]uint8)
	for m := range v.microphones {
		if !m.spoke.IsZero() && now.Sub(m.spoke) < pause {
			loud[m.track.publisher] = m.loudness
		}
	}
	if len(loud) > 0 || !v.silent {
		events = append(events, Levels{loud})
	}
	v.silent = len(loud) == 0
	v.driven = !v.silent
	return events, v.driven
}
