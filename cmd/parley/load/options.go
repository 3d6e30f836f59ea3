package load

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/signaling/protocol"
)

// ErrOptions is wrapped by all that is wrong with [Options].
var ErrOptions = errors.New("refused")

// Options say what a run is.
type Options struct {
	URL         string // of the server, as a browser opens it
	Rooms       int
	Room        string // its name, if it is only one; one of its own if empty
	Publishers  int    // in each room
	Subscribers int    // in each room, who receive only
	Viewers     int    // in each room, who join as such
	Talking     int    // publishers in each room who talk in turn while all others are silent; 0: everybody, now and then

	Shown      int           // tiles that each page shows of the others at most; 0: everybody
	PageEvery  time.Duration // from page to page; 0: they are not turned
	TileWidth  int           // device pixels
	TileHeight int           // the same
	Slots      int           // audio slots that everybody asks for; 0: everybody's own audio

	JoinLater int     // further publishers in each room, who join when the others have settled
	JoinRamp  float64 // of these, joins per second

	Audio        bool
	Video        bool
	Simulcast    bool
	VideoWidth   int     // of what one publisher sends, or of its largest encoding
	VideoHeight  int     // the same
	FrameRate    int     // frames/s
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
		VideoWidth: 1280, VideoHeight: 720, FrameRate: 25, TileWidth: 426, TileHeight: 240, JoinRamp: 10,
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
	minSize     = 32 // of a picture, pixels either way
	maxSize     = 4096
	maxRate     = 60 // frames/s
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
		{"viewers", float64(o.Viewers), 0, maxPeople, true, ""},
		{"talking", float64(o.Talking), 0, float64(o.Publishers), true, ""},
		{"shown", float64(o.Shown), 0, protocol.MaxTiles / 2, true, ""},
		{"page-every", o.PageEvery.Seconds(), 0, maxDuration.Seconds(), true, ""},
		{"tile-size", float64(min(o.TileWidth, o.TileHeight)), 1, protocol.MaxTileSize, true, ""},
		{"tile-size", float64(max(o.TileWidth, o.TileHeight)), 1, protocol.MaxTileSize, true, ""},
		{"slots", float64(o.Slots), 0, protocol.MaxSlots, true, ""},
		{"join-later", float64(o.JoinLater), 0, maxPeople, true, ""},
		{"join-ramp", o.JoinRamp, 0.1, maxRamp, true, ""},
		{"video-size", float64(min(o.VideoWidth, o.VideoHeight)), minSize, maxSize, true, ""},
		{"video-size", float64(max(o.VideoWidth, o.VideoHeight)), minSize, maxSize, true, ""},
		{"fps", float64(o.FrameRate), 1, maxRate, true, ""},
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
		{o.Room != "" && o.Rooms != 1, "--room is for one room"},
		{o.FindLimit && o.Churn > 0, "--find-limit and --churn do not go together"},
		{o.JoinLater > 0 && (o.FindLimit || o.Churn > 0), "--join-later goes without --find-limit and --churn"},
		{o.Shown > 0 && !o.Video, "--shown without --video"},
		{o.PageEvery > 0 && o.Shown == 0, "--page-every without --shown"},
		{o.PageEvery > 0 && o.PageEvery < pagerTick, "--page-every: pages are not turned as fast as that"},
		{(o.Talking > 0 || o.Slots > 0) && !o.Audio, "--talking and --slots go with --audio"},
		{o.Talking > 0 && o.AudioFile != "", "--talking goes without --audio-file"},
		{o.FindLimit && o.people() > o.MaxPeople, "--find-limit begins with more than --max-people"},
	} {
		if r.wrong {
			return fmt.Errorf("%w: %s", ErrOptions, r.why)
		}
	}
	return nil
}

func (o Options) people() int {
	return o.Rooms * (o.Publishers + o.Subscribers + o.Viewers + o.JoinLater)
}

// selective tells whether the server leaves out some of what people send, by the nature of things.
func (o Options) selective() bool { return o.Shown > 0 || o.Slots > 0 || o.Talking > 0 }

// ParseSize reads a picture's size, such as 320x180.
func ParseSize(s string) (width, height int, err error) {
	w, h, _ := strings.Cut(s, "x")
	width, err1 := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	if err1 != nil || err2 != nil || width <= 0 || height <= 0 {
		return 0, 0, fmt.Errorf("expected a size, such as 320x180, not %q", s)
	}
	return width, height, nil
}

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
