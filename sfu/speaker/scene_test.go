package speaker

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// epoch is when scenes begin.
func epoch() time.Time { return time.Unix(1_800_000_000, 0) }

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// sound is what a microphone picks up for a while, beside the noise of its room.
type sound struct {
	from, to time.Duration
	level    float64 // dBov, on average
	fade     float64 // dB/s by which it gets softer
	spread   float64 // dB, standard deviation
}

// microphone is one that people speak into.
type microphone struct {
	random *rand.Rand
	noise  float64 // dBov of the room
	sounds []sound
	drift  float64 // of levels, in standard deviations: neighbours are alike
}

func newMicrophone(seed uint64, noise float64) *microphone {
	return &microphone{random: rand.New(rand.NewPCG(seed, 1)), noise: noise}
}

// between is a random time.
func (m *microphone) between(from, to int) time.Duration { return ms(from + m.random.IntN(to-from+1)) }

// speak adds words of 200 to 600 ms with pauses of 100 to 300 ms. The first is no mere exclamation.
func (m *microphone) speak(from, to time.Duration, level float64) *microphone {
	return m.talk(from, to, level, 300)
}

func (m *microphone) talk(from, to time.Duration, level float64, pause int) *microphone {
	for length := m.between(350, 600); from < to; length = m.between(200, 600) {
		end := min(from+length, to)
		m.sounds = append(m.sounds, sound{from, end, level, 0, 5})
		from = end + m.between(100, pause)
	}
	return m
}

// within is a time at which a word was begun, and goes on for some time.
func (m *microphone) within(about time.Duration) time.Duration {
	for _, s := range m.sounds {
		if s.from >= about && s.to-s.from > ms(250) {
			return s.from + ms(100)
		}
	}
	return about
}

// trail lets a last word die away.
func (m *microphone) trail(from time.Duration, level float64) *microphone {
	m.sounds = append(m.sounds, sound{from, from + ms(300), level, 100, 2})
	return m
}

func (m *microphone) cough(from time.Duration) *microphone {
	m.sounds = append(m.sounds, sound{from, from + ms(100), -18, 0, 3}, sound{from + ms(100), from + ms(160), -30, 400, 2})
	return m
}

func (m *microphone) click(from time.Duration) *microphone {
	m.sounds = append(m.sounds, sound{from, from + ms(20), -12, 0, 2})
	return m
}

// laugh is some five ha a second.
func (m *microphone) laugh(from, to time.Duration) *microphone {
	for from < to {
		m.sounds = append(m.sounds, sound{from, from + ms(100), -22, 0, 3})
		from += m.between(190, 220)
	}
	return m
}

// level is what a packet says.
func (m *microphone) level(at time.Duration) uint8 {
	m.drift = 0.7*m.drift + 0.714*m.random.NormFloat64()
	loudest := m.noise + m.random.NormFloat64()
	for _, s := range m.sounds {
		if at >= s.from && at < s.to {
			loudest = max(loudest, s.level-s.fade*(at-s.from).Seconds()+s.spread*m.drift)
		}
	}
	return uint8(max(0, min(126, -loudest)))
}

// network is what happens to packets on their way.
type network struct {
	loss   float64
	jitter time.Duration
	dtx    bool
}

type packet struct {
	at    time.Duration
	who   int
	level uint8
}

// packets are all those that arrive until then, in order.
func packets(net network, until time.Duration, microphones ...*microphone) []packet {
	var arrive []packet
	for who, m := range microphones {
		quiet := 0
		last := time.Duration(0)
		for at := m.between(0, 20); at < until; at += ms(20) {
			level := m.level(at)
			if quiet++; level < 55 {
				quiet = 0
			}
			lost := m.random.Float64() < net.loss
			if lost || net.dtx && quiet > 10 && quiet%20 != 0 {
				continue
			}
			last = max(last, at) // in order
			if net.jitter > 0 {
				last = max(last, at+m.between(0, int(net.jitter.Milliseconds())))
			}
			arrive = append(arrive, packet{last, who, level})
		}
	}
	slices.SortStableFunc(arrive, func(a, b packet) int { return cmp.Compare(a.at, b.at) })
	return arrive
}

// room does with packets what the SFU does.
type room struct {
	voices   map[int]*Voice
	detector Detector[int]
}

func newRoom() *room { return &room{voices: map[int]*Voice{}} }

func (r *room) take(p packet) (dominant int, ok bool) {
	v := r.voices[p.who]
	if v == nil {
		v = new(Voice)
		r.voices[p.who] = v
	}
	now := epoch().Add(p.at)
	v.Hear(p.level, now)
	if v.Speaking(now) {
		r.detector.Hear(p.who, p.level, now)
	}
	return r.detector.Dominant(now)
}

// change is that somebody became dominant.
func (c change) String() string { return fmt.Sprintf("%d at %v", c.who, c.at) }

type change struct {
	at  time.Duration
	who int
}

func play(net network, until time.Duration, microphones ...*microphone) (changes []change) {
	r := newRoom()
	for _, p := range packets(net, until, microphones...) {
		who, ok := r.take(p)
		if n := len(changes); ok && (n == 0 || changes[n-1].who != who) {
			changes = append(changes, change{p.at, who})
		}
	}
	return changes
}
