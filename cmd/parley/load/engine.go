package load

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
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

	reporter *reporter
	naps     naps
	latency  histogram
	joins    histogram
	sent     sent
}

// room is one room of the run.
type room struct {
	name string
	sent sent

	// Guarded by the engine's mu.
	people     []*participant
	publishing int
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
	numbers  int   // guarded by mu: people so far
	joined   int   // guarded by mu: people who are in
	failures int   // guarded by mu: joins that failed
	failure  error // guarded by mu: why the first one failed
	retired  meter // guarded by mu: what those received who have left
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
	e := &engine{env: env, progress: progress}
	if e.watch, err = newWatcher(ctx, options); err != nil {
		return nil, err
	}
	var unique [3]byte
	_, _ = rand.Read(unique[:])
	for i := range options.Rooms {
		e.rooms = append(e.rooms, &room{name: fmt.Sprintf("load-%s-%d", hex.EncodeToString(unique[:]), i+1)})
	}
	return e, nil
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
	if err := e.populate(ctx, o.Publishers*o.Rooms, o.Subscribers*o.Rooms); err != nil {
		return nil, err
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

// populate has people join at the wanted rate until there are so many of each kind, those who publish first. It fails
// if the very first cannot.
func (e *engine) populate(ctx context.Context, publishers, subscribers int) error {
	if err := e.grow(ctx, publishers, true); err != nil {
		return err
	}
	return e.grow(ctx, subscribers, false)
}

// grow has people of one kind join until there are so many.
func (e *engine) grow(ctx context.Context, count int, publishing bool) error {
	var joining sync.WaitGroup
	defer joining.Wait()
	every := time.Duration(float64(time.Second) / e.env.options.Ramp)
	next := time.Now()
	for i := e.countOf(publishing); i < count && ctx.Err() == nil; i++ {
		p := e.newParticipant(e.rooms[i%len(e.rooms)], publishing)
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

func (e *engine) countOf(publishing bool) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, r := range e.rooms {
		if publishing {
			n += r.publishing
		} else {
			n += len(r.people) - r.publishing
		}
	}
	return n
}

func (e *engine) newParticipant(r *room, publishes bool) *participant {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.numbers++
	return &participant{env: e.env, number: e.numbers, room: r, publishes: publishes}
}

// enter has somebody join, and counts.
func (e *engine) enter(ctx context.Context, p *participant) error {
	e.mu.Lock()
	media := p.room.publishing > 0
	e.mu.Unlock()
	took, err := p.join(ctx, media)
	e.mu.Lock()
	if err == nil {
		e.joined++
		p.room.people = append(p.room.people, p)
		if p.publishes {
			p.room.publishing++
		}
		if took > 0 {
			e.env.joins.add(took)
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

// retire has somebody leave who is no longer, or never was, in a room's list.
func (e *engine) retire(p *participant) {
	ended := p.leave()
	e.mu.Lock()
	e.retired.add(p.total())
	e.mu.Unlock()
	if !ended {
		fmt.Fprintf(e.progress, "       participant %d did not end and was left behind\n", p.number)
	}
}

// shrink takes the last people of one kind out of the fullest rooms until so many are left.
func (e *engine) shrink(count int, publishing bool) {
	var leaving []*participant
	for excess := e.countOf(publishing) - count; excess > 0; excess-- {
		if p := e.lastOf(publishing); p != nil {
			leaving = append(leaving, p)
		}
	}
	e.retireAll(leaving)
}

// lastOf takes one of a kind off the list of the fullest room.
func (e *engine) lastOf(publishing bool) *participant {
	e.mu.Lock()
	defer e.mu.Unlock()
	fullest := e.rooms[0]
	for _, r := range e.rooms {
		if len(r.people) > len(fullest.people) {
			fullest = r
		}
	}
	for _, p := range slices.Backward(fullest.people) {
		if p.publishes == publishing {
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
	e.joined--
	if p.publishes {
		p.room.publishing--
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
			again := e.newParticipant(p.room, p.publishes)
			again.number, again.account = p.number, p.account
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
			if !p.publishes || e.env.options.Subscribers == 0 {
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

var errNoProcess = errors.New("cannot be watched")
