package floor

// maxStandings is beyond how many those that say nothing are forgotten: whoever logs in anew makes another one.
const maxStandings = 10000

// newStanding makes that of p's session. What hosts have taken from the user in another session stays taken.
func (f *Floor) newStanding(p *Person) *standing {
	if len(f.standings) >= maxStandings {
		f.forgetOne()
	}
	f.begun++
	s := &standing{session: p.Session, user: p.User, number: f.begun}
	if other := f.latest[p.User]; other != nil {
		s.muted, s.cameraOff, s.screenOff, s.putOff = other.muted, other.cameraOff, other.screenOff, other.putOff
	}
	f.standings[p.Session], f.latest[p.User] = s, s
	return s
}

// forgetOne forgets the oldest standing that says no more than that its session was here.
func (f *Floor) forgetOne() {
	var oldest *standing
	for _, s := range f.standings {
		if s.forgettable() && (oldest == nil || s.number < oldest.number) {
			oldest = s
		}
	}
	if oldest == nil {
		return
	}
	delete(f.standings, oldest.session)
	if f.latest[oldest.user] == oldest {
		delete(f.latest, oldest.user)
	}
}

func (s *standing) forgettable() bool {
	return len(s.present) == 0 && s.expected == 0 && !s.host && !s.muted && !s.cameraOff && !s.screenOff && !s.putOff
}
