package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Large is what `parley load` is asked for in large rooms.
type Large struct {
	Viewers   int    `json:"viewers,omitempty"`
	Shown     int    `json:"shown,omitempty"`      // videos on each page; 0: everybody's
	PageEvery int    `json:"page_every,omitempty"` // seconds from page to page
	TileSize  string `json:"tile_size,omitempty"`
	Slots     int    `json:"slots,omitempty"`   // 0: everybody's own audio
	Talking   int    `json:"talking,omitempty"` // in turn; 0: everybody, now and then
	VideoSize string `json:"video_size,omitempty"`
	FPS       int    `json:"fps,omitempty"`
	JoinLater int    `json:"join_later,omitempty"`
	JoinRamp  int    `json:"join_ramp,omitempty"` // of these, per second
	MaxPeople int    `json:"max_people,omitempty"`
	Shared    bool   `json:"shared,omitempty"` // server and load may both use all cores
}

// LargeReport is what its report says of large rooms.
type LargeReport struct {
	Person struct {
		CPU        float64 `json:"cpu"` // cores
		BytesIn    float64 `json:"bytes_in"`
		BytesOut   float64 `json:"bytes_out"`
		PacketsIn  float64 `json:"packets_in"`
		PacketsOut float64 `json:"packets_out"`
	} `json:"person"` // per second
	Signalling struct {
		Offers   float64 `json:"offers"`
		BytesIn  float64 `json:"bytes_in"`
		BytesOut float64 `json:"bytes_out"`
	} `json:"signalling"`
	Pictures *PicturesReport `json:"pictures"`
	Later    *LaterReport    `json:"later"`
}

// PicturesReport is what became of the tiles that pages showed.
type PicturesReport struct {
	Join   Spread `json:"join_ms"`
	Shown  Spread `json:"shown_ms"`
	Gaps   Spread `json:"gap_ms"`
	Frozen int    `json:"frozen"`
	Blank  int    `json:"blank"`
	Paused *int   `json:"paused,omitempty"` // tiles, by the server; nil where it was not noted
	Source Spread `json:"source_gap_ms"`
}

// LaterReport is what it takes that people join later.
type LaterReport struct {
	Media            Spread  `json:"media_ms"`
	OffersPresent    float64 `json:"offers_present"`
	OffersPresentMax int     `json:"offers_present_max"`
	OffersNew        float64 `json:"offers_new"`
	BytesPresent     float64 `json:"bytes_present_per_join"`
	BytesNew         float64 `json:"bytes_new"`
	Bytes            float64 `json:"bytes_per_join"`
	CPU              float64 `json:"cpu_ms_per_join"`
}

// cpu is the one to run on, negative for all.
func (l Large) cpu(own int) int {
	if l.Shared {
		return -1
	}
	return own
}

// joining is how long the later joins take.
func (l Large) joining() time.Duration {
	return time.Duration(l.JoinLater) * time.Second / time.Duration(max(1, l.JoinRamp))
}

// args are flags of `parley load`.
func (l Large) args() []string {
	var args []string
	for _, flag := range []struct {
		name  string
		value int
	}{
		{"viewers", l.Viewers}, {"shown", l.Shown}, {"slots", l.Slots}, {"talking", l.Talking}, {"fps", l.FPS},
		{"join-later", l.JoinLater}, {"join-ramp", l.JoinRamp},
	} {
		if flag.value > 0 {
			args = append(args, "--"+flag.name, strconv.Itoa(flag.value))
		}
	}
	if l.PageEvery > 0 {
		args = append(args, "--page-every", fmt.Sprintf("%ds", l.PageEvery))
	}
	if l.TileSize != "" {
		args = append(args, "--tile-size", l.TileSize)
	}
	if l.VideoSize != "" {
		args = append(args, "--video-size", l.VideoSize)
	}
	return args
}

func largeScenarios() []scenario {
	return []scenario{
		{"large", "2, 8, 30, 100 and 300 people all publishing, 9 shown", measureLarge, rowsLarge, true},
		{"audio300", "30 and 300 people, audio only, 5 talking in turn", measureAudio300, rowsAudio300, true},
		{"viewers1000", "3 on stage to 1000 viewers, smallest layer", measureViewers1000, rowsViewers1000, true},
		{"joins100", "100 joins in 10 s into a live call of 20", measureJoins100, rowsJoins100, true},
		{"hundred", "100 people all publishing, 9 shown: small video, and as many as there can be of simulcast",
			measureHundred, rowsHundred, true},
	}
}

const (
	smallSize    = "320x180"
	smallRate    = 10      // frames/s
	smallBitrate = 100_000 // bit/s
)

// meeting is a large room where everybody publishes small video.
func meeting(people int) Load {
	return Load{
		Rooms: 1, Publishers: people, Audio: true, Video: true, Bitrate: smallBitrate, Settle: 2,
		Large: Large{Shown: 9, Slots: 6, Talking: min(3, people), VideoSize: smallSize, FPS: smallRate},
	}
}

func measureLarge(ctx context.Context, b *bench) ([]Point, error) {
	var loads []Load
	for _, people := range []int{2, 8, 30, 100, 300}[:b.pick(5, 3)] {
		loads = append(loads, meeting(people))
	}
	if b.Quick {
		loads[2].Publishers = 12
	}
	return b.rounds(ctx, loads)
}

// rowsLarge compares the largest room with that of 30.
func rowsLarge(points []Point) []Row {
	many, some := points[len(points)-1], points[min(2, len(points)-1)]
	what := func(figure string) string {
		return fmt.Sprintf("%s, %d / %d people", figure, many.Load.people(), some.Load.people())
	}
	return []Row{
		atMost(what("CPU per person"), 1.5, "", pairs(many, some, cpuPerPerson)),
		atMost(what("bytes out per person"), 1.1, "", pairs(many, some, func(a, b *Sample) float64 {
			return a.Person.BytesOut / b.Person.BytesOut
		})),
		atMost("loss", 0, "", ours(many, lossOf)),
	}
}

func lossOf(s *Sample) float64          { return s.Loss }
func cpuPerPerson(a, b *Sample) float64 { return a.Person.CPU / b.Person.CPU }

func measureAudio300(ctx context.Context, b *bench) ([]Point, error) {
	var loads []Load
	for _, people := range []int{b.pick(30, 4), b.pick(300, 8)} {
		loads = append(loads, Load{
			Rooms: 1, Publishers: people, Audio: true, Settle: 2, Large: Large{Slots: 6, Talking: b.pick(5, 2)},
		})
	}
	return b.rounds(ctx, loads)
}

func rowsAudio300(points []Point) []Row {
	some, many := points[0], points[len(points)-1]
	sizes := fmt.Sprintf("%d / %d people", many.Load.people(), some.Load.people())
	listener := atMost("packets out per listener, "+sizes, 1.05, "", pairs(many, some, func(a, b *Sample) float64 {
		return a.Person.PacketsOut / many.Load.hearing() / (b.Person.PacketsOut / some.Load.hearing())
	}))
	if len(listener.Values) > 0 {
		listener.Note = fmt.Sprintf("of %d and %d people one talks and does not hear themself: packets per person over "+
			"%d/%d and %d/%d", many.Load.people(), some.Load.people(), many.Load.people()-1, many.Load.people(),
			some.Load.people()-1, some.Load.people())
	}
	return []Row{atMost("CPU per person, "+sizes, 1.5, "", pairs(many, some, cpuPerPerson)), listener}
}

// hearing is the share of the people who hear whoever talks: all but themself.
func (l Load) hearing() float64 { return float64(l.people()-1) / float64(l.people()) }

// measureViewers1000 looks for the limit where a thousand are too many, which remains an error.
func measureViewers1000(ctx context.Context, b *bench) ([]Point, error) {
	load := Load{
		Rooms: 1, Publishers: 3, Audio: true, Video: true, Bitrate: 1_200_000, Simulcast: true, Settle: 8,
		Large: Large{Viewers: b.pick(1000, 6), Shown: 3, TileSize: smallSize, Slots: 6, Talking: 3},
	}
	points, err := b.rounds(ctx, []Load{load})
	if err == nil || ctx.Err() != nil {
		return points, err
	}
	fmt.Fprintf(b.out, "  the limit instead: %v\n", err)
	tooMany := err
	load.Viewers, load.FindLimit, load.MaxPeople = 100, true, 1200
	sample, err := b.sample(ctx, parleyServer, load)
	if err != nil {
		return points, errors.Join(tooMany, err)
	}
	points = append(points, Point{Load: load, Runs: []Run{{Parley: sample}}})
	if sample.Limit == nil {
		return points, tooMany
	}
	return points, fmt.Errorf("%s; %w", limitNote(points[len(points)-1]), tooMany)
}

// limitNote is "" where no limit was looked for.
func limitNote(p Point) string {
	if !p.Load.FindLimit || len(p.Runs) == 0 || p.Runs[0].Parley.Limit == nil {
		return ""
	}
	limit := p.Runs[0].Parley.Limit
	return fmt.Sprintf("the limit is %d viewers: %s", limit.People-p.Load.Publishers, limit.Reason)
}

func rowsViewers1000(points []Point) []Row {
	first, last := points[0], points[len(points)-1]
	row := atMost("loss", 0, "", ours(first, lossOf))
	if notes := ours(first, (*Sample).share); len(notes) > 0 {
		row.Note = fmt.Sprintf("%d viewers, %.0f %% of the core", first.Load.Viewers, 100*median(notes))
	}
	if last.Load.FindLimit { // a run failed, whatever those before it say
		row.Pass = false
	}
	if note := limitNote(last); note != "" {
		row.Note = note
	}
	return []Row{row}
}

func measureJoins100(ctx context.Context, b *bench) ([]Point, error) {
	load := meeting(b.pick(20, 4))
	load.JoinLater, load.JoinRamp, load.Ramp = b.pick(100, 4), 10, oneByOne
	return b.rounds(ctx, []Load{load})
}

func rowsJoins100(points []Point) []Row {
	p := points[0]
	of := func(figure func(*Sample) float64) []float64 { return ours(p, figure) }
	rows := []Row{longestFreeze(p), firstFrame("join to first frame, p99", p), blank(p)}
	middle := func(figure func(*Sample) float64) string { return number(median(of(figure))) }
	if len(p.Runs) > 0 {
		rows[0].remark("frames left the load at most %s ms apart",
			middle(func(s *Sample) float64 { return s.Pictures.Source.Max }))
		rows[1].remark("per join: %s ms of CPU, %s kB of signalling; %s offers to each newcomer, %s to each who "+
			"was there for all of them, at most %s",
			middle(func(s *Sample) float64 { return s.Later.CPU }),
			middle(func(s *Sample) float64 { return s.Later.Bytes / 1000 }),
			middle(func(s *Sample) float64 { return s.Later.OffersNew }),
			middle(func(s *Sample) float64 { return s.Later.OffersPresent }),
			middle(func(s *Sample) float64 { return float64(s.Later.OffersPresentMax) }))
	}
	return rows
}

// measureHundred has 100 people with small video, and looks how many there can be with simulcast.
func measureHundred(ctx context.Context, b *bench) ([]Point, error) {
	small := meeting(b.pick(100, 6))
	small.Shared = true
	points, err := b.rounds(ctx, []Load{small})
	if err != nil {
		return points, err
	}
	full := meeting(b.pick(20, 3))
	full.VideoSize, full.FPS, full.Bitrate, full.Simulcast, full.Settle = "1280x720", 25, 1_200_000, true, 8
	full.FindLimit, full.MaxPeople, full.Shared = true, b.pick(100, 4), true
	sample, err := b.sample(ctx, parleyServer, full)
	if err != nil {
		return points, err
	}
	return append(points, Point{Load: full, Runs: []Run{{Parley: sample}}}), nil
}

func rowsHundred(points []Point) []Row {
	small := points[0]
	people := fmt.Sprintf("%d people with video of %s", small.Load.people(), small.Load.VideoSize)
	rows := []Row{
		atMost(people+": loss", 0, "", ours(small, lossOf)),
		atMost(people+": p99 latency", 20, "ms", ours(small, func(s *Sample) float64 { return s.Latency.P99 })),
		firstFrame(people+": join to first frame, p99", small),
	}
	for _, p := range points[1:] {
		if limit := p.Runs[0].Parley.Limit; limit != nil {
			row := newRow("people with simulcast", "as many as two cores carry", "", []float64{float64(limit.People)})
			row.Pass, row.Note = limit.People > 0, limit.Reason
			rows = append(rows, row)
		}
	}
	return rows
}
