package load

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
)

// environment is what all participants of a run share.
type environment struct {
	// Static after construction.
	options      Options
	clock        clock
	local        netip.Addr // of this machine, where the server sees us
	filler       *filler
	batches      *batches
	certificates []webrtc.Certificate
	audio, video *clip // nil if they are synthetic

	looks    looks
	frames   histogram // from one frame that a publisher sends to its next
	reporter *reporter
	naps     naps
	entering atomic.Int32 // people who are about to join
	latency  histogram
	joins    histogram
	sent     sent
}

// room is one room of the run.
type room struct {
	name       string
	sent       sent
	stage      stage
	publishing atomic.Int32 // people of whom media is to be expected

	// Guarded by the engine's mu.
	people []*participant
	count  [roles]int // people
	seats  int        // publishers so far
}

// engine runs the participants.
type engine struct {
	// Static after construction.
	env      *environment
	rooms    []*room
	watch    *watcher
	progress io.Writer

	running sync.WaitGroup // joins, leaves

	mu       sync.Mutex
	numbers  int     // guarded by mu: people so far
	joined   int     // guarded by mu: people who are in
	stays    float64 // guarded by mu: when people left less when people joined, ns since the run began
	failures int     // guarded by mu: joins that failed
	failure  error   // guarded by mu: why the first one failed
	retired  meter   // guarded by mu: what those received who have left
	signals  signals // guarded by mu: what they said and were told
	points   []Point
}

// Run puts a server under load until ctx ends or everything is measured, and tells each second on progress how it
// goes. It returns an error, wrapping [ErrOptions] if the options are wrong, when there is nothing to report.
func Run(ctx context.Context, options Options, progress io.Writer) (*Report, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	e, err := newEngine(ctx, options, progress)
	if err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() { e.env.reporter.run(background) })
	tasks.Go(func() { e.observe(background) })
	if options.Shown > 0 {
		tasks.Go(func() { e.turnPages(background) })
	}
	r, err := e.run(ctx)
	e.running.Wait()
	stop()
	tasks.Wait()
	e.leaveAll()
	if err != nil {
		return nil, err
	}
	r.Timeline = e.points
	return r, nil
}

func newEngine(ctx context.Context, options Options, progress io.Writer) (*engine, error) {
	env := &environment{
		options: options, clock: clock{time.Now()}, filler: newFiller(), batches: newBatches(),
	}
	env.naps.set(1)
	env.reporter = &reporter{clock: env.clock, nack: options.Nack}
	var err error
	if env.local, err = localAddress(ctx, options.URL); err != nil {
		return nil, err
	}
	if options.VideoFile != "" {
		if env.video, err = readVideo(options.VideoFile); err != nil {
			return nil, err
		}
	}
	if options.AudioFile != "" {
		if env.audio, err = readAudio(options.AudioFile); err != nil {
			return nil, err
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	env.certificates = []webrtc.Certificate{*certificate}
	e := &engine{env: env, progress: &shared{out: progress}}
	if e.watch, err = newWatcher(ctx, options); err != nil {
		return nil, err
	}
	var unique [3]byte
	_, _ = rand.Read(unique[:])
	for i := range options.Rooms {
		name := options.Room
		if name == "" {
			name = fmt.Sprintf("load-%s-%d", hex.EncodeToString(unique[:]), i+1)
		}
		e.rooms = append(e.rooms, &room{name: name})
	}
	return e, nil
}

// shared lets several goroutines write lines.
type shared struct {
	mu  sync.Mutex
	out io.Writer // guarded by mu
}

// Write implements io.Writer.
func (s *shared) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(line)
}

// localAddress is this machine's address on the way to the server. Nothing is sent.
func localAddress(ctx context.Context, serverURL string) (netip.Addr, error) {
	u, err := url.Parse(serverURL)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("--url: %w", err)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", net.JoinHostPort(u.Hostname(), "9"))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the way to %s: %w", u.Hostname(), err)
	}
	defer func() { _ = conn.Close() }()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, fmt.Errorf("find the way to %s: no UDP address", u.Hostname())
	}
	return local.AddrPort().Addr().Unmap(), nil
}

// run has everybody join, and measures.
func (e *engine) run(ctx context.Context) (*Report, error) {
	o := e.env.options
	idle := e.watch.read(ctx)
	if o.FindLimit {
		return e.findLimit(ctx, idle)
	}
	if err := e.populate(ctx, o.Publishers*o.Rooms, o.Subscribers*o.Rooms, o.Viewers*o.Rooms); err != nil {
		return nil, err
	}
	if o.JoinLater > 0 {
		return e.joinLater(ctx, idle)
	}
	churning, stop := context.WithCancel(ctx)
	defer stop()
	if o.Churn > 0 {
		e.running.Go(func() { e.churn(churning) })
	}
	w := e.measure(ctx, idle, o.Warmup, o.Duration)
	stop()
	return e.report(w, nil), nil
}

// total is what everybody has received so far.
func (e *engine) total() meter {
	e.mu.Lock()
	people := e.everybody()
	m := e.retired
	e.mu.Unlock()
	for _, p := range people {
		m.add(p.total())
	}
	return m
}

// everybody is called with mu held.
func (e *engine) everybody() []*participant {
	var people []*participant
	for _, r := range e.rooms {
		people = append(people, r.people...)
	}
	return people
}

// pause waits, and tells whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
