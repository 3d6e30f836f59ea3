package signaling

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"parley/auth"
	"parley/sfu/mailbox"
	"parley/signaling/protocol"
	"parley/signaling/rate"
)

const (
	mailboxCeiling = 8192            // posts that a session may be behind before it is ended
	closeGrace     = 2 * time.Second // for the close handshake
)

// Session is one participant: a websocket, or several of which each resumes what the former had to leave. Its exported
// methods, [Session.Post] excepted, are for handlers of apps, on its loop.
type Session struct {
	// Static after construction.
	hub      *Hub
	identity auth.Identity
	self     protocol.Participant
	page     string // the room that the socket was opened for
	secret   string // what a client shows that resumes; "" for one that cannot
	log      *slog.Logger
	began    time.Time

	links chan *link // sockets that resume the session

	inbox   chan *inbound          // from the reader
	mailbox *mailbox.Mailbox[post] // from everybody else
	outbox  *outbox                // to the writer
	alive   chan struct{}          // the reader heard something
	stopped chan ending            // somebody else ends the session
	ended   chan struct{}          // closed when the loop has ended

	heard  atomic.Int64                   // set by the reader: when something last arrived, nanoseconds after began
	inCall atomic.Bool                    // set by the loop
	conn   atomic.Pointer[websocket.Conn] // set by the loop: the latest socket's

	// Owned by the loop.
	link      *link  // nil while the socket is lost
	next      *link  // resumes, when what the present one brought has been handled
	remote    string // the address of whose socket it is, as net/http has it
	received  uint64 // frames of the client that were taken
	handlers  map[string]Handler
	opened    []Handler // in the order of registration
	malformed *rate.Limit
	live      liveness
	timer     *time.Timer // wakes the loop when live wants to be asked again
	room      *room       // nil outside a room
	member    *member     // nil outside a room
	entered   []Handler   // those that were told of the room
	waits     bool        // before the room of its page, on the porch
	end       *ending     // why the loop ends, nil while it goes on
}

// post is something for the loop: news of a stay in a room, or of no stay.
type post struct {
	member  *member // whose stay it is, nil for none
	outside bool    // only for who is in no room
	news
}

// ending says how a session ends. Code 0 sends no close frame.
type ending struct {
	code   int
	reason string // told to the client with the code, and logged
	linger bool   // the close frame is on its way: wait for the client to take it
	lost   bool   // only the socket is lost

	farewell string // a frame that the client is told before, "" for none
}

// ChannelName is the session's id.
func (s *Session) ChannelName() string { return s.self.ChannelName }

// Self is the participant as the others see them.
func (s *Session) Self() protocol.Participant { return s.self }

// Room is the name of the room the session is in, "" for none.
func (s *Session) Room() string {
	if s.room == nil {
		return ""
	}
	return s.room.name
}

// Send tells the client a message of the app key.
func (s *Session) Send(key string, message any) { s.write(s.hub.encode(key, message)) }

// Tell tells one participant of the same room, and reports whether there is one of that name.
func (s *Session) Tell(channelName, key string, message any) bool {
	return s.room != nil && s.room.tellOne(channelName, s.hub.encode(key, message))
}

// TellRoom tells everybody in the room, the session's own client included.
func (s *Session) TellRoom(key string, message any) {
	if s.room != nil {
		s.room.tell(s.hub.encode(key, message))
	}
}

// Post gives event to the session's handler of the app key, on its loop. It never blocks, and may be called from
// anywhere at any time; it reports false when the session has ended.
func (s *Session) Post(key string, event any) bool {
	return s.post(post{news: news{key: key, event: event}})
}

// post never blocks. A session that is too far behind ends.
func (s *Session) post(p post) bool {
	ok := s.mailbox.Post(p)
	if !ok {
		s.stop(ending{reason: "mailbox full"})
	}
	return ok
}

// stop ends the session unless it is ending already. It never blocks.
func (s *Session) stop(e ending) {
	select {
	case s.stopped <- e:
	default:
	}
}

// run serves the session, with its first socket, until it has ended, and all its goroutines with it.
func (s *Session) run(l *link) {
	s.start(l)
	defer s.finish() // also when an app panics: the others must be told
	s.open()
	s.loop()
}

// open greets the client: first rtc's connect, then the header, then whatever apps have to say.
func (s *Session) open() {
	s.timer = time.NewTimer(pingEvery)
	for i, app := range s.hub.apps {
		handler := app.Open(s)
		s.handlers[app.Key()] = handler
		s.opened = append(s.opened, handler)
		if i == 0 {
			s.write(s.hub.headerFrame(s.hub.header(s.page)))
			s.greetDraining()
		}
	}
}

func (s *Session) loop() {
	for s.end == nil {
		s.linger()
		select {
		case in := <-s.inbox:
			s.handlePosts() // an answer comes after what was there to be told before
			s.receive(in)
		case <-s.mailbox.Ready():
			s.handlePosts()
		case l := <-s.links:
			s.replace(l)
		case <-s.alive:
		case <-s.timer.C:
		case e := <-s.stopped:
			s.end = &e
		}
		s.checkLife()
		if s.end == nil && s.link == nil && s.room == nil { // put out while it could not be told
			s.end = &ending{reason: "socket lost"}
		}
	}
}

// finish leaves, and waits for reader and writer.
func (s *Session) finish() {
	if s.end == nil {
		s.end = &ending{code: websocket.CloseInternalServerErr, reason: "internal error", linger: true}
	}
	if s.end.farewell != "" {
		s.write([]byte(s.end.farewell))
	}
	s.leave()
	s.hub.porch.leave(s.page, s)
	for _, handler := range s.opened {
		handler.Closed()
	}
	s.timer.Stop()
	s.mailbox.Close()
	defer s.hub.unregister(s) // last: Hub.Close may want to drop the connection
	s.log.Info("session ended", "reason", s.end.reason)

	s.outbox.close(s.end.code, s.end.reason)
	close(s.ended)
	if s.next != nil {
		s.next.refuse()
	}
	if s.link == nil {
		return
	}
	if s.end.linger {
		defer time.AfterFunc(closeGrace, func() { _ = s.link.conn.Close() }).Stop()
	} else {
		_ = s.link.conn.Close()
	}
	s.link.running.Wait()
	_ = s.link.conn.Close()
}

// receive handles one frame of the client, or that there will be no more.
func (s *Session) receive(in *inbound) {
	if s.end != nil {
		return
	}
	if in.taken != nil {
		close(in.taken)
	}
	if in.end != nil {
		s.lost(in.end)
		return
	}
	s.received++
	if in.err != nil {
		s.refuse(in.err)
		return
	}
	if ack := in.envelope.ack; ack != nil && s.secret != "" {
		s.outbox.acknowledge(*ack)
		s.Send(protocol.KeyAck, s.received)
	}
	if in.envelope.hangup {
		s.leave()
	}
	if in.envelope.join != nil {
		s.join(*in.envelope.join)
	}
	for _, message := range in.envelope.apps {
		if handler := s.handlers[message.key]; handler != nil && s.end == nil {
			if err := handler.Receive(message.value); err != nil {
				s.refuse(err)
			}
		}
	}
}

// handlePosts empties the mailbox. News of a stay in a room, or of a wait before one, that is over are dropped.
func (s *Session) handlePosts() {
	for _, p := range s.mailbox.Take() {
		if s.end != nil {
			return
		}
		if !s.concerns(p) || p.lossy && (s.link == nil || s.outbox.behind()) {
			continue
		}
		for _, frame := range p.frames {
			s.write(frame)
		}
		if handler := s.handlers[p.key]; handler != nil {
			handler.Happened(p.event)
		}
	}
}

// concerns reports whether p is for where the session is now.
func (s *Session) concerns(p post) bool {
	return (p.member == nil || p.member == s.member) && (!p.outside || s.room == nil)
}

// refuse tells the client what was wrong. Whoever keeps sending malformed frames is cut off.
func (s *Session) refuse(err error) {
	wire := wireError(err)
	s.log.Debug("refused", "type", wire.Type, "detail", wire.Detail)
	s.Send(protocol.KeyError, wire)
	if malformed(wire.Type) && s.malformed.Hit(time.Now()) && s.end == nil {
		s.end = &ending{code: websocket.ClosePolicyViolation, reason: "too many malformed frames", linger: true}
	}
}

// malformed reports whether an error counts towards the limit on malformed frames.
func malformed(wireType string) bool {
	switch wireType {
	case protocol.ErrorBadMessage, protocol.ErrorBadDescription, protocol.ErrorBadCandidate:
		return true
	}
	return false
}

// fail leaves the room because its media cannot go on, and says so.
func (s *Session) fail(err error) {
	s.log.Error("call failed", "room", s.Room(), "error", err)
	s.hub.recent.add(Event{
		Room: s.Room(), Who: s.self.UserName, What: EventFailed, Why: protocol.ErrorInternal,
	})
	s.leave()
	s.refuse(&Refusal{Type: protocol.ErrorInternal, Detail: "the call ended by a fault of the server"})
}

// write queues a frame for the client.
func (s *Session) write(frame []byte) {
	if !s.outbox.push(frame) && s.end == nil {
		s.end = &ending{reason: "slow reader"}
	}
}

// mediaSilent is the rtc app's report of whether anything arrives over the media path.
func (s *Session) mediaSilent(silent bool) { s.live.media(silent, time.Now()) }

// checkLife looks how long the client has been silent and acts on it.
func (s *Session) checkLife() {
	v := s.live.check(time.Now(), s.began.Add(time.Duration(s.heard.Load())))
	if v.ping {
		s.outbox.ping()
	}
	if s.member != nil && v.away != s.live.away {
		s.live.away = v.away
		fragment := s.hub.deps.Renderer.State(s.self, v.away)
		state := ""
		if v.away {
			state = fragment
		}
		s.room.setAway(s.member, state, s.hub.encode(protocol.KeyHTML, fragment))
	}
	if v.gone && s.end == nil {
		s.end = &ending{code: websocket.CloseGoingAway, reason: "silent for too long", linger: s.link != nil}
	}
	s.timer.Reset(time.Until(v.next))
}
