package signaling

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"parley/auth"
	"parley/sfu/mailbox"
	"parley/signaling/protocol"
	"parley/signaling/rate"
)

const (
	defaultQueuedBytes  = 4 << 20
	defaultWriteTimeout = 10 * time.Second
	handshakeTimeout    = 10 * time.Second
	channelNameBytes    = 18 // random ones: 24 characters, 144 bits
)

// Config is what may be chosen. Zero values stand for the defaults.
type Config struct {
	QueuedBytes  int           // queued to one client before it counts as a slow reader and is cut off, default 4 MiB
	WriteTimeout time.Duration // for one frame to one client, default 10 s

	RoomAccess    string // of a room that opens: protocol.AccessOpen (default), AccessPassword or AccessInvite
	RoomPassword  string // with AccessPassword; "" lets nobody in
	MaxRoomPeople int    // in one room, viewers too; 0 for no limit
}

// Deps is what the hub works with. All are required, unless it says otherwise.
type Deps struct {
	Sessions      Sessions
	OriginAllowed func(r *http.Request) bool // by the Origin header; a request without one passes
	Media         Media
	Presence      Presence
	Memory        Memory // nil: rooms end with the process
	Renderer      Renderer
	RTCConfigs    RTCConfigs
	Capacity      Capacity // nil: the server carries any number of people
	Invites       Invites  // nil: there are no invitations
	Guesses       Guesses  // nil: passwords of rooms may be guessed as fast as frames may be sent
}

// Hub is all websockets of this process and the rooms that they are in. It serves GET /ws/<room>/.
type Hub struct {
	// Static after construction and Register.
	cfg      Config
	deps     Deps
	log      *slog.Logger
	upgrader websocket.Upgrader
	apps     []App
	newName  func() string // makes channel names
	began    time.Time
	porch    *porch
	recent   events

	running sync.WaitGroup // requests that became sessions, or will

	mu       sync.Mutex
	closing  bool                // guarded by mu
	frozen   bool                // guarded by mu: rooms are kept as they were
	sessions map[string]*Session // guarded by mu: by channel name
	short    map[string]bool     // guarded by mu: the short names in use
	rooms    map[string]*room    // guarded by mu
	drain    drain               // guarded by mu
}

// New makes a hub with the apps "rtc" and "floor" registered. It listens to deps.Media.
func New(cfg Config, deps Deps, log *slog.Logger) *Hub {
	if cfg.QueuedBytes <= 0 {
		cfg.QueuedBytes = defaultQueuedBytes
	}
	if cfg.WriteTimeout <= 0 {
		cfg.WriteTimeout = defaultWriteTimeout
	}
	h := &Hub{
		cfg:   cfg,
		deps:  deps,
		log:   log,
		began: time.Now(),
		upgrader: websocket.Upgrader{
			HandshakeTimeout: handshakeTimeout,
			CheckOrigin:      func(*http.Request) bool { return true }, // judged before the upgrade
		},
		newName:  newChannelName,
		apps:     []App{&rtcApp{media: deps.Media, configs: deps.RTCConfigs}, &floorApp{invites: deps.Invites}},
		sessions: make(map[string]*Session),
		short:    make(map[string]bool),
		rooms:    make(map[string]*room),
	}
	h.porch = newPorch(h.presentFrame)
	deps.Media.Listen(h.roomEvent)
	return h
}

// Register puts a further app on the sockets. It panics when the key is taken, and must come before serving.
func (h *Hub) Register(app App) {
	switch app.Key() {
	case protocol.KeyJoin, protocol.KeyHangup, protocol.KeySignal, protocol.KeyRoom,
		protocol.KeyHTML, protocol.KeyRemove, protocol.KeyError, protocol.KeyAck, protocol.KeyServer:
		panic("signaling: " + app.Key() + " is not a key for apps")
	}
	for _, other := range h.apps {
		if other.Key() == app.Key() {
			panic("signaling: two apps for " + app.Key())
		}
	}
	h.apps = append(h.apps, app)
}

// ServeHTTP refuses the request, or serves its websocket until the session has ended.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	room, err := protocol.ParseRoom(r.PathValue("room"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	identity, ok := h.deps.Sessions.Identify(r)
	if !ok {
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	}
	if !h.deps.OriginAllowed(r) {
		http.Error(w, "foreign origin", http.StatusForbidden)
		return
	}
	if !h.begin() {
		http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
		return
	}
	defer h.running.Done()
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.log.Debug("no websocket", "error", err) // the client has been told
		return
	}
	if h.resume(conn, r, identity) {
		return
	}
	s := h.register(identity, room, r.URL.Query().Has("resume"))
	if _, ok := h.deps.Sessions.Identify(r); !ok { // logged out meanwhile, too early for EndSession
		s.stop(loggedOut())
	}
	s.run(newLink(conn, r.RemoteAddr))
}

// InCall reports whether the session of that channel name is in a room.
func (h *Hub) InCall(channelName string) bool {
	h.mu.Lock()
	s := h.sessions[channelName]
	h.mu.Unlock()
	return s != nil && s.inCall.Load()
}

// EndSession closes the sockets of a login session, with 1008: it was logged out.
func (h *Hub) EndSession(sessionID string) {
	for _, s := range h.all() {
		if s.identity.SessionID == sessionID {
			s.stop(loggedOut())
		}
	}
}

func loggedOut() ending {
	return ending{code: websocket.ClosePolicyViolation, reason: "logged out", linger: true}
}

// Close refuses new sockets, closes all others with 1001 and waits for them. Rooms are kept as they were before. When
// ctx ends first it drops them, and returns the context's error.
func (h *Hub) Close(ctx context.Context) error {
	for _, s := range h.refuseMore() {
		s.stop(shutdown())
	}
	return h.awaitSessions(ctx)
}

func shutdown() ending {
	return ending{code: websocket.CloseGoingAway, reason: "the server is stopping", linger: true}
}

// begin counts a request that may become a session.
func (h *Hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.running.Add(1)
	return true
}

// register makes a session for the page of a room, of a client that may resume it or not, under a channel name whose
// short name nobody else has.
func (h *Hub) register(identity auth.Identity, page string, resumes bool) *Session {
	secret, keeping := "", 0
	if resumes {
		secret, keeping = newSecret(), keptBytes
	}
	s := &Session{
		hub:       h,
		identity:  identity,
		page:      page,
		secret:    secret,
		began:     time.Now(),
		links:     make(chan *link),
		inbox:     make(chan *inbound, inboxFrames),
		mailbox:   mailbox.New[post](mailboxCeiling),
		outbox:    newOutbox(h.cfg.QueuedBytes, keeping),
		alive:     make(chan struct{}, 1),
		stopped:   make(chan ending, 1),
		ended:     make(chan struct{}),
		handlers:  make(map[string]Handler),
		malformed: rate.New(malformedAllowed, malformedSpan),
		live:      liveness{began: h.began},
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for s.self.ChannelName == "" || h.short[s.self.ShortName] {
		name := h.newName()
		s.self = protocol.Participant{
			ChannelName: name, UserName: identity.User.ScreenName, ShortName: protocol.ShortName(name),
		}
	}
	s.log = h.log.With("peer", s.self.ChannelName)
	h.sessions[s.self.ChannelName] = s
	h.short[s.self.ShortName] = true
	if h.closing {
		s.stop(shutdown())
	}
	return s
}

func (h *Hub) unregister(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s.self.ChannelName)
	delete(h.short, s.self.ShortName)
}

func (h *Hub) all() []*Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*Session, 0, len(h.sessions))
	for _, s := range h.sessions {
		all = append(all, s)
	}
	return all
}

// encode makes a frame. A message that JSON cannot express is an app's mistake: logged, and an error for the client.
func (h *Hub) encode(key string, message any) []byte {
	frame, err := encode(key, message)
	if err != nil {
		h.log.Error("unencodable message", "app", key, "error", err)
		return []byte(`{"error":{"type":"internal"}}`)
	}
	return frame
}

// encodeFrame makes a frame of several keys. It must be one that JSON can express.
func (h *Hub) encodeFrame(object any) []byte {
	frame, err := encodeFrame(object)
	if err != nil {
		h.log.Error("unencodable frame", "error", err)
		return []byte(`{"error":{"type":"internal"}}`)
	}
	return frame
}

// newChannelName makes an id that nobody can guess, of characters that an HTML id, a MediaStream id and a NATS subject
// may have.
func newChannelName() string {
	id := make([]byte, channelNameBytes)
	_, _ = rand.Read(id) // never fails
	return base64.RawURLEncoding.EncodeToString(id)
}
