package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Load is what `parley load` is asked for, in every room the same.
type Load struct {
	Rooms       int  `json:"rooms"`
	Publishers  int  `json:"publishers"`
	Subscribers int  `json:"subscribers"` // beside the publishers, who receive too
	Audio       bool `json:"audio,omitempty"`
	Video       bool `json:"video,omitempty"`
	Bitrate     int  `json:"bitrate,omitempty"` // of a video, bit/s
	Simulcast   bool `json:"simulcast,omitempty"`
	Large
	Ramp      int  `json:"ramp,omitempty"`   // people joining per second; 0: the usual
	Settle    int  `json:"settle,omitempty"` // further seconds until everybody has the best picture
	FindLimit bool `json:"find_limit,omitempty"`
}

func (l Load) people() int { return l.Rooms * (l.Publishers + l.Subscribers + l.Viewers + l.JoinLater) }

// oneByOne is a ramp at which nobody waits for those who came before.
const oneByOne = 10

// streamBitrate is that of every video here, and what a viewer of one stream gets.
const streamBitrate = 2_000_000

// scenario is a measurement and the targets that hang on it; without rows it only yields figures.
type scenario struct {
	name, about string
	measure     func(ctx context.Context, b *bench) ([]Point, error)
	rows        func(points []Point) []Row
	large       bool // it is about large rooms
}

func choose(names []string) ([]scenario, error) {
	all := scenarios()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []scenario
	for _, name := range names {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: no scenario %q; -scenario list lists them", errUsage, name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func scenarios() []scenario {
	return append([]scenario{
		{"viewers", "1 publisher to 30 viewers, audio and video", measureViewers, rowsViewers, false},
		{"room8", "8 people all publishing audio and video", measureRoom8, rowsRoom8, false},
		{"audio20", "20 people, audio only", measureAudio20, rowsAudio20, false},
		{"growth", "1 video to 10, 30, 100 and 300 viewers", measureGrowth, rowsGrowth, false},
		{"latency", "viewers of one video that take half a core", measureLatency, rowsLatency, false},
		{"loss80", "viewers of one video that take 80 % of a core", measureLoss80, rowsLoss80, false},
		{"limit", "viewers of one video until p99 latency > 100 ms", measureLimit, rowsLimit, false},
		{"control", "what congestion control costs: simulcast to 30 viewers, and a call of 8", measureControl, rowsControl,
			false},
		{"join50", "50 people in a room, 10 of them publishing audio and video", measureJoin50, rowsJoin50,
			false},
		{"rooms", "1, 4, 16 and 64 rooms of a publisher and 3 viewers (figures only)", measureRooms, nil, false},
		{"tracks", "2, 4, 8 and 12 people all publishing audio and video (figures only)", measureTracks, nil, false},
	}, largeScenarios()...)
}

// video is one stream to that many viewers.
func video(viewers int) Load {
	return Load{Rooms: 1, Publishers: 1, Subscribers: viewers, Video: true, Bitrate: streamBitrate}
}

// call is a room where everybody publishes.
func call(people int) Load {
	return Load{Rooms: 1, Publishers: people, Audio: true, Video: true, Bitrate: streamBitrate}
}

func measureViewers(ctx context.Context, b *bench) ([]Point, error) {
	load := video(b.pick(30, 5))
	load.Audio = true
	return b.turns(ctx, load)
}

func rowsViewers(points []Point) []Row {
	return []Row{
		atMost("CPU per packet / floor", 1.5, "", ratios(points[0], overFloor)),
		atMost("CPU per packet / stock", 0.4, "", ratios(points[0], overStock)),
	}
}

func measureRoom8(ctx context.Context, b *bench) ([]Point, error) {
	load := call(b.pick(8, 3))
	load.Ramp = oneByOne
	return b.turns(ctx, load)
}

func rowsRoom8(points []Point) []Row {
	p := points[0]
	return []Row{
		atMost("CPU per packet / stock", 0.5, "", ratios(p, overStock)),
		atMost("memory per participant", 2, "MB", ours(p, func(s *Sample) float64 { return s.Server.RSSPerPerson / 1e6 })),
		atMost("join to first packet, median", 25, "ms", ours(p, joinMedian)),
	}
}

func measureAudio20(ctx context.Context, b *bench) ([]Point, error) {
	return b.turns(ctx, Load{Rooms: 1, Publishers: b.pick(20, 4), Audio: true})
}

func rowsAudio20(points []Point) []Row {
	return []Row{atMost("CPU per packet / stock", 0.65, "", ratios(points[0], overStock))}
}

func measureGrowth(ctx context.Context, b *bench) ([]Point, error) {
	loads := []Load{video(10), video(30), video(100), video(300)}
	if b.Quick {
		loads = []Load{video(2), video(6)}
	}
	return b.rounds(ctx, loads)
}

func rowsGrowth(points []Point) []Row {
	first, last := points[0], points[len(points)-1]
	before := points[max(0, len(points)-2)]
	growth := pairs(last, first, func(a, b *Sample) float64 { return a.Server.PerPacket / b.Server.PerPacket })
	extra := pairs(last, before, func(a, b *Sample) float64 {
		return (a.Server.RSS - b.Server.RSS) / float64(last.Load.Subscribers-before.Load.Subscribers) / 1e3
	})
	return []Row{
		atMost(fmt.Sprintf("CPU per packet, %d / %d viewers", last.Load.Subscribers, first.Load.Subscribers), 1.1, "",
			growth),
		atMost("memory per extra viewer", 400, "kB", extra),
	}
}

// measureLatency loads each server with what takes it half of the core: first ours, then stock.
func measureLatency(ctx context.Context, b *bench) ([]Point, error) {
	parley, err := b.viewersAt(ctx, parleyServer, 0.5)
	if err != nil {
		return nil, err
	}
	stock, err := b.viewersAt(ctx, stockServer, 0.5)
	if err != nil {
		return nil, err
	}
	points := []Point{{Load: video(parley)}, {Load: video(stock)}}
	for range b.Runs {
		var runs [2]Run
		if runs[0].Parley, err = b.sample(ctx, parleyServer, points[0].Load); err != nil {
			return points, err
		}
		if runs[1].Stock, err = b.sample(ctx, stockServer, points[1].Load); err != nil {
			return points, err
		}
		points[0].Runs, points[1].Runs = append(points[0].Runs, runs[0]), append(points[1].Runs, runs[1])
	}
	return points, nil
}

// rowsLatency allows 2 ms, or 1.25 x stock's where that is more.
func rowsLatency(points []Point) []Row {
	latency := ours(points[0], func(s *Sample) float64 { return s.Latency.P99 })
	var allowed, parts []float64
	for i, run := range points[1].Runs {
		if i < len(latency) {
			allowed = append(allowed, max(2, 1.25*run.Stock.Latency.P99))
			parts = append(parts, latency[i]/allowed[i])
		}
	}
	row := atMost("p99 latency at half load", median(allowed), "ms", latency)
	row.Target += " (2, or 1.25 x stock)"
	row.Pass = len(parts) > 0 && median(parts) <= 1
	row.Note = shareNote(points[0])
	return []Row{row}
}

func measureLoss80(ctx context.Context, b *bench) ([]Point, error) {
	viewers, err := b.viewersAt(ctx, parleyServer, 0.8)
	if err != nil {
		return nil, err
	}
	return b.rounds(ctx, []Load{video(viewers)})
}

func rowsLoss80(points []Point) []Row {
	row := atMost("loss at 80 % of the core", 0, "", ours(points[0], func(s *Sample) float64 { return s.Loss }))
	row.Note = shareNote(points[0])
	return []Row{row}
}

func measureLimit(ctx context.Context, b *bench) ([]Point, error) {
	load := video(b.pick(20, 5)) // to begin with
	load.FindLimit = true
	points := []Point{{Load: load}}
	for range b.Runs {
		var run Run
		var err error
		if run.Parley, err = b.sample(ctx, parleyServer, load); err != nil {
			return points, err
		}
		if run.Stock, err = b.sample(ctx, stockServer, load); err != nil {
			return points, err
		}
		if run.Parley.Limit == nil || run.Stock.Limit == nil {
			return points, errors.New("the load did not look for a limit")
		}
		points[0].Runs = append(points[0].Runs, run)
	}
	return points, nil
}

func rowsLimit(points []Point) []Row {
	var times, parley, stock []float64
	reasons := ""
	for _, run := range points[0].Runs {
		parley = append(parley, float64(run.Parley.Limit.People))
		stock = append(stock, float64(run.Stock.Limit.People))
		times = append(times, float64(run.Parley.Limit.People)/float64(run.Stock.Limit.People))
		reasons = fmt.Sprintf("%s; stock: %s", run.Parley.Limit.Reason, run.Stock.Limit.Reason)
	}
	row := newRow("viewers / stock's", ">= 2.5", "x", times)
	row.Pass = len(times) > 0 && row.Median >= 2.5
	row.Note = fmt.Sprintf("%s, stock %s (%s)", number(median(parley)), number(median(stock)), reasons)
	return []Row{row}
}

func measureControl(ctx context.Context, b *bench) ([]Point, error) {
	loads := []Load{video(b.pick(30, 5)), call(b.pick(8, 3))}
	for i := range loads {
		loads[i].Simulcast, loads[i].Ramp, loads[i].Settle = true, oneByOne, b.pick(12, 0)
	}
	return b.onAndOff(ctx, loads)
}

func rowsControl(points []Point) []Row {
	var rows []Row
	for _, p := range points {
		what := fmt.Sprintf("CPU per packet, %d people, control on / off", p.Load.people())
		rows = append(rows, atMost(what, 1.15, "", ratios(p, overPlain)))
	}
	return rows
}

func measureJoin50(ctx context.Context, b *bench) ([]Point, error) {
	load := call(b.pick(10, 2))
	load.Subscribers, load.Bitrate, load.Ramp = b.pick(40, 4), 200_000, oneByOne
	return b.rounds(ctx, []Load{load})
}

func rowsJoin50(points []Point) []Row {
	return []Row{atMost("join to first packet, median", 100, "ms", ours(points[0], joinMedian))}
}

func measureRooms(ctx context.Context, b *bench) ([]Point, error) {
	var loads []Load
	for _, rooms := range []int{1, 4, 16, 64}[:b.pick(4, 2)] {
		loads = append(loads, Load{Rooms: rooms, Publishers: 1, Subscribers: 3, Video: true, Bitrate: 500_000})
	}
	return b.rounds(ctx, loads)
}

func measureTracks(ctx context.Context, b *bench) ([]Point, error) {
	var loads []Load
	for _, people := range []int{2, 4, 8, 12}[:b.pick(4, 2)] {
		load := call(people)
		load.Bitrate = 500_000
		loads = append(loads, load)
	}
	return b.rounds(ctx, loads)
}

func joinMedian(s *Sample) float64 { return s.Join.P50 }

// ours is a figure of our server, run by run.
func ours(p Point, figure func(*Sample) float64) []float64 {
	var values []float64
	for _, run := range p.Runs {
		if run.Parley != nil {
			values = append(values, figure(run.Parley))
		}
	}
	return values
}

// pairs compares two loads of our server within one run.
func pairs(a, b Point, figure func(a, b *Sample) float64) []float64 {
	var values []float64
	for i := range min(len(a.Runs), len(b.Runs)) {
		values = append(values, figure(a.Runs[i].Parley, b.Runs[i].Parley))
	}
	return values
}

// ratios compares within one run.
func ratios(p Point, ratio func(Run) (float64, bool)) []float64 {
	var values []float64
	for _, run := range p.Runs {
		if r, ok := ratio(run); ok {
			values = append(values, r)
		}
	}
	return values
}

func overStock(r Run) (float64, bool) {
	if r.Parley == nil || r.Stock == nil {
		return 0, false
	}
	return r.Parley.Server.PerPacket / r.Stock.Server.PerPacket, true
}

func overPlain(r Run) (float64, bool) {
	if r.Parley == nil || r.Plain == nil {
		return 0, false
	}
	return r.Parley.Server.PerPacket / r.Plain.Server.PerPacket, true
}

func overFloor(r Run) (float64, bool) {
	if r.Parley == nil || r.Floor == nil {
		return 0, false
	}
	return r.Parley.Server.PerPacket / r.Floor.PerPacket, true
}

// shareNote says how much of the core was used really.
func shareNote(p Point) string {
	var notes []string
	if shares := ours(p, (*Sample).share); len(shares) > 0 {
		notes = append(notes, fmt.Sprintf("%d viewers, %.0f %% of the core", p.Load.Subscribers, 100*median(shares)))
	}
	if loads := ours(p, (*Sample).loadShare); len(loads) > 0 && median(loads) > busy {
		notes = append(notes, "the load's own core was full")
	}
	if over := ours(p, func(s *Sample) float64 { return float64(s.Overflowed) }); len(over) > 0 && median(over) > 0 {
		notes = append(notes, fmt.Sprintf("the load itself dropped %s packets", number(median(over))))
	}
	return strings.Join(notes, "; ")
}
