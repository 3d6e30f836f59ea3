package load

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrOptions is wrapped by all that is wrong with [Options].
var ErrOptions = errors.New("refused")

// Options say what a run is.
type Options struct {
	URL         string // of the server, as a browser opens it
	Rooms       int
	Publishers  int // in each room
	Subscribers int // in each room, who receive only

	Audio        bool
	Video        bool
	Simulcast    bool
	VideoBitrate float64 // bits/s of what one publisher sends, or of its largest encoding
	VideoFile    string  // IVF with VP8, instead of synthetic video
	AudioFile    string  // Ogg Opus, instead of synthetic audio

	Ramp      float64       // joins per second
	Warmup    time.Duration // from the last join to the measured window
	Duration  time.Duration // of the measured window
	Churn     float64       // people who leave and come back, per second
	RelayOnly bool
	Nack      bool // ask for what was lost
	Verify    bool // look into every payload

	FindLimit bool
	MaxPeople int // that the search may come to

	MetricsURL string // of the server
	WatchPID   int    // of the server, if it runs on this machine
}

// Default returns the options of a small call.
func Default() Options {
	return Options{
		URL: "http://127.0.0.1:8000", Rooms: 1, Publishers: 1, Subscribers: 10, Audio: true, Video: true,
		VideoBitrate: 2.5e6, Ramp: 20, Warmup: 2 * time.Second, Duration: 10 * time.Second, Nack: true, MaxPeople: 5000,
	}
}

// Bounds of a run.
const (
	maxPeople   = 20_000
	maxRooms    = 5000
	maxRamp     = 1000
	maxDuration = 24 * time.Hour
	minBitrate  = 30e3
	maxBitrate  = 50e6
)

// Validate returns what is wrong with the options, naming the flag, or nil.
func (o Options) Validate() error {
	u, err := url.Parse(o.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%w: --url: expected http://HOST:PORT, not %q", ErrOptions, o.URL)
	}
	for _, r := range []struct {
		flag           string
		value          float64
		least, most    float64
		allowed        bool
		otherwiseWants string
	}{
		{"rooms", float64(o.Rooms), 1, maxRooms, true, ""},
		{"publishers", float64(o.Publishers), 0, maxPeople, true, ""},
		{"subscribers", float64(o.Subscribers), 0, maxPeople, true, ""},
		{"video-bitrate", o.VideoBitrate, minBitrate, maxBitrate, true, ""},
		{"ramp", o.Ramp, 0.1, maxRamp, true, ""},
		{"warmup", o.Warmup.Seconds(), 0, maxDuration.Seconds(), true, ""},
		{"duration", o.Duration.Seconds(), 0.5, maxDuration.Seconds(), true, ""},
		{"churn", o.Churn, 0, maxRamp, true, ""},
		{"max-people", float64(o.MaxPeople), 1, maxPeople, true, ""},
		{"watch-pid", float64(o.WatchPID), 0, math.MaxInt32, true, ""},
	} {
		if math.IsNaN(r.value) || r.value < r.least || r.value > r.most {
			return fmt.Errorf("%w: --%s: expected %v to %v, not %v", ErrOptions, r.flag, r.least, r.most, r.value)
		}
	}
	return o.validateTogether()
}

// validateTogether looks at what does not go together.
func (o Options) validateTogether() error {
	for _, r := range []struct {
		wrong bool
		why   string
	}{
		{o.people() == 0, "nobody takes part: --publishers and --subscribers are 0"},
		{o.people() > maxPeople, fmt.Sprintf("%d people are more than %d", o.people(), maxPeople)},
		{o.Publishers == 0, "nobody publishes: --publishers is 0"},
		{!o.Audio && !o.Video, "nothing is published: neither --audio nor --video"},
		{o.Simulcast && !o.Video, "--simulcast without --video"},
		{o.VideoFile != "" && (!o.Video || o.Simulcast), "--video-file goes with --video and without --simulcast"},
		{o.AudioFile != "" && !o.Audio, "--audio-file without --audio"},
		{o.FindLimit && o.Churn > 0, "--find-limit and --churn do not go together"},
		{o.FindLimit && o.people() > o.MaxPeople, "--find-limit begins with more than --max-people"},
	} {
		if r.wrong {
			return fmt.Errorf("%w: %s", ErrOptions, r.why)
		}
	}
	return nil
}

func (o Options) people() int { return o.Rooms * (o.Publishers + o.Subscribers) }

// ParseBitrate reads bits per second, such as 800k or 2.5M.
func ParseBitrate(s string) (float64, error) {
	number, factor := s, 1.0
	for suffix, f := range map[string]float64{"k": 1e3, "K": 1e3, "M": 1e6} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			number, factor = rest, f
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) || value <= 0 {
		return 0, fmt.Errorf("expected bits per second, such as 800k or 2.5M, not %q", s)
	}
	return value * factor, nil
}
