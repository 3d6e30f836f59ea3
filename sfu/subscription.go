package sfu

import (
	"slices"
	"time"
)

// add makes a track part of what is shared out, before it is open: so its layers flow when it is.
func (s *sender) add(up *upTrack, shown tileSize) *downTrack {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	d := newDownTrack(s.next, up, s)
	d.choice.shown = shown
	s.tracks = append(s.tracks, d)
	s.review(time.Now())
	return d
}

// open lets packets of d out.
func (s *sender) open(d *downTrack, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.tracks, d) {
		d.open = true
		s.numbered = s.numbered || d.transportID != 0
		s.review(now)
		d.choice.request(now)
	}
}

// remove ends a track.
func (s *sender) remove(d *downTrack, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.tracks, d) {
		return
	}
	s.tracks = slices.DeleteFunc(s.tracks, func(other *downTrack) bool { return other == d })
	d.open = false
	s.numbered = slices.ContainsFunc(s.tracks, func(d *downTrack) bool { return d.open && d.transportID != 0 })
	s.flush(d)
	d.choice.release(now)
	s.review(now)
}

// flush forgets what waits of a track, as if it had never been forwarded. mu is held.
func (s *sender) flush(d *downTrack) {
	if s.control == nil {
		return
	}
	s.control.Flush(d.id, func(w *waiting) {
		if w.stream == d.stream && d.sealed.before(w.first) { // else it came late, and newer ones have gone out
			d.selector.Rewind(w.first)
		}
		s.recycle(w)
	})
}

// show takes how the receiver shows its tracks.
func (s *sender) show(now time.Time, size func(up *upTrack) tileSize) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.tracks {
		d.choice.shown = size(d.up)
	}
	s.review(now)
}
