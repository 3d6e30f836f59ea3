package sim

import (
	"math/rand/v2"
	"time"

	"parley/sfu/alloc"
	"parley/sfu/congestion"
	"parley/sfu/pace"
)

// Options say how to run a scenario.
type Options struct {
	Seed  uint64
	Epoch time.Time           // what the machines take for the time at the start
	Wait  func(time.Duration) // is told how far the time moves on, before something happens; nil: nobody is
}

// Run lets a scenario happen. It depends on nothing but its arguments.
func Run(scenario Scenario, o Options) *Result {
	c := &clock{}
	random := func(stream uint64) *rand.Rand {
		return rand.New(rand.NewPCG(o.Seed, stream)) //nolint:gosec // it has to repeat
	}
	l := &link{
		clock: c, rate: scenario.Capacity, room: scenario.Room, delay: scenario.Delay, jitter: scenario.Jitter,
		noise: scenario.Noise, noises: random(4), loss: scenario.Loss, random: random(1), voices: random(3),
	}
	var publishers [videoTracks]*publisher
	for i := range publishers {
		r := random(uint64(10 + i))
		publishers[i] = newPublisher(c, r, time.Duration(r.Int64N(int64(frameInterval))))
	}
	result := &Result{Scenario: scenario, Seed: o.Seed}
	for i := range scenario.Subscribers {
		t := &tally{clock: c, rungs: [videoTracks]int{-1, -1, -1}}
		result.tallies = append(result.tallies, t)
		c.at(scenario.Subscribers[i].Joins, func() {
			join(c, l, &scenario, i, o.Epoch, publishers[:], t)
		})
	}
	if cross := scenario.Cross; cross.Rate > 0 {
		r := random(2)
		mean := float64(largestPacket*8) / float64(cross.Rate)
		var next func()
		next = func() {
			if c.now >= cross.To {
				return
			}
			l.send(largestPacket, pace.Video, nil)
			c.after(time.Duration(mean*(0.8+0.4*r.Float64())*float64(time.Second)), next)
		}
		c.at(cross.From, next)
	}
	c.run(scenario.Duration, o.Wait)
	for _, t := range result.tallies {
		result.Subscribers = append(result.Subscribers, t.Record)
	}
	return result
}

// join makes a subscriber with all that belongs to it.
func join(c *clock, l *link, scenario *Scenario, nth int, epoch time.Time, publishers []*publisher, t *tally) {
	s := &subscriber{clock: c, epoch: epoch, link: l, tally: t}
	s.controller = congestion.New[*packet](congestion.Options{}, s.now())
	s.receiver = &receiver{clock: c, link: l, sender: s, tally: t, blocked: scenario.Blackout.holds, deaf: scenario.Deaf}
	for i, p := range publishers {
		track := &videoTrack{
			subscriber: s, publisher: p, id: uint32(i), decided: -1, encoding: -1, history: map[int]*packet{},
		}
		p.receivers = append(p.receivers, track)
		s.tracks = append(s.tracks, track)
		s.wanted = append(s.wanted, alloc.Track{ID: track.id})
		s.receiver.streams = append(s.receiver.streams, &stream{track: track, highest: -1})
	}
	view := func() {
		for i, shown := range scenario.Subscribers[nth].shown(c.now) {
			s.wanted[i].Shown = shown
		}
		s.allocate()
	}
	for _, v := range scenario.Subscribers[nth].Views {
		if v.At > c.now {
			c.at(v.At, view)
		}
	}
	s.start()
	view()
	s.receiver.start(scenario.Feedback)
}
