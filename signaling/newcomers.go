package signaling

import (
	"slices"
	"sort"
	"strings"
	"time"

	"parley/signaling/protocol"
)

const (
	announceEvery = 250 * time.Millisecond // newcomers are announced, where there are many
	few           = 8                      // members; of whom joins so few, each is told at once
	many          = 32                     // newcomers that are not put off: each has to be told of those after it
)

// announcement is one frame that tells of several newcomers.
type announcement struct {
	HTML string `json:"html"` // first, as a client acts on it first
	RTC  any    `json:"rtc"`
}

// goOn has m among those whom the others see: at once, or with the next announcement. It is called with mu held.
func (r *room) goOn(m *member) {
	r.staged++
	m.seq = r.staged
	r.participants = append(r.participants, m)
	r.pending = append(r.pending, m)
	now := time.Now()
	if len(r.members) == 1 { // nobody to be told
		r.announced()
		return
	}
	due := r.newcomers.want(now, announceEvery)
	if len(r.members) <= few || len(r.pending) >= many || !due.After(now) {
		r.announce(now)
	} else {
		r.wake(due)
	}
}

// goOff takes m from those whom the others see, and tells whoever has been told of m. It is called with mu held.
func (r *room) goOff(m *member) {
	if m.seq == 0 {
		return
	}
	r.tellWhoKnow(m, r.hub.encode(protocol.KeyRTC, protocol.Disconnected{
		Type: protocol.TypeDisconnected, ChannelName: m.who.ChannelName,
	}))
	m.seq = 0
	is := func(other *member) bool { return other == m }
	r.participants = slices.DeleteFunc(r.participants, is)
	r.pending = slices.DeleteFunc(r.pending, is)
	if r.speaker == m.who.ChannelName {
		r.speaker = ""
		r.tellAll(news{frames: [][]byte{r.speakerFrame()}})
	}
}

// announce tells everybody of whom they have not been told. It is called with mu held.
func (r *room) announce(now time.Time) {
	if len(r.pending) == 0 {
		return
	}
	r.newcomers = throttle{last: now}
	frames := make(map[int][][]byte, 1)
	for _, m := range r.members {
		r.tellPending(m, frames)
	}
	r.announced()
}

// catchUp tells m now of whom it has not been told: what comes next is about them.
func (r *room) catchUp(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) == 0 || r.members[m.who.ChannelName] != m {
		return
	}
	r.tellPending(m, make(map[int][][]byte, 1))
	m.knows = r.staged
}

// tellPending tells m of those of the pending that it does not know: who came in the meantime knows some. The frames
// are what others were told, by the first whom they did not know. It is called with mu held.
func (r *room) tellPending(m *member, frames map[int][][]byte) {
	first := sort.Search(len(r.pending), func(i int) bool { return r.pending[i].seq > m.knows })
	if own := slices.Index(r.pending[first:], m); own >= 0 { // was here before going on stage
		m.tell(news{frames: r.introduce(slices.Delete(slices.Clone(r.pending[first:]), own, own+1))})
	} else if first < len(r.pending) {
		if frames[first] == nil {
			frames[first] = r.introduce(r.pending[first:])
		}
		m.tell(news{frames: frames[first]})
	}
}

// announced notes that everybody knows of all. It is called with mu held.
func (r *room) announced() {
	clear(r.pending)
	r.pending = r.pending[:0]
	for _, m := range r.members {
		m.knows = r.staged
	}
}

// introduce makes the frames that tell of newcomers, none for nobody. It is called with mu held.
func (r *room) introduce(newcomers []*member) [][]byte {
	if len(newcomers) == 0 {
		return nil
	}
	var panels, states strings.Builder
	ids := make([]protocol.Participant, len(newcomers))
	for i, m := range newcomers {
		panels.WriteString(m.panel)
		states.WriteString(m.away)
		ids[i] = m.who
	}
	html := panels.String() + states.String()
	var frames [][]byte
	if len(ids) == 1 {
		frames = [][]byte{
			r.hub.encode(protocol.KeyHTML, html),
			r.hub.encode(protocol.KeyRTC, protocol.Other{Type: protocol.TypeOther, Participant: ids[0]}),
		}
	} else {
		frames = [][]byte{r.hub.encodeFrame(announcement{
			HTML: html, RTC: protocol.Others{Type: protocol.TypeOthers, IDs: ids},
		})}
	}
	for _, m := range newcomers {
		if restricted(m.you) {
			frames = append(frames, r.hub.encode(protocol.KeyFloor, restrictions(m)))
		}
	}
	return frames
}
