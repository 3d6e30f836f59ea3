package signaling

import (
	"bytes"
	"time"

	"parley/sfu"
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

// ask is a request of one member, perhaps about another; target is nil where nobody of that name is here.
type ask func(f *floor.Floor, by, target *floor.Person) (floor.Changes, error)

// greet tells a newcomer what there is to know beside who is there. It is called with mu held.
func (r *room) greet(m *member) {
	var frames [][]byte
	if r.speaker != "" {
		frames = append(frames, r.speakerFrame())
	}
	frames = append(frames, r.state, r.hub.encode(protocol.KeyFloor, m.you))
	frames = append(frames, r.hands...)
	for _, other := range r.participants {
		if restricted(other.you) {
			frames = append(frames, r.hub.encode(protocol.KeyFloor, restrictions(other)))
		}
	}
	m.tell(news{frames: frames})
	m.tell(news{key: protocol.KeyChat, event: past(r.chat.History(m.person.Session))})
}

// request puts to the floor what m asks, about whoever has that name, and does what it decides.
func (r *room) request(m *member, channelName string, do ask) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[m.who.ChannelName] != m {
		return notInRoom
	}
	var target *floor.Person
	if other := r.members[channelName]; other != nil {
		target = other.person
	}
	changes, err := do(r.floor, m.person, target)
	if err != nil {
		return err
	}
	r.apply(changes)
	return nil
}

// apply makes true, and tells, what the floor has decided. It is called with mu held.
func (r *room) apply(changes floor.Changes) {
	for _, p := range changes.Removed {
		m := r.members[p.ID]
		r.take(m)
		m.tell(news{key: protocol.KeyFloor, event: removed{}})
		r.wantHeader()
	}
	for _, p := range changes.People {
		if m := r.members[p.ID]; m != nil && m.person == p {
			r.sync(m)
		}
	}
	r.syncState()
	r.wantKept()
	if v := r.floor.HandsVersion(); v != r.handsVersion {
		r.handsVersion = v
		r.wake(r.handsTold.want(time.Now(), r.every(handsEvery)))
	}
	if orphaned := r.floor.Orphaned(); !orphaned {
		r.stageOpens = throttle{}
	} else if r.stageOpens.due.IsZero() {
		r.stageOpens.due = time.Now().Add(hostsReturn)
		r.wake(r.stageOpens.due)
	}
}

// sync makes true what m may do now. It is called with mu held.
func (r *room) sync(m *member) {
	was, is, told := m.you, m.person.You(), restrictions(m)
	if was == is {
		return
	}
	m.you = is
	if b := barred(is); b != barred(was) {
		m.tell(news{key: protocol.KeyRTC, event: b})
	}
	m.tell(news{frames: [][]byte{r.hub.encode(protocol.KeyFloor, is)}})
	switch {
	case is.OnStage && !was.OnStage:
		r.goOn(m)
		r.wantHeader()
	case !is.OnStage && was.OnStage:
		r.goOff(m)
		r.wantHeader()
	case is.OnStage && restrictions(m) != told:
		frame := r.hub.encode(protocol.KeyFloor, restrictions(m))
		m.tell(news{frames: [][]byte{frame}})
		r.tellWhoKnow(m, frame)
	}
}

// syncState tells everybody the room's state if it is another one. It is called with mu held.
func (r *room) syncState() {
	state := r.hub.encode(protocol.KeyFloor, r.floor.State())
	if bytes.Equal(state, r.state) {
		return
	}
	r.state = state
	r.tellAll(news{frames: [][]byte{state}})
	r.wantHeader() // it says whether the room is locked
}

// barred is what is not forwarded of somebody.
func barred(you protocol.You) sfu.Barred {
	return sfu.Barred{
		Viewer: !you.OnStage, Microphone: you.Muted, Camera: you.CameraOff, Screen: you.ScreenOff,
	}
}

// barred is what is not forwarded of m now.
func (r *room) barred(m *member) sfu.Barred {
	r.mu.Lock()
	defer r.mu.Unlock()
	return barred(m.you)
}

// onStage reports whether somebody of that name is a participant.
func (r *room) onStage(channelName string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[channelName]
	return m != nil && m.person.OnStage()
}

// restrictions is what hosts have taken from a participant, as the others are told.
func restrictions(m *member) protocol.Restricted {
	return protocol.Restricted{
		Type: protocol.TypeRestricted, ChannelName: m.who.ChannelName,
		Muted: m.you.Muted, CameraOff: m.you.CameraOff, ScreenOff: m.you.ScreenOff,
	}
}

func restricted(you protocol.You) bool { return you.Muted || you.CameraOff || you.ScreenOff }
