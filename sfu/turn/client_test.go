package turn

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v4"
)

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
	m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), peer,
		stun.RawAttribute{Type: stun.AttrData, Value: []byte(data)})
	return m.Raw
}

// once sends a request once and returns the answer, noting a nonce.
func (c *client) once(method stun.Method, setters ...stun.Setter) *stun.Message {
	c.t.Helper()
	m := stun.MustBuild(c.request(method, setters...)...)
	c.write(m.Raw)
	answer, err := c.response(m.TransactionID)
	if err != nil {
		c.t.Fatal(err)
	}
	var nonce stun.Nonce
	var realm stun.Realm
	if c.nonce == "" && nonce.GetFrom(answer) == nil && realm.GetFrom(answer) == nil {
		c.nonce, c.realm = string(nonce), string(realm)
	}
	return answer
}

func raw(kind stun.AttrType, value ...byte) stun.RawAttribute {
	return stun.RawAttribute{Type: kind, Value: value}
}
