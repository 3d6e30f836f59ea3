package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"

	"parley/signaling/protocol"
)

const (
	heartbeat    = 25 * time.Second // the contract wants one at least every 30 s
	writeTimeout = 10 * time.Second
	closeWait    = 2 * time.Second // for the server's half of the close handshake
)

// ErrClosed is why a client has ended that was closed on its own side.
var ErrClosed = errors.New("closed by the client")

// Client is one participant: a socket, or one after another. Its methods may be called from any goroutine.
type Client struct {
	// Static after construction.
	options Options
	log     *slog.Logger
	dial    func(ctx context.Context, query string) (*websocket.Conn, error)
	api     *webrtc.API
	clips   clips
	opened  time.Time
	queue   *queue
	state   *state
	muted   mutes
	voice   voice
	wire    wire
	running sync.WaitGroup
	sockets chan *websocket.Conn // that were opened in place of a lost one
	stop    chan struct{}        // closed to end the loop
	once    sync.Once            // closes stop
	ended   chan struct{}        // closed when the loop has ended

	socket  atomic.Pointer[websocket.Conn] // set by the loop; nil while it is lost
	session session

	// Owned by the loop.
	greeted       bool // the socket's connect came
	configuration webrtc.Configuration
	features      map[string]any
	asked         []string    // rooms of the joins that the server has not answered, "" for what was taken back
	room          string      // that the client is in
	inRoom        bool        // others came
	conn          *connection // nil outside a room, and while a reset is awaited
	resetting     bool        // a reset was sent: what comes from the server until its own is for the former connection
	broken        bool        // the connection needs a reset, if the server does not let the client into another room
	closeErr      error
}

// Dial opens a websocket for a room, without joining it, and waits for the server's greeting.
func (a *Account) Dial(ctx context.Context, room string, options Options) (*Client, error) {
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var clips clips
	if options.Media == nil && (options.Audio || options.Video || options.Screen) {
		var err error
		if clips, err = loadClips(); err != nil {
			return nil, err
		}
	}
	api, err := newAPI(options, log)
	if err != nil {
		return nil, err
	}
	query := ""
	if options.ComesBack {
		query = "?resume"
	}
	socket, err := a.dialSocket(ctx, room, query, options)
	if err != nil {
		return nil, err
	}
	c := &Client{
		options: options, log: log, api: api, clips: clips, queue: newQueue(), state: newState(),
		sockets: make(chan *websocket.Conn), stop: make(chan struct{}), ended: make(chan struct{}),
		features: options.Features, opened: time.Now(),
	}
	c.dial = func(ctx context.Context, query string) (*websocket.Conn, error) {
		return a.dialSocket(ctx, room, query, options)
	}
	c.voice.quiet = options.Quiet
	c.Share(false)
	c.open(socket)
	c.running.Go(c.run)
	if err := c.Await(ctx, func(s Snapshot) bool { return s.ChannelName != "" }); err != nil {
		c.Abandon()
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return c, nil
}

// Opened is when the websocket was open.
func (c *Client) Opened() time.Time { return c.opened }

// Join enters a room, leaving the one the client is in. See [Client.JoinAndWait].
func (c *Client) Join(room string) { c.Enter(protocol.Join{Room: room}) }

// JoinAndWait joins and waits until the media connection stands. It wraps [ErrRefused] if the room lets nobody like
// this in.
func (c *Client) JoinAndWait(ctx context.Context, room string) error {
	return c.EnterAndWait(ctx, protocol.Join{Room: room})
}

// Enter joins as a viewer, with a password or an invitation, or as anybody.
func (c *Client) Enter(join protocol.Join) { c.queue.post(func() { c.join(join) }) }

// EnterAndWait is [Client.JoinAndWait] for all that a join may say.
func (c *Client) EnterAndWait(ctx context.Context, join protocol.Join) error {
	asked, refusals := make(chan struct{}), 0
	c.queue.post(func() {
		defer close(asked)
		c.state.update(func(s *Snapshot) { refusals = s.Refusals })
		c.join(join)
	})
	select { // what was before must not pass for what is awaited
	case <-asked:
	case <-c.ended:
	case <-ctx.Done(): // the loop may be closing a connection
		return fmt.Errorf("join: %w", ctx.Err())
	}
	var refused Snapshot
	err := c.Await(ctx, func(s Snapshot) bool {
		if s.Refusals > refusals {
			refused = s
			return true
		}
		return s.Room != "" && s.Connection == webrtc.PeerConnectionStateConnected.String()
	})
	if n := len(refused.Errors); err == nil && n > 0 {
		return fmt.Errorf("join: %w: %s", ErrRefused, refused.Errors[n-1].Type)
	}
	return err
}

// Hangup leaves the room.
func (c *Client) Hangup() { c.queue.post(c.hangup) }

func (c *Client) hangup() {
	c.send(protocol.KeyHangup, true)
	clear(c.asked)
	c.session.wanted = nil
	c.leave()
}

// Reset asks the server for fresh peers on both sides.
func (c *Client) Reset() { c.queue.post(c.reset) }

// SetFeatures changes what the others are told of this participant.
func (c *Client) SetFeatures(features map[string]any) {
	features = maps.Clone(features)
	c.queue.post(func() {
		c.features = features
		c.sendFeatures()
	})
}

// Mute stops sending audio or video, or both, without a word to the server: as a track does that is disabled, or
// replaced by none.
func (c *Client) Mute(audio, video bool) {
	c.muted.audio.Store(audio)
	c.muted.video.Store(video)
}

// Share begins or ends to send the screen of [Options.Screen].
func (c *Client) Share(on bool) { c.muted.screen.Store(!on) }

// Send sends a frame with one key, for apps that this package does not know.
func (c *Client) Send(key string, value any) { c.queue.post(func() { c.send(key, value) }) }

// Close ends the client with a close frame and waits for everything it has started.
func (c *Client) Close() error {
	c.queue.post(func() {
		if socket := c.socket.Load(); socket != nil {
			message := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
			_ = socket.WriteControl(websocket.CloseMessage, message, time.Now().Add(writeTimeout))
		}
		c.end(ErrClosed)
	})
	select {
	case <-c.ended:
	case <-time.After(closeWait):
	}
	c.Abandon()
	return nil
}

// Abandon ends the client without a close frame, as a lost network does, and waits for everything it has started.
func (c *Client) Abandon() {
	c.once.Do(func() { close(c.stop) })
	c.closeSocket()
	<-c.ended
	c.closeSocket() // one that the loop has opened meanwhile
	c.running.Wait()
}

func (c *Client) closeSocket() {
	if socket := c.socket.Load(); socket != nil {
		_ = socket.Close()
	}
}

// matters tells whether a frame may say more than who comes and goes: in a large room most do not, and reading all of
// them would keep its clients busy.
func matters(frame []byte) bool {
	for _, kind := range []string{
		protocol.TypeSignal, protocol.TypeConnect, protocol.TypeConfig, protocol.TypeOthers, protocol.KeyError,
		protocol.TypeQuality, protocol.TypeLayers, protocol.TypeRemoved, protocol.KeyAck, protocol.KeyServer,
	} {
		if bytes.Contains(frame, []byte(`"`+kind+`"`)) {
			return true
		}
	}
	return false
}

// run is the loop.
func (c *Client) run() {
	defer close(c.ended)
	every := heartbeat
	if c.options.ComesBack {
		every = liveBeat
	}
	beat := time.NewTicker(every)
	defer beat.Stop()
	for stopped := false; !stopped; {
		select {
		case <-c.queue.ready:
			for _, do := range c.queue.take() {
				do()
			}
		case <-beat.C:
			c.beat()
		case socket := <-c.sockets:
			c.open(socket)
		case <-c.stop:
			stopped = true
		}
	}
	c.end(ErrClosed)
}

// end leaves the call; the socket may still take part in the close handshake.
func (c *Client) end(err error) {
	if c.closeErr != nil {
		return
	}
	c.closeErr = err
	c.leave()
	c.state.update(func(s *Snapshot) { s.Closed = err })
	c.tell(Closed{err})
}

// finish ends the client with its socket.
func (c *Client) finish(err error) {
	c.end(err)
	c.once.Do(func() { close(c.stop) })
}

func (c *Client) tell(event Event) {
	if c.options.OnEvent != nil {
		c.options.OnEvent(event)
	}
}
