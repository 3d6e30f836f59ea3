package turn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	realm    = "parley.example"
	patience = 10 * time.Second // for anything that ought to happen
)

// media is announced and is no address of this machine: whatever reaches it has not gone over a network.
var media = netip.MustParseAddrPort("203.0.113.7:7000")

var media6 = netip.MustParseAddrPort("[2001:db8::7]:7001")

// fakeMedia stands for the SFU's media socket: it hands out what relays inject.
type fakeMedia struct {
	injected chan injected

	mu     sync.Mutex
	relays map[netip.AddrPort]func([]byte)
}

type injected struct {
	relay netip.AddrPort
	data  string
}

func newFakeMedia() *fakeMedia {
	return &fakeMedia{injected: make(chan injected, 1000), relays: make(map[netip.AddrPort]func([]byte))}
}

func (f *fakeMedia) Attach(relay netip.AddrPort, deliver func([]byte)) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.relays[relay] != nil {
		return nil, errors.New("taken")
	}
	f.relays[relay] = deliver
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.relays, relay)
	}, nil
}

func (f *fakeMedia) Inject(relay netip.AddrPort, packet []byte) {
	select {
	case f.injected <- injected{relay, string(packet)}:
	default:
	}
}

// send is the SFU writing to a relay.
func (f *fakeMedia) send(relay netip.AddrPort, data string) bool {
	f.mu.Lock()
	deliver := f.relays[relay]
	f.mu.Unlock()
	if deliver == nil {
		return false
	}
	deliver([]byte(data))
	return true
}

// next is what the SFU reads.
func (f *fakeMedia) next(t testing.TB) injected {
	t.Helper()
	select {
	case got := <-f.injected:
		return got
	case <-time.After(patience):
		t.Fatal("nothing reached the media socket")
		return injected{}
	}
}

// world is a server with everything that it asks, under the test's control.
type world struct {
	*Server
	media *fakeMedia
	addr  netip.AddrPort // of the server, UDP and TCP

	mu     sync.Mutex
	now    time.Time
	inCall map[string]bool
}

// start runs a server on 127.0.0.1 that announces media and media6, with changes to its configuration.
func start(t testing.TB, change func(*Config)) *world {
	t.Helper()
	conn, listener, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{media: newFakeMedia(), addr: addrPort(conn.LocalAddr()), now: time.Now(), inCall: make(map[string]bool)}
	cfg := Config{
		PacketConns: []net.PacketConn{conn},
		Listeners:   []net.Listener{listener},
		Realm:       realm,
		Announced:   []netip.AddrPort{media, media6},
		Media:       w.media,
		Verify:      verify,
		InCall:      w.isInCall,
		Now:         w.clock,
	}
	if change != nil {
		change(&cfg)
	}
	if w.Server, err = New(cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.stop(t) })
	return w
}

func (w *world) stop(t testing.TB) {
	done := make(chan error, 1)
	go func() { done <- w.Close() }()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error("close:", err)
		}
	case <-time.After(patience):
		t.Error("close does not return")
	}
	w.media.mu.Lock()
	defer w.media.mu.Unlock()
	if n := len(w.media.relays); n > 0 {
		t.Errorf("%d relays stay attached", n)
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) isInCall(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inCall[id]
}

func (w *world) call(id string, in bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inCall[id] = in
}

// user returns credentials' name for id, valid for a life.
func (w *world) user(id string, life time.Duration) string {
	return strconv.FormatInt(w.clock().Add(life).Unix(), 10) + ":" + id
}

func verify(username string) (id, password string, expires time.Time, err error) {
	digits, id, ok := strings.Cut(username, ":")
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return "", "", time.Time{}, errors.New("no credentials")
	}
	return id, passwordOf(username), time.Unix(seconds, 0), nil
}

func passwordOf(username string) string { return "secret of " + username }

// eventually waits for what nothing announces.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within time: ", what)
		}
	}
}

// client speaks TURN by hand, well-behaved or not.
type client struct {
	t            testing.TB
	conn         net.Conn
	stream       *stream // nil for UDP
	username     string
	password     string
	realm, nonce string
	aside        [][]byte // messages that came while a response was awaited
}

func dial(t testing.TB, w *world, network, username string) *client {
	t.Helper()
	conn, err := net.Dial(network, w.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn, username: username, password: passwordOf(username)}
	if network == "tcp" {
		c.stream = newStream(conn, new(counters), patience)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return c
}

// as is the same client connection with another user's credentials.
func (c *client) as(username string) *client {
	other := *c
	other.username, other.password = username, passwordOf(username)
	return &other
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next message from the server, or an error after a while.
func (c *client) read(wait time.Duration) ([]byte, error) {
	b := make([]byte, 2048)
	if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		c.t.Fatal(err)
	}
	if c.stream != nil {
		n, _, err := c.stream.ReadFrom(b)
		return b[:n], err
	}
	n, err := c.conn.Read(b)
	return b[:n], err
}

// response awaits the answer to a request.
func (c *client) response(id [stun.TransactionIDSize]byte) (*stun.Message, error) {
	for {
		b, err := c.read(patience)
		if err != nil {
			return nil, err
		}
		m := &stun.Message{Raw: b}
		if m.Decode() == nil && m.TransactionID == id {
			return m, nil
		}
		c.aside = append(c.aside, b)
	}
}

// do sends a request, with credentials once the server has asked for them, and returns the answer.
func (c *client) do(method stun.Method, setters ...stun.Setter) *stun.Message {
	c.t.Helper()
	for range 3 {
		m, err := stun.Build(c.request(method, setters...)...)
		if err != nil {
			c.t.Fatal(err)
		}
		c.write(m.Raw)
		answer, err := c.response(m.TransactionID)
		if err != nil {
			c.t.Fatalf("%v: %v", method, err)
		}
		code := code(answer)
		hadNonce := c.nonce != ""
		if code != stun.CodeStaleNonce && (code != stun.CodeUnauthorized || hadNonce) {
			return answer
		}
		var nonce stun.Nonce
		var realm stun.Realm
		if nonce.GetFrom(answer) != nil || realm.GetFrom(answer) != nil {
			c.t.Fatalf("%v: %v without a nonce or a realm", method, code)
		}
		c.nonce, c.realm = string(nonce), string(realm)
	}
	c.t.Fatalf("%v: asked for credentials again and again", method)
	return nil
}

func (c *client) request(method stun.Method, setters ...stun.Setter) []stun.Setter {
	all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, setters...)
	if c.nonce != "" {
		all = append(all, stun.NewUsername(c.username), stun.NewRealm(c.realm), stun.NewNonce(c.nonce), c.key())
	}
	return all
}

func (c *client) key() stun.MessageIntegrity {
	return pion.GenerateAuthKey(c.username, c.realm, c.password)
}

// allocate makes an allocation and returns the relayed address.
func (c *client) allocate() netip.AddrPort {
	c.t.Helper()
	answer := c.do(stun.MethodAllocate, udpRelay)
	if code(answer) != 0 {
		c.t.Fatalf("allocate: %v", code(answer))
	}
	var relayed stun.XORMappedAddress
	if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil {
		c.t.Fatal(err)
	}
	if err := c.key().Check(answer); err != nil {
		c.t.Error("allocate: the answer is not signed:", err)
	}
	addr, _ := netip.AddrFromSlice(relayed.IP)
	return netip.AddrPortFrom(addr, uint16(relayed.Port))
}

// want fails the test unless the answer has that code, 0 for success.
func want(t testing.TB, what string, answer *stun.Message, wanted stun.ErrorCode) {
	t.Helper()
	if got := code(answer); got != wanted {
		t.Errorf("%s: %v, want %v", what, got, wanted)
	}
}

// code returns an answer's error code, 0 for success, -1 for an error without one.
func code(m *stun.Message) stun.ErrorCode {
	if m.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(m); err != nil {
		return -1
	}
	return code.Code
}

var (
	udpRelay = stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}
	tcpRelay = stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{6, 0, 0, 0}}
)

// peerAddr is an XOR-PEER-ADDRESS.
type peerAddr netip.AddrPort

func (p peerAddr) AddTo(m *stun.Message) error {
	addr := netip.AddrPort(p)
	if !addr.Addr().Is4In6() {
		return stun.XORMappedAddress{IP: addr.Addr().AsSlice(), Port: int(addr.Port())}.
			AddToAs(m, stun.AttrXORPeerAddress)
	}
	value := make([]byte, 20) // which the library would turn into plain IPv4
	value[1] = 2
	binary.BigEndian.PutUint16(value[2:], addr.Port()^cookie>>16)
	var mask [16]byte
	binary.BigEndian.PutUint32(mask[:], cookie)
	copy(mask[4:], m.TransactionID[:])
	for i, b := range addr.Addr().As16() {
		value[4+i] = b ^ mask[i]
	}
	m.Add(stun.AttrXORPeerAddress, value)
	return nil
}

func to(addr string) peerAddr { return peerAddr(netip.MustParseAddrPort(addr)) }

func channel(number uint16) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChannelNumber, Value: binary.BigEndian.AppendUint32(nil, uint32(number)<<16)}
}

func lifetime(seconds uint32) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: binary.BigEndian.AppendUint32(nil, seconds)}
}

// channelData is a ChannelData message.
func channelData(number uint16, data string) []byte {
	b := binary.BigEndian.AppendUint16(nil, number)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	b = append(b, data...)
	return append(b, make([]byte, -len(data)&3)...)
}

// sendTo is a Send indication.
func sendTo(peer peerAddr, data string) []byte {
	m := stun.MustBuild(stun.TransactionID, sendIndication, peer,
		stun.RawAttribute{Type: stun.AttrData, Value: []byte(data)})
	return m.Raw
}

func (w *world) String() string { return fmt.Sprintf("%+v", w.Stats()) }
