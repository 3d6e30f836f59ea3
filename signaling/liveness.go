package signaling

import "time"

// When a participant counts as away, and as gone.
const (
	pingEvery = time.Second      // of silence, in a room
	awayAfter = 3 * time.Second  // of silence on the socket and of the media
	goneAfter = 15 * time.Second // likewise

	pingSlot = 250 * time.Millisecond

	idlePing    = 15 * time.Second // of silence, outside a room
	socketLimit = 45 * time.Second // of silence on the socket, whatever the media does

	lostAfter   = 5 * time.Second  // of silence of the media, of who has lost the socket
	resumeLimit = 30 * time.Second // without a socket, whatever the media does

	ownStall = 2 * time.Second // being woken that late means that this process slept, not the client
)

// liveness decides whether a participant is there, away or gone, from when something last arrived. It is pure: the
// session's loop owns one and passes the time.
type liveness struct {
	inRoom bool
	away   bool
	began  time.Time // what pings of all sessions are timed by; zero: nothing

	lost time.Time // since when there is no socket; zero while there is one

	flowing   bool      // media or STUN arrives
	flowUntil time.Time // when it last did, while it does not

	pinged   time.Time // when the last ping was asked for
	excused  time.Time // silence before this was our own
	deadline time.Time // what the last check asked to be woken at
}

// verdict is what to do now.
type verdict struct {
	ping, away, gone bool
	next             time.Time // check again then, at the latest
}

// enter and leave start and end a stay in a room. Media has not flowed until it is reported.
func (l *liveness) enter() {
	*l = liveness{inRoom: true, began: l.began, pinged: l.pinged, excused: l.excused}
}
func (l *liveness) leave() { *l = liveness{began: l.began, pinged: l.pinged, excused: l.excused} }

// lose and resume report that the socket is lost, and that there is another.
func (l *liveness) lose(now time.Time) { l.lost = now }
func (l *liveness) resume()            { l.lost = time.Time{} }

// media reports that nothing of the media arrived for the last awayAfter, or that something does.
func (l *liveness) media(silent bool, now time.Time) {
	if silent && l.flowing {
		l.flowUntil = now.Add(-awayAfter)
	}
	l.flowing = !silent
}

// check decides at now, heard being when the socket last brought anything.
func (l *liveness) check(now, heard time.Time) verdict {
	if !l.deadline.IsZero() && now.Sub(l.deadline) > ownStall {
		l.excused = now
	}
	heard = latest(heard, l.excused)
	alive := latest(heard, l.flowUntil)
	if l.flowing {
		alive = now
	}
	v := l.checkSocket(now, heard)
	if l.inRoom {
		limit := goneAfter
		if !l.lost.IsZero() {
			limit = lostAfter
		}
		v.away = now.Sub(alive) >= awayAfter
		v.gone = v.gone || now.Sub(alive) >= limit
		if !v.away {
			v.next = earliest(v.next, alive.Add(awayAfter))
		}
		v.next = earliest(v.next, alive.Add(limit))
	}
	l.deadline = v.next
	return v
}

// checkSocket decides as far as the media does not matter.
func (l *liveness) checkSocket(now, heard time.Time) verdict {
	if !l.lost.IsZero() {
		return verdict{gone: now.Sub(l.lost) >= resumeLimit, next: l.lost.Add(resumeLimit)}
	}
	every := idlePing
	if l.inRoom {
		every = pingEvery
	}
	v := verdict{gone: now.Sub(heard) >= socketLimit}
	nextPing := l.together(latest(heard, l.pinged).Add(every))
	if !now.Before(nextPing) {
		v.ping = true
		l.pinged = now
		nextPing = l.together(now.Add(every))
	}
	v.next = earliest(nextPing, heard.Add(socketLimit))
	return v
}

// together puts a time off a little, to where the pings of all sessions are sent at once: waking up costs more than
// pinging.
func (l *liveness) together(t time.Time) time.Time {
	if l.began.IsZero() {
		return t
	}
	return l.began.Add((t.Sub(l.began) + pingSlot - 1).Truncate(pingSlot))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
