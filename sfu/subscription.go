package sfu

import (
	"slices"
	"time"
)

// add makes a track part of what share shares out next.
func (s *sender) add(up *upTrack, shown tileSize) *downTrack {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	d := newDownTrack(s.next, up, s)
	d.choice.shown = shown
	s.tracks = append(s.tracks, d)
	return d
}

// share decides what each track gets, before they are open, and asks for their keyframes: so their layers flow when
// they are, and begin with a keyframe that came meanwhile.
func (s *sender) share(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.review(now)
	for _, d := range s.tracks {
		if !d.open {
			d.await(now)
		}
	}
}

// open lets packets of tracks out.
func (s *sender) open(downs []*downTrack, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for _, d := range downs {
		d.open = true
		s.numbered = s.numbered || d.transportID != 0
	}
	s.review(now)
	for _, d := range downs {
		d.await(now)
	}
}

// retry does what nothing that flows leads to: it decides anew what each track gets, and asks again for the keyframes
// that receivers wait for who get nothing. The packets of a layer repeat what was asked of it, but one that shows
// nothing new, like a screen, may send none until it is asked.
func (s *sender) retry(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && now.Sub(s.reviewed) >= reportInterval {
		s.review(now) // no packet comes that would lead to it
	}
	for _, d := range s.tracks {
		if _, waits := d.selector.Waiting(); waits && d.open && now.Sub(d.sent.at) >= reportInterval {
			d.choice.request(now)
		}
	}
}

// close ends all tracks. Nothing is decided any more: what the last ones leave is nobody's.
func (s *sender) close(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.tracks {
		d.open = false
		s.flush(d)
		d.choice.release(now)
	}
	s.tracks, s.limited, s.stale, s.closed = nil, false, false, true
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
	s.touch(now)
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
	s.touch(now)
}
