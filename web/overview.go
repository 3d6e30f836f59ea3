package web

import (
	"time"

	"parley/signaling/protocol"
)

// latestEvents is how many events are shown.
const latestEvents = 60

// Overview is what the operator's page shows.
type Overview struct {
	At, Started time.Time
	Version     string
	Draining    bool // it takes no new rooms

	Headroom int           // how many more people fit, -1 where not known
	Limit    string        // what limits that: "cpu", "egress" or "people"
	CPU      float64       // share of what may be used
	Cores    float64       // in use
	Egress   float64       // share of what may be sent, 0 without a limit
	Sent     int           // bit/s to everybody
	Packet   time.Duration // of CPU that one packet costs, 0 where not known
	Squeeze  int           // how much less video all get than they could, 0 for nothing less

	Rooms  []AdminRoom
	Events []AdminEvent // the newest first
}

// AdminRoom is a room with somebody in it.
type AdminRoom struct {
	Name    string
	Opened  time.Time
	Locked  bool
	Members []AdminMember
}

// AdminMember is somebody in a room.
type AdminMember struct {
	protocol.Participant
	Since        time.Time
	Host, Viewer bool
	Away         bool        // the connection is lost, and may come back
	Media        *AdminMedia // nil where nothing is known
}

// AdminMedia is how somebody's media is.
type AdminMedia struct {
	Way              string        // "udp", "tcp" or "turn", "" where there is none yet
	RTT              time.Duration // 0 where not known
	LossUp, LossDown float64       // shares of packets
	Estimate         int           // bit/s that the path to the client carries
	Sent, Received   int           // bit/s
	Tracks           []AdminTrack
	Pictures         []AdminPicture
	Sounds           int // that may go to the client
}

// AdminTrack is what somebody publishes.
type AdminTrack struct {
	Kind      string // "audio" or "video"
	Codec     string // "opus", "vp8" and so on
	Screen    bool
	Barred    bool // it goes to nobody
	Receivers int
	Why       string // "uplink" or "cpu": what keeps the publisher from sending its best, "" for nothing
	Layers    []AdminLayer
}

// AdminLayer is an encoding of a track.
type AdminLayer struct {
	RID               string
	Width, Height     int // 0 where not known, and of sound
	FrameRate         float64
	Bitrate           int  // bit/s
	Spatial, Temporal int  // layers within it
	Off               bool // nobody wants it
}

// AdminPicture is what somebody receives of another.
type AdminPicture struct {
	Publisher     string // channel name
	Name          string // screen name
	Screen        bool
	Layer, Layers int // of how many, counted from 0; -1: paused
	Width, Height int // 0 where not known
	Why           string
}

// AdminEvent is something that happened.
type AdminEvent struct {
	At   time.Time
	Room string
	Who  string // screen name, "" for nobody in particular
	What string // "entered", "left", "refused", "failed", "silent", "removed" or "closed"
	Why  string // an error type, or why a session ended
}

// People is how many there are, viewers included.
func (o Overview) People() (n int) {
	for _, r := range o.Rooms {
		n += len(r.Members)
	}
	return n
}

// Latest are the events that are shown.
func (o Overview) Latest() []AdminEvent { return o.Events[:min(len(o.Events), latestEvents)] }

// Viewers is how many only watch.
func (r AdminRoom) Viewers() (n int) {
	for _, m := range r.Members {
		if m.Viewer {
			n++
		}
	}
	return n
}

// Limits is how many pictures are limited by what, in a fixed order.
func (m AdminMedia) Limits() (limits []adminLimit) {
	for _, why := range []string{"bandwidth", "uplink", "cpu", "server", "choice"} {
		n := 0
		for _, p := range m.Pictures {
			if p.Why == why {
				n++
			}
		}
		if n > 0 {
			limits = append(limits, adminLimit{why, n})
		}
	}
	return limits
}

// Number is the layer, counted from 1.
func (p AdminPicture) Number() int { return p.Layer + 1 }

type adminLimit struct {
	Why string
	N   int
}

// Sharp is how many pictures nothing limits.
func (m AdminMedia) Sharp() (n int) {
	for _, p := range m.Pictures {
		if p.Why == "" {
			n++
		}
	}
	return n
}
