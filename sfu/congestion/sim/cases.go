package sim

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// Case is a scenario of the acceptance and what must come out.
type Case struct {
	Number   int
	Variant  string // letter, if there are several
	Title    string
	Scenario Scenario
	Chart    Span // what a chart shows
	Limits   []Limit
}

// Limit is a bound on what is measured. It holds for the worst of the seeds.
type Limit struct {
	Name    string
	Unit    Unit
	AtLeast bool // else at most
	Bound   float64
	Others  string // what LiveKit's code and a prototype reached
	Measure func(r *Result) float64
}

// Unit says how a figure is written.
type Unit int

// The units.
const (
	Share        Unit = iota // per cent
	Seconds                  // s
	Milliseconds             // ms, measured in s
	Ratio                    // plain
	PerMinute                // plain, one digit
)

// Format writes a figure.
func (u Unit) Format(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "never"
	case u == Share:
		return strconv.FormatFloat(math.Round(10_000*v)/100, 'f', -1, 64) + " %"
	case u == Seconds:
		return strconv.FormatFloat(v, 'f', 2, 64) + " s"
	case u == Milliseconds:
		return strconv.FormatFloat(1000*v, 'f', 0, 64) + " ms"
	case u == PerMinute:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// Met reports whether a figure is within the limit. What is a rounding error away is.
func (l *Limit) Met(got float64) bool {
	const slack = 1e-9
	if l.AtLeast {
		return got >= l.Bound-slack
	}
	return got <= l.Bound+slack
}

// Worse returns the worse of two figures.
func (l *Limit) Worse(a, b float64) float64 {
	if l.AtLeast {
		return min(a, b)
	}
	return max(a, b)
}

// seconds is a span.
func seconds(from, to float64) Span {
	return Span{time.Duration(from * float64(time.Second)), time.Duration(to * float64(time.Second))}
}

// settled is a phase without its first 12 s, and quiet without its first 3 s.
func settled(phase Span) Span { return Span{phase.From + 12*time.Second, phase.To} }
func quiet(phase Span) Span   { return Span{phase.From + 3*time.Second, phase.To} }

func score(phase Span, bound float64, others string) Limit {
	return Limit{"score", Share, true, bound, others, func(r *Result) float64 { return r.Score(0, settled(phase)) }}
}

func reach(phase Span, bound float64, others string) Limit {
	return Limit{"85 % within", Seconds, false, bound, others, func(r *Result) float64 {
		return r.Reach(0, phase, 0.85)
	}}
}

func queue(phase Span, bound float64, others string) Limit {
	return Limit{"p95 queue", Milliseconds, false, bound, others, func(r *Result) float64 {
		return r.Queue(0, quiet(phase))
	}}
}

func gap(phase Span, bound float64, others string) Limit {
	return Limit{"gap", Seconds, false, bound, others, func(r *Result) float64 { return r.Gap(0, phase) }}
}

func badAudio(phase Span, bound float64, others string) Limit {
	return Limit{"bad audio", Share, false, bound, others, func(r *Result) float64 { return r.BadAudio(0, phase) }}
}

// Cases are the scenarios of the acceptance, in their order.
func Cases() []Case {
	cases := steady()
	cases = append(cases, drops()...)
	cases = append(cases, lossy()...)
	cases = append(cases, company()...)
	for i := range cases {
		if c := &cases[i]; c.Chart.To == 0 {
			c.Chart.To = c.Scenario.Duration - tail
		}
	}
	slices.SortStableFunc(cases, func(a, b Case) int { return a.Number - b.Number })
	return cases
}

// Name is the number with the variant.
func (c *Case) Name() string { return strconv.Itoa(c.Number) + c.Variant }

const tail = time.Second / 2 // for what was captured last to arrive

// during is the scenario that lasts for a phase.
func during(rate int, phase Span) Scenario { return constant(rate, phase.To+tail) }

// steady are those with a constant capacity and nothing else in the way.
func steady() []Case {
	minute := seconds(0, 60)
	plain := Case{Number: 1, Title: "1 Mbit/s", Scenario: during(1_000_000, minute), Limits: []Limit{
		score(minute, 0.99, "98 % / 100 %"),
		reach(minute, 2, "7 s / 2 s"),
		queue(minute, 0.065, "72 / 61 ms"),
		gap(minute, 0.5, "1.7 / 0.25 s"),
		badAudio(minute, 0.005, "2.8 % / 0"),
		{"switches/min", PerMinute, false, 2.5, "2.5 / 7.5", func(r *Result) float64 {
			return r.Switches(0, settled(minute))
		}},
	}}
	jitter := Case{Number: 7, Variant: "a", Title: "1 Mbit/s, 30 ms of jitter", Scenario: during(1_000_000, minute),
		Limits: []Limit{
			score(minute, 0.97, "96 % / 98 %"), reach(minute, 3, "14 / 2 s"), badAudio(minute, 0.005, "2.9 % / 0"),
			queue(minute, 0.065, "89 / 58 ms"),
		}}
	jitter.Scenario.Jitter = 30 * time.Millisecond
	far := Case{Number: 7, Variant: "b", Title: "1 Mbit/s, round trip of 300 ms", Scenario: during(1_000_000, minute),
		Limits: []Limit{
			score(minute, 0.995, "99.6 % / 99.6 %"), reach(minute, 3, "8.5 / 2 s"), badAudio(minute, 0.005, "4.8 % / 0"),
			queue(minute, 0.070, "170 / 61 ms"),
		}}
	far.Scenario.Delay = 150 * time.Millisecond
	shallow := Case{Number: 8, Title: "1 Mbit/s, a queue of 50 ms", Scenario: during(1_000_000, minute), Limits: []Limit{
		score(minute, 0.985, "93 % / 99 %"), gap(minute, 1, "3.3 / 1.4 s"), badAudio(minute, 0.003, "0.34 % / 0.14 %"),
	}}
	shallow.Scenario.Room = 1_000_000 / 8 / 20
	return []Case{plain, jitter, far, shallow}
}

// drops are those whose capacity changes.
func drops() []Case {
	before, low, after := seconds(0, 20), seconds(20, 60), seconds(60, 100)
	var cases []Case
	for i, ms := range []int{640, 300} {
		network := during(2_000_000, after)
		network.Capacity = []Step{{0, 2_000_000}, {low.From, 500_000}, {after.From, 2_000_000}}
		network.Room = 500_000 / 8 * ms / 1000
		variant := string(rune('a' + i))
		audio, hole := 0.05, 1.2
		if ms == 300 {
			audio, hole = 0.045, 1
		}
		title := [...]string{"640 ms of buffer", "300 ms of buffer"}[i]
		cases = append(cases, Case{Number: 2, Variant: variant, Title: "2 Mbit/s to 500 kbit/s, " + title,
			Scenario: network, Chart: seconds(15, 60), Limits: []Limit{
				{"allocation fits", Seconds, false, 0.7, "2.8 / 0.4 s", func(r *Result) float64 { return r.Fits(0, low) }},
				queue(low, 0.075, "608 / 59 ms"), gap(low, hole, "3.3 / 1.21 s"), score(low, 0.85, "69 % / 86 %"),
				badAudio(low, audio, "19 % / 7.6 %"),
			}}, Case{Number: 3, Variant: variant, Title: "back to 2 Mbit/s, " + title, Scenario: network,
			Chart: seconds(55, 85), Limits: []Limit{
				reach(after, 8, "22 / 10.5 s"), score(after, 0.99, "92 % / 100 %"),
			}})
	}
	before, low, after = seconds(0, 20), seconds(20, 50), seconds(50, 80)
	deep := Case{Number: 4, Title: "1 Mbit/s to 300 kbit/s, 1 s of buffer, then 2 Mbit/s",
		Scenario: during(1_000_000, after), Limits: []Limit{
			queue(low, 0.090, "1061 / 85 ms"), gap(low, 2, "18 / 2.6 s"), score(low, 0.98, "0 % / 100 %"),
			badAudio(low, 0.08, "96 % / 8.9 %"), reach(after, 6, "28 / 5.5 s"),
			{"all tracks back", Seconds, false, 3, "18 / 3.2 s", func(r *Result) float64 { return r.Back(0, after) }},
		}}
	deep.Scenario.Capacity = []Step{{before.From, 1_000_000}, {low.From, 300_000}, {after.From, 2_000_000}}
	deep.Scenario.Room = 300_000 / 8
	return append(cases, deep)
}

// lossy are those where packets, or what is said about them, get lost.
func lossy() []Case {
	minute := seconds(0, 60)
	five := Case{Number: 5, Title: "5 % of loss, ample capacity", Scenario: during(20_000_000, minute), Limits: []Limit{
		score(minute, 0.995, "100 % / 100 %"), reach(minute, 3, "1 / 4.5 s"),
	}}
	five.Scenario.Loss = 0.05
	ten := Case{Number: 6, Title: "1 Mbit/s, 10 % of loss", Scenario: during(1_000_000, minute), Limits: []Limit{
		score(minute, 0.85, "36 % / 81 %"), reach(minute, 7, "never / 6 s"), badAudio(minute, 0.105, "12.3 % / 10.4 %"),
	}}
	ten.Scenario.Loss = 0.10
	dark, after := seconds(20, 26), seconds(26, 56)
	blackout := Case{Number: 11, Title: "1 Mbit/s, no feedback for 6 s", Scenario: during(1_000_000, after)}
	blackout.Limits = []Limit{
		{"rate after 1.5 s", Ratio, false, 0.5, "1.06 / 0.14", func(r *Result) float64 {
			before := Span{dark.From - 5*time.Second, dark.From}
			return r.Sent(0, Span{dark.From + 1500*time.Millisecond, dark.To}) / r.Sent(0, before)
		}},
		reach(after, 3, "1 / 2.5 s"), queue(seconds(0, 56), 0.060, "86 / 44 ms"),
	}
	blackout.Scenario.Blackout = dark
	return []Case{five, ten, blackout}
}

// company are those with others on the link, and those where little is wanted.
func company() []Case {
	busy, alone := seconds(20, 40), seconds(40, 70)
	cross := Case{Number: 9, Title: "1 Mbit/s of cross traffic on 2 Mbit/s", Scenario: during(2_000_000, alone),
		Limits: []Limit{
			queue(busy, 0.095, "237 / 87 ms"),
			{"score during it", Share, true, 0.97, "11 % / 98 %", func(r *Result) float64 {
				return r.Score(0, quiet(busy))
			}},
			badAudio(busy, 0.005, "95 % / 0"), reach(alone, 5.5, "9 / 5.5 s"),
		}}
	cross.Scenario.Cross = Traffic{busy, 1_000_000}
	return append([]Case{cross}, little(), two(), failing())
}

// little is wanted at first: two small tiles and one that is hidden.
func little() Case {
	capped, all := seconds(0, 60), seconds(60, 120)
	const small = 320 * 180
	c := Case{Number: 10, Title: "400 kbit/s wanted of 1 Mbit/s, then all", Scenario: during(1_000_000, all)}
	c.Limits = []Limit{
		{"estimate over proof", Ratio, false, 1.2, "168 / 0.84", func(r *Result) float64 { return r.Boldness(0, capped) }},
		score(all, 0.99, "100 % / 97 %"), reach(all, 2, "7 / 1.5 s"), queue(all, 0.050, "50 / 39 ms"),
		badAudio(all, 0.005, "3.2 % / 0"),
	}
	everything := constant(0, 0).Subscribers[0].shown(0)
	c.Scenario.Subscribers = []Subscriber{{Views: []View{{0, [videoTracks]int{small, small, 0}}, {all.From, everything}}}}
	return c
}

// two share a link.
func two() Case {
	both := seconds(10, 70)
	c := Case{Number: 12, Title: "two on 2 Mbit/s, the second 10 s later", Scenario: during(2_000_000, both)}
	c.Scenario.Subscribers = []Subscriber{{}, {Joins: both.From}}
	worst := func(of func(r *Result, sub int) float64, pick func(a, b float64) float64) func(*Result) float64 {
		return func(r *Result) float64 { return pick(of(r, 0), of(r, 1)) }
	}
	lesser := func(a, b float64) float64 { return min(a, b) }
	greater := func(a, b float64) float64 { return max(a, b) }
	c.Limits = []Limit{
		{"Jain index", Ratio, true, 0.99, "0.989 / 0.984", func(r *Result) float64 { return r.Jain(both) }},
		{"score of each", Share, true, 0.93, "93 % / 87 %",
			worst(func(r *Result, sub int) float64 { return r.Score(sub, both) }, lesser)},
		{"both 85 % within", Seconds, false, 7, "7 / 18 s",
			worst(func(r *Result, sub int) float64 { return r.Reach(sub, both, 0.85) }, greater)},
		{"p95 queue", Milliseconds, false, 0.075, "105 / 77 ms",
			worst(func(r *Result, sub int) float64 { return r.Queue(sub, quiet(both)) }, greater)},
	}
	return c
}

// failing is where the next rung is just out of reach, so that every probe for it must fail.
func failing() Case {
	all := seconds(0, 120)
	return Case{Number: 13, Title: "700 kbit/s, the next rung at 696", Scenario: during(700_000, all), Limits: []Limit{
		{"queue by padding", Milliseconds, false, 0.060, "83 / 55 ms", func(r *Result) float64 { return r.Added(0, all) }},
		{"padding", Share, false, 0.015, "5.7 % / 1.1 %", func(r *Result) float64 { return r.Padding(0, all) }},
		score(all, 0.99, "100 % / 100 %"),
	}}
}
