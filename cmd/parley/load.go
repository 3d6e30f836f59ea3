package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"parley/cmd/parley/load"
)

// The load tool uses memory rather than time, up to a point.
const (
	loadGarbage = 400
	loadMemory  = 2 << 30 // bytes, from which on it uses time
)

// loadFlags are flags of parley load that are no options of the run, or not as they are written.
type loadFlags struct {
	bitrate    string
	size, tile string
	cpus       string
	json, html string
}

func newLoad() *cobra.Command {
	options, flags := load.Default(), loadFlags{bitrate: "2.5M", size: "1280x720", tile: "426x240"}
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Put a server under load and report what it does",
		Long: "Put a server under load: people who log in, join rooms of their own and publish synthetic media, or only " +
			"watch.\nIt tells each second on standard error how it goes, and at the end on standard output what was " +
			"measured.\nSIGINT ends it early; what was measured until then is reported.",
		Example: "  parley load --publishers 1 --subscribers 30\n" +
			"  parley load --rooms 4 --publishers 8 --subscribers 0 --simulcast\n" +
			"  parley load --publishers 100 --simulcast --shown 9 --slots 6 --talking 3 --page-every 20s\n" +
			"  parley load --publishers 20 --join-later 100 --shown 9 --slots 6 --video-size 320x180 --fps 10\n" +
			"  parley load --subscribers 100 --find-limit --metrics-url http://127.0.0.1:9000/metrics --html limit.html",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLoad(cmd, options, flags) },
	}
	f := cmd.Flags()
	f.StringVar(&options.URL, "url", options.URL, "the server, as a browser opens it")
	f.IntVar(&options.Rooms, "rooms", options.Rooms, "rooms")
	f.StringVar(&options.Room, "room", "", "`NAME` of the room, which others may be in; one of its own if empty")
	f.IntVar(&options.Publishers, "publishers", options.Publishers, "people in each room who publish")
	f.IntVar(&options.Subscribers, "subscribers", options.Subscribers, "people in each room who only receive")
	f.IntVar(&options.Viewers, "viewers", 0, "people in each room who join as viewers")
	f.IntVar(&options.JoinLater, "join-later", 0, "further publishers in each room, who join when the others have "+
		"settled: the window begins with the first of them and ends the duration after the last")
	f.Float64Var(&options.JoinRamp, "join-ramp", options.JoinRamp, "joins per second of those")
	f.IntVar(&options.Shown, "shown", 0, "people whose video a page shows, the next ones of the room; 0: everybody's")
	f.StringVar(&flags.tile, "tile-size", flags.tile, "of a shown video on the page, device pixels")
	f.DurationVar(&options.PageEvery, "page-every", 0, "time after which a page shows the next people; 0: never")
	f.IntVar(&options.Slots, "slots", 0, "audio slots to ask for; 0: everybody's own audio")
	f.IntVar(&options.Talking, "talking", 0,
		"publishers in each room who talk in turn, 3 s each, while all others are silent; 0: everybody, now and then")
	f.BoolVar(&options.Audio, "audio", options.Audio, "publish audio")
	f.BoolVar(&options.Video, "video", options.Video, "publish video")
	f.BoolVar(&options.Simulcast, "simulcast", options.Simulcast, "publish video in three sizes")
	f.StringVar(&flags.size, "video-size", flags.size, "of one video, or of its largest size")
	f.IntVar(&options.FrameRate, "fps", options.FrameRate, "frames per second of video")
	f.StringVar(&flags.bitrate, "video-bitrate", flags.bitrate, "of one video, or of its largest size, in `BITS/S`")
	f.StringVar(&options.VideoFile, "video-file", "", "IVF `FILE` with VP8 to publish in a loop")
	f.StringVar(&options.AudioFile, "audio-file", "", "Ogg Opus `FILE` to publish in a loop, a packet to a page")
	f.Float64Var(&options.Ramp, "ramp", options.Ramp, "joins per second")
	f.DurationVar(&options.Warmup, "warmup", options.Warmup, "time from the last join to the measured window")
	f.DurationVar(&options.Duration, "duration", options.Duration, "length of the measured window")
	f.Float64Var(&options.Churn, "churn", 0, "people who leave and come back, per second")
	f.BoolVar(&options.RelayOnly, "relay-only", false, "send all media over TURN")
	f.BoolVar(&options.Nack, "nack", options.Nack, "ask for lost packets again")
	f.BoolVar(&options.Verify, "verify", false, "look into every payload, not into samples")
	f.BoolVar(&options.FindLimit, "find-limit", false,
		"add people until p99 latency > 100 ms, loss > 1 % or joins fail: those who only receive, if there are any")
	f.IntVar(&options.MaxPeople, "max-people", options.MaxPeople, "people at which --find-limit stops")
	f.StringVar(&options.MetricsURL, "metrics-url", "", "the server's /metrics, for its CPU and memory")
	f.IntVar(&options.WatchPID, "watch-pid", 0, "process to watch instead, on this machine: Parley or another server")
	f.StringVar(&flags.cpus, "cpus", "", "CPUs to run on, such as 1 or 1,3 (Linux)")
	f.StringVar(&flags.json, "json", "", "`FILE` for the report as JSON, - for standard output")
	f.StringVar(&flags.html, "html", "", "`FILE` for the report as a page with charts")
	return cmd
}

func runLoad(cmd *cobra.Command, options load.Options, flags loadFlags) error {
	var err error
	if options.VideoBitrate, err = load.ParseBitrate(flags.bitrate); err != nil {
		return fmt.Errorf("load: --video-bitrate: %w", err)
	}
	if options.VideoWidth, options.VideoHeight, err = load.ParseSize(flags.size); err != nil {
		return fmt.Errorf("load: --video-size: %w", err)
	}
	if options.TileWidth, options.TileHeight, err = load.ParseSize(flags.tile); err != nil {
		return fmt.Errorf("load: --tile-size: %w", err)
	}
	if flags.cpus != "" {
		cpus, err := parseCPUs(flags.cpus)
		if err != nil {
			return fmt.Errorf("load: --cpus: %w", err)
		}
		if err := load.Pin(cpus); err != nil {
			return fmt.Errorf("load: --cpus: %w", err)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(loadGarbage))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(loadMemory))
	report, err := load.Run(cmd.Context(), options, cmd.ErrOrStderr())
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if flags.json != "-" { // which is alone on standard output
		if err := report.WriteText(cmd.OutOrStdout()); err != nil {
			return fmt.Errorf("load: %w", err)
		}
	}
	if err := writeReport(flags.json, cmd.OutOrStdout(), report.WriteJSON); err != nil {
		return fmt.Errorf("load: --json: %w", err)
	}
	if err := writeReport(flags.html, cmd.OutOrStdout(), report.WriteHTML); err != nil {
		return fmt.Errorf("load: --html: %w", err)
	}
	return nil
}

// writeReport writes to a file, or to out if it is "-", or nowhere if it is "".
func writeReport(name string, out io.Writer, write func(io.Writer) error) error {
	switch name {
	case "":
		return nil
	case "-":
		return write(out)
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// parseCPUs reads numbers with commas.
func parseCPUs(s string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(s, ",") {
		cpu, err := strconv.Atoi(part)
		if err != nil || cpu < 0 || cpu >= 1024 {
			return nil, fmt.Errorf("expected numbers such as 1 or 1,3, not %q", s)
		}
		cpus = append(cpus, cpu)
	}
	return cpus, nil
}
