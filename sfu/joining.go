package sfu

import (
	"sync/atomic"
	"time"

	"parley/sfu/codec"
	"parley/sfu/egress"
	"parley/sfu/selection"
	"parley/sfu/wire"
)

const (
	maxRun   = 512                    // packets of a run
	runPause = 100 * time.Millisecond // without a packet, and nobody waits for the next
)

// keyframeRun is what a layer has sent since the newest keyframe began: with it, who joins within keyframeInterval, or
// has the picture come into view, sees it at once, and needs no keyframe of its own.
type keyframeRun struct {
	// For anybody to read, UnixNano.
	began atomic.Int64 // 0: there is no run
	came  atomic.Int64 // the newest packet

	// Guarded by the ingress' mu.
	preface []packet    // of the keyframe
	packets []runPacket // in the order of their numbers
	newest  newest      // number that came
}

// runPacket is what the cache does not tell of a packet.
type runPacket struct {
	sequence  uint16
	timestamp uint32
	marker    bool
	empty     bool
	arrived   time.Time
}

// add notes a packet.
func (r *keyframeRun) add(p *packet) {
	ahead := r.newest.before(p.header.Sequence)
	r.newest.note(p.header.Sequence)
	switch {
	case p.frame.Keyframe && (len(r.packets) == 0 || r.packets[0].timestamp != p.header.Timestamp):
		if !ahead { // some of the rest has gone by
			r.end()
			return
		}
		r.packets, r.preface = r.packets[:0], p.preface
		r.began.Store(p.in.Arrived.UnixNano())
	case len(r.packets) == 0:
		return
	case len(r.packets) == maxRun || !r.fresh(p.in.Arrived):
		r.end()
		return
	case int16(p.header.Sequence-r.packets[0].sequence) < 0:
		if p.header.Timestamp == r.packets[0].timestamp { // a part of the keyframe that was missing when it began
			r.end()
		}
		return
	}
	r.came.Store(p.in.Arrived.UnixNano())
	h := &p.header
	r.packets = append(r.packets, runPacket{h.Sequence, h.Timestamp, h.Marker, len(p.payload) == 0, p.in.Arrived})
	for i := len(r.packets) - 1; i > 0 && int16(r.packets[i].sequence-r.packets[i-1].sequence) < 0; i-- {
		r.packets[i], r.packets[i-1] = r.packets[i-1], r.packets[i]
	}
}

func (r *keyframeRun) end() {
	r.packets, r.preface = r.packets[:0], nil
	r.began.Store(0)
}

// fresh reports whether the run is short enough to be sent to somebody who joins.
func (r *keyframeRun) fresh(now time.Time) bool {
	began := r.began.Load()
	return began != 0 && now.UnixNano()-began < int64(keyframeInterval)
}

// flows reports whether a packet that leads to the run is about to come.
func (r *keyframeRun) flows(now time.Time) bool {
	return r.fresh(now) && now.UnixNano()-r.came.Load() < int64(runPause)
}

// missed reports whether the receiver has got nothing of the track since the run began. The sender's mu is held.
func (d *downTrack) missed(run *keyframeRun) bool {
	return d.sent.packets == 0 || d.sent.at.UnixNano() < run.began.Load()
}

// joins reports whether p finds a receiver that has got nothing of the run before p and may begin with it.
func (d *downTrack) joins(p *packet) bool {
	if !p.layer.isVideo() || len(p.layer.run.packets) == 0 || !p.layer.run.fresh(p.in.Arrived) || !d.missed(&p.layer.run) {
		return false
	}
	encoding, waits := d.selector.Waiting()
	return waits && encoding == p.in.Encoding && encoding != d.selector.Current().Encoding && !d.selector.Begins(&p.in)
}

// join sends the run that p belongs to, p and what came with it included: these are offered again, in vain.
func (d *downTrack) join(p *packet, b *egress.Batch, path *egress.Destination) {
	run := &p.layer.run
	from := run.packets[0].sequence
	if len(run.preface) > 0 {
		from = run.preface[0].header.Sequence
	}
	d.selector.Replay(p.in.Encoding, from)
	parser := codec.Parser{Kind: p.layer.track.format}
	for i, kept := range run.packets {
		again := packet{
			layer:  p.layer,
			leaves: p.in.Arrived,
			header: wire.Header{Sequence: kept.sequence, Timestamp: kept.timestamp, Marker: kept.marker},
			in: selection.Packet{
				Encoding: p.in.Encoding, Sequence: kept.sequence, Timestamp: kept.timestamp, Marker: kept.marker,
				Empty: kept.empty, Arrived: kept.arrived, Clock: p.in.Clock,
			},
		}
		again.in.Frame = &again.frame
		if i == 0 {
			again.preface = run.preface
		}
		if !kept.empty {
			again.payload, again.descriptor = p.layer.cache.copy(d.sender.kept[:], kept.sequence)
			var err error
			if again.frame, err = parser.Parse(again.payload, again.descriptor, kept.marker); err != nil {
				return
			}
		}
		d.offer(&again, b, path)
	}
}
