package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

const (
	liveBeat     = 5 * time.Second // between heartbeats of a client that comes back, each of which has to be answered
	ackFrames    = 64              // are acknowledged at the latest
	firstRedial  = 100 * time.Millisecond
	lastRedial   = 2 * time.Second
	redialSpread = 0.3
	dialTimeout  = 10 * time.Second
)

// session is what a client that comes back knows of its session. It is the loop's, but for got.
type session struct {
	token    string
	got      atomic.Uint64 // the number of the server's latest frame; set by the reader
	sent     uint64        // the number of the client's latest frame
	unacked  []outFrame    // that the server has not said to have taken
	wanted   *protocol.Join
	answered bool          // since the last heartbeat
	after    time.Duration // how long the server wants the client to wait before it comes back
}

type outFrame struct {
	number uint64
	data   []byte
}

// dialSocket opens a websocket.
func (a *Account) dialSocket(ctx context.Context, room, query string, options Options) (*websocket.Conn, error) {
	dial := options.NetDial
	if dial == nil {
		dial = a.netDial
	}
	dialer := websocket.Dialer{Jar: a.jar, NetDialContext: dial, TLSClientConfig: a.tls, Proxy: a.proxy}
	socket, resp, err := dialer.DialContext(ctx, a.socketURL(room)+query, http.Header{"Origin": {a.origin()}})
	if resp != nil {
		_ = resp.Body.Close() // of a refusal; the socket has none
	}
	switch {
	case err != nil && resp != nil:
		return nil, fmt.Errorf("dial: %w: %s", ErrRefused, resp.Status)
	case err != nil:
		return nil, fmt.Errorf("dial: %w", err)
	}
	return socket, nil
}

// open has the loop live on a socket, whose greeting has yet to come.
func (c *Client) open(socket *websocket.Conn) {
	c.socket.Store(socket)
	c.greeted = false
	c.session.answered = true
	c.running.Go(func() { c.read(socket) })
}

// read posts what the server sends until the socket ends.
func (c *Client) read(socket *websocket.Conn) {
	for first := true; ; first = false {
		_, frame, err := socket.ReadMessage()
		c.wire.in(len(frame))
		if err != nil {
			c.queue.post(func() { c.lost(socket, err) })
			return
		}
		c.count(frame, first)
		if c.options.Unlisted && !matters(frame) {
			continue
		}
		c.queue.post(func() { c.receive(frame) })
	}
}

// count numbers a frame of the server. The first on a socket has none, and says from where to count.
func (c *Client) count(frame []byte, first bool) {
	if !c.options.ComesBack {
		return
	}
	if first {
		var greeting struct{ RTC struct{ Sent uint64 } }
		_ = json.Unmarshal(frame, &greeting) // the loop finds out
		c.session.got.Store(greeting.RTC.Sent)
	} else if c.session.got.Add(1)%ackFrames == 0 {
		c.queue.post(c.acknowledge)
	}
}

// lost handles the end of a socket.
func (c *Client) lost(socket *websocket.Conn, err error) {
	if socket != c.socket.Load() {
		return // it was replaced
	}
	if !c.options.ComesBack || c.closeErr != nil || final(err) {
		c.finish(fmt.Errorf("socket: %w", err))
		return
	}
	_ = socket.Close()
	c.greeted = false
	c.socket.Store(nil)
	query := "?resume=" + url.QueryEscape(c.session.token) + "&seen=" + strconv.FormatUint(c.session.got.Load(), 10)
	after := c.session.after
	c.session.after = 0
	c.running.Go(func() { c.redial(query, after) })
}

// final tells whether the server wants no other socket.
func final(err error) bool {
	return websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.ClosePolicyViolation,
		websocket.CloseMessageTooBig)
}

// redial opens another socket, however long it takes.
func (c *Client) redial(query string, after time.Duration) {
	delay := max(after, spread(firstRedial))
	for next := firstRedial; ; next = min(2*next, lastRedial) {
		select {
		case <-time.After(delay):
		case <-c.stop:
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
		stopped := make(chan struct{})
		c.running.Go(func() {
			defer close(stopped)
			select {
			case <-c.stop:
				cancel()
			case <-ctx.Done():
			}
		})
		socket, err := c.dial(ctx, query)
		cancel()
		<-stopped
		if err == nil {
			select {
			case c.sockets <- socket:
			case <-c.ended:
				_ = socket.Close()
			}
			return
		}
		if errors.Is(err, ErrRefused) {
			c.log.Debug("not let in again", "error", err)
		}
		delay = spread(next)
	}
}

// spread shortens a delay, each time otherwise, so that not all come back at one time.
func spread(delay time.Duration) time.Duration {
	return time.Duration((1 - redialSpread*rand.Float64()) * float64(delay)) //nolint:gosec // guards nothing
}

// greet handles the greeting on a socket: the session goes on, or begins.
func (c *Client) greet(value json.RawMessage) {
	var m protocol.Connect
	if err := json.Unmarshal(value, &m); err != nil {
		c.log.Warn("greeting not understood", "error", err)
		return
	}
	c.configure(m.RTCConfig)
	c.greeted = true
	if m.Resume != nil {
		c.session.token = m.Token
	}
	if m.Resume != nil && m.Resumed {
		c.goOn(m.Received)
		return
	}
	former := false
	c.state.update(func(s *Snapshot) {
		former = s.ChannelName != ""
		s.ChannelName = m.ChannelName
	})
	if former {
		c.beginAnew()
	}
}

// goOn sends again what the server has not got.
func (c *Client) goOn(received uint64) {
	c.taken(received)
	if c.conn != nil {
		if err := c.conn.pc.SetConfiguration(c.configuration); err != nil {
			c.log.Debug("configuration not taken", "error", err)
		}
	}
	for _, frame := range c.session.unacked {
		c.write(frame.data)
	}
	c.state.update(func(s *Snapshot) { s.Resumed++ })
}

// beginAnew joins again what the former session was in.
func (c *Client) beginAnew() {
	c.session.sent, c.session.unacked = 0, nil
	c.asked = nil
	c.leave()
	c.state.update(func(s *Snapshot) { s.Renewed++ })
	if wanted := c.session.wanted; wanted != nil {
		c.join(*wanted)
	}
}

// taken forgets the frames up to a number, which the server has.
func (c *Client) taken(number uint64) {
	for len(c.session.unacked) > 0 && c.session.unacked[0].number <= number {
		c.session.unacked = c.session.unacked[1:]
	}
}

// acknowledge tells the server which of its frames have come, and asks the same of it.
func (c *Client) acknowledge() {
	c.sendFrame(map[string]any{
		protocol.KeySignal: protocol.HeartbeatSignal, protocol.KeyAck: c.session.got.Load(),
	})
}

// beat is a heartbeat. A socket on which the last one was not answered is given up.
func (c *Client) beat() {
	if !c.options.ComesBack {
		c.send(protocol.KeySignal, protocol.HeartbeatSignal)
		return
	}
	socket := c.socket.Load()
	switch {
	case socket == nil:
	case !c.session.answered:
		c.log.Debug("the server does not answer")
		_ = socket.Close() // which its reader tells, when it has no more
	default:
		c.session.answered = false
		c.acknowledge()
	}
}

// receiveServer handles what the server says of itself.
func (c *Client) receiveServer(value json.RawMessage) {
	var m protocol.Restarting
	if json.Unmarshal(value, &m) == nil && m.Type == protocol.TypeRestarting {
		c.session.after = time.Duration(m.After) * time.Millisecond
	}
}

// send sends a frame of one key.
func (c *Client) send(key string, value any) { c.sendFrame(map[string]any{key: value}) }

// sendFrame writes a frame, now or when there is a socket again.
func (c *Client) sendFrame(frame map[string]any) {
	if c.closeErr != nil {
		return
	}
	data, err := json.Marshal(frame)
	if err != nil {
		c.log.Error("frame not sent", "error", err)
		return
	}
	if c.options.ComesBack {
		c.session.sent++
		c.session.unacked = append(c.session.unacked, outFrame{c.session.sent, data})
	}
	if c.greeted || !c.options.ComesBack {
		c.write(data)
	}
}

func (c *Client) write(frame []byte) {
	socket := c.socket.Load()
	if socket == nil {
		return
	}
	err := socket.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		c.wire.out(len(frame))
		err = socket.WriteMessage(websocket.TextMessage, frame)
	}
	if err != nil {
		c.log.Debug("frame not sent", "error", err) // the reader finds out why
	}
}
