package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"parley/bench/pin"
)

const (
	parleyServer = "parley"
	plainServer  = "plain" // ours without congestion control
	stockServer  = "stock"

	overhead  = 20 + 16 // bytes of a forwarded packet around its payload: RTP header with an extension, SRTP tag
	busy      = 0.9     // of its core, from where on the load itself may be what is slow
	usualRamp = 20      // people joining per second
	slack     = 2 * time.Minute
	limitSpan = 20 * time.Minute // at most for finding a limit
	maxPeople = 3000             // the same
)

// bench measures. It is used by one goroutine.
type bench struct {
	Options
	out io.Writer
}

// pick is full, or quick in a quick run.
func (b *bench) pick(full, quick int) int {
	if b.Quick {
		return quick
	}
	return full
}

// turns measures ours, stock and the floor in turn.
func (b *bench) turns(ctx context.Context, load Load) ([]Point, error) {
	point := Point{Load: load}
	for range b.Runs {
		var run Run
		var err error
		if run.Parley, err = b.sample(ctx, parleyServer, load); err != nil {
			return []Point{point}, err
		}
		if run.Stock, err = b.sample(ctx, stockServer, load); err != nil {
			return []Point{point}, err
		}
		if run.Floor, err = b.floorOf(ctx, run.Parley); err != nil {
			return []Point{point}, err
		}
		point.Runs = append(point.Runs, run)
	}
	return []Point{point}, nil
}

// onAndOff measures ours with congestion control and without, in turn, under one load after the other.
func (b *bench) onAndOff(ctx context.Context, loads []Load) ([]Point, error) {
	points := make([]Point, len(loads))
	for i, load := range loads {
		points[i].Load = load
	}
	for range b.Runs {
		for i := range points {
			var run Run
			var err error
			if run.Parley, err = b.sample(ctx, parleyServer, points[i].Load); err != nil {
				return points, err
			}
			if run.Plain, err = b.sample(ctx, plainServer, points[i].Load); err != nil {
				return points, err
			}
			points[i].Runs = append(points[i].Runs, run)
		}
	}
	return points, nil
}

// rounds measures our server under one load after the other.
func (b *bench) rounds(ctx context.Context, loads []Load) ([]Point, error) {
	points := make([]Point, len(loads))
	for i, load := range loads {
		points[i].Load = load
	}
	for range b.Runs {
		for i := range points {
			s, err := b.sample(ctx, parleyServer, points[i].Load)
			if err != nil {
				return points, err
			}
			points[i].Runs = append(points[i].Runs, Run{Parley: s})
		}
	}
	return points, nil
}

// viewersAt finds how many viewers of one video take that share of a server's core, or fill the load's own. What they
// take grows in a line that does not begin at nothing, so two trials tell.
func (b *bench) viewersAt(ctx context.Context, kind string, share float64) (int, error) {
	first := b.pick(60, 5)
	if kind == stockServer {
		first = b.pick(30, 5)
	}
	one, err := b.sample(ctx, kind, video(first))
	if err != nil || b.Quick {
		return first, err
	}
	second := max(first+1, int(float64(first)*share/one.share()))
	two, err := b.sample(ctx, kind, video(second))
	if err != nil {
		return 0, err
	}
	viewers := reaches(float64(first), one.share(), float64(second), two.share(), share)
	most := reaches(float64(first), one.loadShare(), float64(second), two.loadShare(), busy)
	if viewers = math.Min(viewers, most); !(viewers >= 1 && viewers <= maxPeople) { // no line at all
		return second, nil
	}
	return int(math.Round(viewers)), nil
}

// reaches is the x at which the line through two points is at y.
func reaches(x1, y1, x2, y2, y float64) float64 { return x2 + (y-y2)*(x2-x1)/(y2-y1) }

// sample measures one server, started for it, under one load. What fails is tried once more.
func (b *bench) sample(ctx context.Context, kind string, load Load) (*Sample, error) {
	sample, err := b.attempt(ctx, kind, load)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(b.out, "  again: %v\n", err)
		sample, err = b.attempt(ctx, kind, load)
	}
	return sample, err
}

func (b *bench) attempt(ctx context.Context, kind string, load Load) (*Sample, error) {
	s, err := b.start(ctx, kind, load.cpu(b.ServerCPU))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", kind, err)
	}
	sample, err := b.loaded(ctx, s, load)
	if stopped := s.stop(); err == nil && stopped != nil {
		err = fmt.Errorf("stop: %w", stopped)
	}
	if err != nil {
		return nil, fmt.Errorf("%s with %d people: %w%s", kind, load.people(), err, s.said())
	}
	fmt.Fprintf(b.out, "  %-7s %s\n", kind, sample)
	return sample, nil
}

// loaded runs the load against a server.
func (b *bench) loaded(ctx context.Context, s *server, load Load) (*Sample, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "load.json")
	span := slack + b.warmup(load) + b.Duration + load.joining()
	if load.FindLimit {
		span = limitSpan
	}
	ctx, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	before, known := s.counters(ctx)
	cmd := exec.CommandContext(ctx, b.Parley, b.loadArgs(s, load, file)...) //nolint:gosec // ours
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = stopPatience
	if err := pin.Start(cmd, load.cpu(b.LoadCPU)); err != nil {
		return nil, fmt.Errorf("start the load: %w", err)
	}
	watched := watch(b.Also)
	err = cmd.Wait()
	history := watched.stop()
	if err != nil {
		return nil, fmt.Errorf("load: %w%s", errors.Join(err, ctx.Err()), said.last())
	}
	sample := new(Sample)
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &sample.LoadReport)
	}
	if err != nil {
		return nil, fmt.Errorf("load report: %w", err)
	}
	if after, ok := s.counters(ctx); ok && known {
		sample.Packing = packing(before, after)
	}
	sample.Also = history.busiest(sample.Window)
	return sample, sample.check(load)
}

// check refuses what is no measurement.
func (s *Sample) check(load Load) error {
	switch {
	case load.Shown > 0 && s.Pictures == nil, load.JoinLater > 0 && s.Later == nil:
		return errors.New("the load says nothing of what was shown, or of who joined")
	case load.FindLimit:
		return nil
	case s.Failures > 0 || s.Joined < load.people():
		return fmt.Errorf("%d of %d people joined: %s", s.Joined, load.people(), s.Failure)
	case s.Window <= 0 || s.Received.Packets == 0 || s.Server.CPU <= 0 || s.Latency.P99 <= 0 || s.Join.P50 <= 0:
		return errors.New("the load has measured nothing")
	case load.Shown > 0 && (s.Pictures.Join.Count == 0 || s.Pictures.Gaps.Count == 0 || s.Pictures.Paused == nil):
		return errors.New("no picture was seen")
	case s.Corrupted > 0:
		return fmt.Errorf("%d corrupted packets", s.Corrupted)
	}
	return nil
}

// warmup is from the last join to the measurement.
func (b *bench) warmup(load Load) time.Duration {
	return b.Warmup + time.Duration(load.Settle)*time.Second
}

func (b *bench) loadArgs(s *server, load Load, file string) []string {
	ramp, duration := usualRamp, b.Duration
	if load.Ramp > 0 {
		ramp = load.Ramp
	}
	if load.FindLimit { // of which there are many steps
		duration = max(duration/2, min(duration, time.Second))
	}
	args := []string{
		"load", "--url", s.url, "--watch-pid", strconv.Itoa(s.pid()), "--json", file,
		"--rooms", strconv.Itoa(load.Rooms), "--publishers", strconv.Itoa(load.Publishers),
		"--subscribers", strconv.Itoa(load.Subscribers), fmt.Sprintf("--audio=%t", load.Audio),
		fmt.Sprintf("--video=%t", load.Video), "--ramp", strconv.Itoa(ramp),
		"--warmup", b.warmup(load).String(), "--duration", duration.String(),
	}
	if load.Simulcast {
		args = append(args, "--simulcast")
	}
	args = append(args, load.args()...)
	if load.Bitrate > 0 {
		args = append(args, "--video-bitrate", strconv.Itoa(load.Bitrate))
	}
	if cpu := load.cpu(b.LoadCPU); cpu >= 0 {
		args = append(args, "--cpus", strconv.Itoa(cpu))
	}
	if load.FindLimit {
		most := maxPeople
		if load.MaxPeople > 0 {
			most = load.MaxPeople
		}
		args = append(args, "--find-limit", "--max-people", strconv.Itoa(most))
	}
	return args
}

// floorOf sends the packets of a sample again, at the same packing, by the floor.
func (b *bench) floorOf(ctx context.Context, s *Sample) (*FloorReport, error) {
	packing := s.Packing
	if packing < 1 {
		packing = b.Packing
	}
	destinations := max(1, math.Round(s.Received.Packets/s.Sent.Packets))
	size := max(1, math.Round(s.Received.Bytes/s.Received.Packets)-overhead)
	cmd := exec.CommandContext(ctx, b.Floor, //nolint:gosec // ours
		"-destinations", number(destinations), "-size", number(size), "-packing", fmt.Sprint(packing),
		"-rate", fmt.Sprint(s.rate()), "-warmup", b.Warmup.String(), "-duration", b.Duration.String(),
		"-cpu", strconv.Itoa(b.ServerCPU), "-sink-cpu", strconv.Itoa(b.LoadCPU))
	cmd.Stderr = b.out
	out, err := cmd.Output()
	report := new(FloorReport)
	if err == nil {
		err = json.Unmarshal(out, report)
	}
	if err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	fmt.Fprintf(b.out, "  %-7s %.2f us per packet, %d destinations, %d bytes, %.2f packets per message\n", "floor",
		report.PerPacket, report.Destinations, report.Size, report.Packing)
	return report, nil
}

func (s *Sample) String() string {
	text := fmt.Sprintf("%.2f us per packet, %.0f packets/s, %.0f %% of the core, latency p50 %.2f p99 %.2f ms, loss %g, "+
		"join %.0f ms, %.0f MB, load's core %.0f %%", s.Server.PerPacket, s.rate(), 100*s.share(), s.Latency.P50,
		s.Latency.P99, s.Loss, s.Join.P50, s.Server.RSS/1e6, 100*s.loadShare())
	if s.Packing > 0 {
		text += fmt.Sprintf(", %.2f packets per message", s.Packing)
	}
	if s.Limit != nil {
		text += fmt.Sprintf(", limit %d people: %s", s.Limit.People, s.Limit.Reason)
	}
	if p := s.Pictures; p != nil {
		text += fmt.Sprintf(", first frame p99 %.0f ms, longest freeze %.0f ms, %d blank", p.Join.P99, p.Gaps.Max, p.Blank)
		if p.Paused != nil {
			text += fmt.Sprintf(", %d paused", *p.Paused)
		}
	}
	for name, share := range s.Also {
		text += fmt.Sprintf(", %s %.0f %%", name, 100*share)
	}
	return text
}
