package load

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"
)

// populate has people join at the wanted rate until there are so many of each role, those who publish first. It fails
// if the very first cannot.
func (e *engine) populate(ctx context.Context, counts ...int) error {
	for r, count := range counts {
		if err := e.grow(ctx, count, role(r), e.env.options.Ramp); err != nil {
			return err
		}
	}
	return nil
}

// grow has people of one role join, so many a second, until there are so many.
func (e *engine) grow(ctx context.Context, count int, as role, ramp float64) error {
	var joining sync.WaitGroup
	defer joining.Wait()
	every := time.Duration(float64(time.Second) / ramp)
	next := time.Now()
	for i := e.countOf(as); i < count && ctx.Err() == nil; i++ {
		p := e.newParticipant(e.rooms[i%len(e.rooms)], as)
		if p.number == 1 { // alone, to learn whether it works at all
			if err := e.enter(ctx, p); err != nil && ctx.Err() == nil {
				return err
			}
			next = time.Now()
			continue
		}
		joining.Go(func() { _ = e.enter(ctx, p) }) // which counts failures
		next = next.Add(every)
		pause(ctx, time.Until(next))
	}
	return nil
}

func (e *engine) countOf(as role) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, r := range e.rooms {
		n += r.count[as]
	}
	return n
}

func (e *engine) newParticipant(r *room, as role) *participant {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.numbers++
	p := &participant{env: e.env, number: e.numbers, room: r, role: as}
	if as == publisher {
		p.seat = r.seats
		r.seats++
	}
	if e.env.options.Shown > 0 {
		p.wall = newWall(e.env.options, &e.env.looks)
	}
	return p
}

// enter has somebody join, and counts.
func (e *engine) enter(ctx context.Context, p *participant) error {
	// Where people are silent at times, who has joined may hear nothing for a while.
	media := p.room.publishing.Load() > 0 && e.env.options.Talking == 0
	err := p.join(ctx, media)
	e.mu.Lock()
	if err == nil {
		p.arrived()
		e.came(e.env.clock.now())
		p.room.people = append(p.room.people, p)
		p.room.count[p.role]++
		if p.role == publisher {
			p.room.publishing.Add(1)
			p.room.stage.enter(p.name())
		}
	} else if ctx.Err() == nil {
		e.failures++
		if e.failure == nil {
			e.failure = err
		}
	}
	e.mu.Unlock()
	if err != nil {
		e.retire(p)
	}
	return err
}

// came and went are called with mu held, as the next.
func (e *engine) came(now int64) { e.joined, e.stays = e.joined+1, e.stays-float64(now) }
func (e *engine) went(now int64) { e.joined, e.stays = e.joined-1, e.stays+float64(now) }

// presence is how long all have been there until now, added up, in s.
func (e *engine) presence(now int64) float64 { return (e.stays + float64(e.joined)*float64(now)) / 1e9 }

// retire has somebody leave who is no longer, or never was, in a room's list.
func (e *engine) retire(p *participant) {
	signals := p.signals()
	ended := p.leave()
	e.mu.Lock()
	e.retired.add(p.total())
	e.signals.add(signals)
	e.mu.Unlock()
	if !ended {
		fmt.Fprintf(e.progress, "       participant %d did not end and was left behind\n", p.number)
	}
}

// shrink takes the last people of one role out of the fullest rooms until so many are left.
func (e *engine) shrink(count int, as role) {
	var leaving []*participant
	for excess := e.countOf(as) - count; excess > 0; excess-- {
		if p := e.lastOf(as); p != nil {
			leaving = append(leaving, p)
		}
	}
	e.retireAll(leaving)
}

// lastOf takes one of a role off the list of the fullest room.
func (e *engine) lastOf(as role) *participant {
	e.mu.Lock()
	defer e.mu.Unlock()
	fullest := e.rooms[0]
	for _, r := range e.rooms {
		if len(r.people) > len(fullest.people) {
			fullest = r
		}
	}
	for _, p := range slices.Backward(fullest.people) {
		if p.role == as {
			e.drop(p)
			return p
		}
	}
	return nil
}

// drop takes somebody off the lists. It is called with mu held.
func (e *engine) drop(p *participant) {
	i := slices.Index(p.room.people, p)
	if i < 0 {
		return
	}
	p.room.people = slices.Delete(p.room.people, i, i+1)
	e.went(e.env.clock.now())
	p.room.count[p.role]--
	if p.role == publisher {
		p.room.publishing.Add(-1)
		p.room.stage.leave(p.name())
	}
}

// retireAll has many leave, some at a time.
func (e *engine) retireAll(people []*participant) {
	const atOnce = 16
	var leaving sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for _, p := range people {
		turns <- struct{}{}
		leaving.Go(func() {
			e.retire(p)
			<-turns
		})
	}
	leaving.Wait()
}

func (e *engine) leaveAll() {
	var people []*participant
	e.mu.Lock()
	for _, r := range e.rooms {
		people = append(people, r.people...)
		r.people = nil
	}
	e.mu.Unlock()
	e.retireAll(people)
}

// churn has somebody leave and come back, now and then, until ctx ends.
func (e *engine) churn(ctx context.Context) {
	var moving sync.WaitGroup
	defer moving.Wait()
	for pause(ctx, time.Duration(float64(time.Second)/e.env.options.Churn)) {
		p := e.pick()
		if p == nil {
			continue
		}
		moving.Go(func() {
			e.retire(p)
			again := e.newParticipant(p.room, p.role)
			again.number, again.seat, again.account = p.number, p.seat, p.account
			_ = e.enter(ctx, again) // which counts failures
		})
	}
}

// pick takes somebody off the lists: one who only watches if there are such people.
func (e *engine) pick() *participant {
	e.mu.Lock()
	defer e.mu.Unlock()
	var candidates []*participant
	for _, r := range e.rooms {
		for _, p := range r.people {
			if p.role != publisher || e.env.options.Subscribers+e.env.options.Viewers == 0 {
				candidates = append(candidates, p)
			}
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	p := candidates[mathrand.IntN(len(candidates))] //nolint:gosec // anybody
	e.drop(p)
	return p
}
