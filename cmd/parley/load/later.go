package load

import (
	"context"
	"time"
)

// steadyFor is how long it is looked at what the people take who stay, before and after others join.
const steadyFor = 3 * time.Second

// Later is what it takes that people join a call that goes on.
type Later struct {
	Joins   int     `json:"joins"`
	Seconds float64 `json:"seconds"`  // from the first to the last
	Media   Times   `json:"media_ms"` // from the websocket to the first packet, of the newcomers

	OffersPresent    float64 `json:"offers_present"` // to each who was there
	OffersPresentMax int64   `json:"offers_present_max"`
	OffersNew        float64 `json:"offers_new"` // to each newcomer
	OffersNewMax     int64   `json:"offers_new_max"`
	BytesPresent     float64 `json:"bytes_present_per_join"` // of signalling with each who was there, for each newcomer
	BytesNew         float64 `json:"bytes_new"`              // of signalling with each newcomer
	Bytes            float64 `json:"bytes_per_join"`         // of signalling with all, for each newcomer
	CPU              float64 `json:"cpu_ms_per_join"`        // of the server, without what staying takes
}

// Times is a distribution, in ms.
type Times struct {
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
	Count uint64  `json:"count"`
}

func (d *distribution) times() Times {
	return Times{
		milliseconds(d.quantile(0.5)), milliseconds(d.quantile(0.9)), milliseconds(d.quantile(0.99)),
		milliseconds(d.quantile(1)), d.total(),
	}
}

// joinLater lets those who are there settle, and measures from the first to join later until the window's length after
// the last.
func (e *engine) joinLater(ctx context.Context, idle usage) (*Report, error) {
	o := e.env.options
	steady := min(o.Duration, steadyFor)
	pause(ctx, o.Warmup)
	e.adaptSampling()
	before := e.mark(ctx)
	pause(ctx, steady)
	present := e.eachSignals()
	w := e.open(ctx, idle)
	if err := e.grow(ctx, o.Rooms*(o.Publishers+o.JoinLater), publisher, o.JoinRamp); err != nil {
		return nil, err
	}
	joined := e.mark(ctx)
	pause(ctx, o.Duration)
	e.close(ctx, w)
	pause(ctx, steady)
	after := e.mark(ctx)
	l := &Later{
		Joins: o.Rooms * o.JoinLater, Seconds: time.Duration(joined.at - w.begin.at).Seconds(),
		Media: w.end.joins.since(w.begin.joins).times(),
	}
	l.count(present, e.eachSignals())
	l.CPU = cpuPerJoin(before, w.begin, joined, w.end, after, l.Joins)
	r := e.report(w, nil)
	r.Later = l
	return r, nil
}

// eachSignals are those of everybody who is there.
func (e *engine) eachSignals() map[*participant]signals {
	e.mu.Lock()
	people := e.everybody()
	e.mu.Unlock()
	each := make(map[*participant]signals, len(people))
	for _, p := range people {
		each[p] = p.signals()
	}
	return each
}

// count compares what everybody was told.
func (l *Later) count(before, after map[*participant]signals) {
	var present, newcomers signals
	for p, s := range after {
		if earlier, there := before[p]; there {
			present.add(s.since(earlier))
		} else {
			newcomers.add(s)
		}
	}
	a, b := present.report(), newcomers.report()
	joins := float64(max(1, l.Joins))
	l.OffersPresent, l.OffersPresentMax, l.OffersNew, l.OffersNewMax = a.Offers, a.MostOffers, b.Offers, b.MostOffers
	l.BytesPresent, l.BytesNew = (a.BytesIn+a.BytesOut)/joins, b.BytesIn+b.BytesOut
	l.Bytes = float64(present.bytesIn+present.bytesOut+newcomers.bytesIn+newcomers.bytesOut) / joins
}

// cpuPerJoin is what the server has used for a join, in ms: less what those take who are there, which grows evenly
// while people join; 0 if it is not known.
func cpuPerJoin(before, begin, joined, end, after mark, joins int) float64 {
	for _, m := range []mark{before, begin, joined, end, after} {
		if !m.server.known || joins == 0 {
			return 0
		}
	}
	span := func(a, b mark) float64 { return time.Duration(b.at - a.at).Seconds() }
	rate := func(a, b mark) float64 { return (b.server.cpu - a.server.cpu) / max(span(a, b), 1e-9) }
	few, many := rate(before, begin), rate(end, after)
	used := end.server.cpu - begin.server.cpu
	return 1000 * (used - (few+many)/2*span(begin, joined) - many*span(joined, end)) / float64(joins)
}
