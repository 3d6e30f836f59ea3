package sfu

import (
	"time"

	"parley/sfu/codec"
)

const (
	// More spatial and temporal layers than these are counted as the highest: nobody sends more than three of each.
	maxSpatial  = 4
	maxTemporal = 4

	meterWindow    = 250 * time.Millisecond
	meterPause     = 6 * time.Second // without packets: what was counted before says nothing of now
	meterSmooth    = 0.2             // weight of a window once there were some
	keyframeFactor = 4               // by which keyframes are larger than other frames
	keyframeSpread = 6               // windows over which what is larger is counted: encoders save it again meanwhile
	packetExtras   = 64              // bytes around a payload on the wire: IP, UDP, RTP, extensions, tag
)

// meter measures what each spatial and temporal layer of an encoding takes. It has one owner.
type meter struct {
	since   time.Time // the present window began
	last    time.Time
	bytes   [maxSpatial][maxTemporal]int
	frames  [maxTemporal]int             // of the lowest spatial layer
	windows int                          // so far
	key     bool                         // a keyframe is being counted
	owed    [maxSpatial][maxTemporal]int // bytes of keyframes that are still to be counted

	rates    [maxSpatial][maxTemporal]float64 // bit/s of each by itself
	fps      [maxTemporal]float64             // frames/s likewise
	spatial  int                              // layers seen
	temporal int
}

// add counts a packet.
func (m *meter) add(now time.Time, f *codec.Frame, size int) {
	if now.Sub(m.last) > meterPause {
		m.since, m.bytes, m.frames = now, [maxSpatial][maxTemporal]int{}, [maxTemporal]int{}
	}
	m.last = now
	s, t := min(int(f.Spatial), maxSpatial-1), min(int(f.Temporal), maxTemporal-1)
	m.spatial, m.temporal = max(m.spatial, s+1), max(m.temporal, t+1)
	if f.First {
		m.key = f.Keyframe
	}
	bytes := size + packetExtras
	if m.key {
		bytes /= keyframeFactor
		m.owed[s][t] += size + packetExtras - bytes
	}
	m.bytes[s][t] += bytes
	if f.First && s == 0 {
		m.frames[t]++
	}
	if elapsed := now.Sub(m.since); elapsed >= meterWindow {
		m.fold(elapsed.Seconds())
		m.since = now
	}
}

// fold ends a window.
func (m *meter) fold(seconds float64) {
	m.windows++
	weight := max(1/float64(m.windows), meterSmooth)
	for s := range m.spatial {
		for t := range m.temporal {
			part := m.owed[s][t] / keyframeSpread
			m.owed[s][t] -= part
			m.bytes[s][t] += part
			m.rates[s][t] += weight * (float64(m.bytes[s][t])*8/seconds - m.rates[s][t])
		}
	}
	for t := range m.temporal {
		m.fps[t] += weight * (float64(m.frames[t])/seconds - m.fps[t])
	}
	m.bytes, m.frames = [maxSpatial][maxTemporal]int{}, [maxTemporal]int{}
}

// slow is how long a layer of few frames may send none, 0 for a usual one.
func (m *meter) slow() time.Duration {
	fps := 0.0
	for _, one := range m.fps {
		fps += one
	}
	if fps == 0 || fps > 4 {
		return 0
	}
	return min(time.Duration(4/fps*float64(time.Second)), meterPause)
}

// measured reports whether the rates mean anything yet.
func (m *meter) measured() bool { return m.windows >= 2 }

// upTo is what a receiver of all layers up to those takes.
func (m *meter) upTo(spatial, temporal int) (bitrate, fps float64) {
	for s := range spatial + 1 {
		for t := range temporal + 1 {
			bitrate += m.rates[s][t]
		}
	}
	for t := range temporal + 1 {
		fps += m.fps[t]
	}
	return bitrate, fps
}
