package sfu

import (
	"context"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/alloc"
	"parley/sfu/icetcp"
)

// snapshotWait is how long peers may take to say how they are; who takes longer is left out.
const snapshotWait = 250 * time.Millisecond

// The ways on which media comes and goes.
const (
	OverUDP  = "udp"
	OverTCP  = "tcp"  // ICE over TCP
	OverTURN = "turn" // a relay, whatever leads to that
)

// PeerSnapshot is how one participant's media is at a moment.
type PeerSnapshot struct {
	Room, ID string
	Way      string        // OverUDP and so on, "" as long as there is no path
	RTT      time.Duration // 0 where not known
	LossUp   float64       // share of the packets of the client's that got lost within the last second
	LossDown float64       // likewise of those to the client, as far as it tells
	Estimate int           // bit/s that the path to the client carries, as far as is known
	Sent     int           // bit/s to the client, with all that is around the media
	Received int           // bit/s from it
	Tracks   []TrackSnapshot
	Pictures []Quality // that go to the client, or pause
	Sounds   int       // that may go to the client
}

// TrackSnapshot is a track that a participant publishes.
type TrackSnapshot struct {
	Kind      string // "audio" or "video"
	Codec     string // "opus", "vp8" and so on
	Screen    bool   // of a screen share
	Barred    bool   // it goes to nobody
	Receivers int
	Why       Why // what keeps the publisher from sending its best
	Layers    []LayerSnapshot
}

// LayerSnapshot is an encoding of a track.
type LayerSnapshot struct {
	RID               string
	Width, Height     int // 0 where not known, and of sound
	FrameRate         float64
	Bitrate           int // bit/s
	Spatial, Temporal int // layers within it that were seen, 0 of sound
	Off               bool
}

// Snapshot tells how all participants' media is. Each peer's loop answers for itself, so it may take up to 250 ms.
func (s *SFU) Snapshot() []PeerSnapshot {
	s.mu.Lock()
	rooms := make([]*room, 0, len(s.rooms))
	for _, r := range s.rooms {
		rooms = append(rooms, r)
	}
	s.mu.Unlock()
	var asked []snapshotWanted
	for _, r := range rooms {
		for _, p := range r.peers() {
			wanted := snapshotWanted{p, make(chan PeerSnapshot, 1)}
			p.post(wanted)
			asked = append(asked, wanted)
		}
	}
	late, cancel := context.WithTimeout(context.Background(), snapshotWait)
	defer cancel()
	all := make([]PeerSnapshot, 0, len(asked))
	for _, wanted := range asked {
		if snapshot, ok := wanted.await(late.Done()); ok {
			all = append(all, snapshot)
		}
	}
	return all
}

// snapshotWanted asks a peer how it is.
type snapshotWanted struct {
	of     *Peer
	answer chan PeerSnapshot
}

// await takes the answer. It returns false if none comes, as from a peer that is leaving, or not in time.
func (a snapshotWanted) await(late <-chan struct{}) (snapshot PeerSnapshot, ok bool) {
	select {
	case snapshot = <-a.answer: // however late it is by now
		return snapshot, true
	default:
	}
	select {
	case snapshot = <-a.answer:
		return snapshot, true
	case <-a.of.stop:
	case <-a.of.done:
	case <-late:
	}
	return PeerSnapshot{}, false
}

func (a snapshotWanted) do(p *Peer) error {
	a.answer <- p.snapshot(time.Now())
	return nil
}

func (p *Peer) snapshot(now time.Time) PeerSnapshot {
	c := p.conn
	snapshot := PeerSnapshot{Room: p.room.name, ID: p.id, Way: c.way()}
	for _, up := range c.published {
		snapshot.Tracks = append(snapshot.Tracks, TrackSnapshot{
			Kind: up.kind.String(), Codec: codecName(up.codec), Screen: up.source.screen, Barred: p.isBarred(up),
			Receivers: up.receivers.len(), Why: up.why(alloc.Free),
		})
		track := &snapshot.Tracks[len(snapshot.Tracks)-1]
		if up.microphone != nil {
			track.Receivers += up.microphone.slots.len()
		}
		c.ingress.describeLayers(track, up.allLayers(), now)
	}
	c.ingress.fill(&snapshot, now)
	snapshot.Pictures = make([]Quality, 0, len(c.lines.active))
	c.sender.fill(&snapshot, now)
	return snapshot
}

// way is on what media goes to the client and comes from it.
func (c *connection) way() string {
	to := c.transport.former
	switch {
	case !c.connected:
		return ""
	case icetcp.MadeUp(to):
		return OverTCP
	case c.relayed || c.transport.socket.Attached(to):
		return OverTURN
	}
	return OverUDP
}

// codecName is a MIME type's subtype in lower case, as in [Config].
func codecName(codec webrtc.RTPCodecCapability) string {
	_, name, _ := strings.Cut(strings.ToLower(codec.MimeType), "/")
	return name
}

// describeLayers says how the layers of a track are.
func (in *ingress) describeLayers(track *TrackSnapshot, layers []*layer, now time.Time) {
	track.Layers = make([]LayerSnapshot, 0, len(layers))
	in.mu.Lock()
	defer in.mu.Unlock()
	if track.Kind == webrtc.RTPCodecTypeVideo.String() {
		rankLayers(layers)
	}
	for _, l := range layers {
		described := LayerSnapshot{RID: l.rid, Width: int(l.width), Height: int(l.height), Bitrate: l.flow.bitrate(now)}
		if l.isVideo() {
			described.Spatial, described.Temporal = l.meter.spatial, l.meter.temporal
			described.Off = l.demand.switchedOff()
			if described.Bitrate > 0 {
				_, described.FrameRate = l.meter.upTo(maxSpatial-1, maxTemporal-1)
			}
		}
		track.Layers = append(track.Layers, described)
	}
}

// fill adds what is known of the way from the client.
func (in *ingress) fill(snapshot *PeerSnapshot, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	snapshot.Received = in.flow.bitrate(now)
	if in.timed {
		snapshot.RTT = in.rtt
	}
	var lost, expected uint64
	for _, s := range in.sources {
		if !s.repair {
			l, e := s.layer.account.Recent()
			lost, expected = lost+l, expected+e
		}
	}
	if expected > 0 {
		snapshot.LossUp = float64(lost) / float64(expected)
	}
}

// fill adds what is known of the way to the client.
func (s *sender) fill(snapshot *PeerSnapshot, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot.Sent = s.flow.bitrate(now)
	if s.control != nil {
		state := s.control.State()
		snapshot.Estimate, snapshot.LossDown = state.Estimate, state.Loss
	}
	for _, d := range s.tracks {
		switch told := d.choice.told; {
		case d.up.kind == webrtc.RTPCodecTypeAudio:
			snapshot.Sounds++
		case told.Layers > 0:
			snapshot.Pictures = append(snapshot.Pictures, told)
		}
	}
}
