package sfu

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// room is who is together and what they publish. It exists from the first join to the last leave.
//
// Every method locks, changes, and posts to the peers concerned before it unlocks: posting is a leaf operation, and
// under the lock it gives all peers the same order of events, so that nobody keeps a track whose end they were told
// before its beginning.
type room struct {
	// Static after construction.
	name   string
	voices *voices

	mu       sync.Mutex
	members  map[string]*Peer           // guarded by mu
	tracks   map[*upTrack]*Peer         // guarded by mu; the publisher of each
	orders   uint64                     // guarded by mu; counts what was published
	features map[string]json.RawMessage // guarded by mu; the latest of each member
}

func newRoom(name string, clock *voiceClock) *room {
	return &room{
		name:     name,
		voices:   newVoices(name, clock),
		members:  make(map[string]*Peer),
		tracks:   make(map[*upTrack]*Peer),
		features: make(map[string]json.RawMessage),
	}
}

// join adds a member and tells it what is published.
func (r *room) join(p *Peer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[p.id] != nil {
		return fmt.Errorf("id %s is taken in its room", p.id)
	}
	r.members[p.id] = p
	for _, track := range slices.SortedFunc(maps.Keys(r.tracks), byOrder) {
		p.post(trackPublished{track})
	}
	return nil
}

// leave removes a member with all that it publishes, and returns how many are left, and whether it was there still: one
// that has left already may have a successor of the same id.
func (r *room) leave(p *Peer) (left int, was bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[p.id] != p {
		return len(r.members), false
	}
	delete(r.members, p.id)
	delete(r.features, p.id)
	r.voices.leave(p)
	for track, publisher := range r.tracks {
		if publisher == p {
			r.remove(track)
		}
	}
	return len(r.members), true
}

// publish makes a track known to everybody but its publisher.
func (r *room) publish(p *Peer, track *upTrack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[p.id] != p {
		return // it left meanwhile
	}
	if _, already := r.tracks[track]; already {
		return
	}
	if track.order == 0 { // else it was barred meanwhile
		r.orders++
		track.order = r.orders
	}
	r.tracks[track] = p
	if track.microphone != nil {
		r.voices.add(track.microphone)
	}
	for _, member := range r.members {
		if member != p {
			member.post(trackPublished{track})
		}
	}
}

// unpublish takes a track back.
func (r *room) unpublish(track *upTrack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, published := r.tracks[track]; published {
		r.remove(track)
	}
}

// remove must be called with mu held.
func (r *room) remove(track *upTrack) {
	delete(r.tracks, track)
	if track.microphone != nil {
		r.voices.remove(track.microphone)
	}
	for _, member := range r.members {
		member.post(trackUnpublished{track})
	}
}

// share keeps the features of a member and passes them on.
func (r *room) share(p *Peer, features json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[p.id] != p {
		return
	}
	r.features[p.id] = features
	for _, member := range r.members {
		if member != p {
			member.post(featuresShared{p.id, features})
		}
	}
}

// unshare forgets the features of a member, who is not to be seen.
func (r *room) unshare(p *Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[p.id] == p {
		delete(r.features, p.id)
	}
}

// sendFeatures gives a member the latest of all others.
func (r *room) sendFeatures(p *Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, features := range r.features {
		if id != p.id {
			p.post(featuresShared{id, features})
		}
	}
}

// has reports whether somebody with that id is here.
func (r *room) has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members[id] != nil
}

// tell posts to the member with that id, if it is still here.
func (r *room) tell(id string, a action) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if member := r.members[id]; member != nil {
		member.post(a)
	}
}

func (r *room) peers() []*Peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	peers := make([]*Peer, 0, len(r.members))
	for _, member := range r.members {
		peers = append(peers, member)
	}
	return peers
}

func (r *room) count(counts *Counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts.Peers += len(r.members)
	counts.UpTracks += len(r.tracks)
	for track := range r.tracks {
		counts.DownTracks += track.receivers.len()
		if track.microphone != nil {
			counts.DownTracks += track.microphone.slots.len()
		}
	}
}
