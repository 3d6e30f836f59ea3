package turn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/pion/stun/v4"
)

func TestParse(t *testing.T) {
	signed := stun.MessageIntegrity("key")
	build := func(setters ...stun.Setter) []byte {
		return stun.MustBuild(append([]stun.Setter{stun.TransactionID,
			stun.NewType(stun.MethodCreatePermission, stun.ClassRequest)}, setters...)...).Raw
	}
	after := func(setter stun.Setter, setters ...stun.Setter) []byte {
		m := stun.MustBuild(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, setters...)...)
		if err := setter.AddTo(m); err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	cut := func(b []byte, n int) []byte { return b[:len(b)-n] }
	length := func(b []byte, n int) []byte {
		b = bytes.Clone(b)
		binary.BigEndian.PutUint16(b[2:], uint16(n))
		return b
	}
	full := build(to("1.2.3.4:5"), stun.NewUsername("anna"), stun.NewRealm("r"), stun.NewNonce("n"), signed,
		stun.Fingerprint)
	for name, test := range map[string]struct {
		b   []byte
		err error
	}{
		"header alone":          {build(), nil},
		"everything":            {full, nil},
		"ipv6 peer":             {build(to("[2001:db8::1]:5")), nil},
		"two peers":             {build(to("1.2.3.4:5"), to("[2001:db8::1]:5")), nil},
		"odd sizes":             {build(raw(stun.AttrData, 1), raw(0x8022, 1, 2, 3)), nil},
		"nothing":               {nil, errNoMessage},
		"short header":          {cut(build(), 1), errNoMessage},
		"no cookie":             {append([]byte{0, 1, 0, 0}, make([]byte, 16)...), errNoMessage},
		"channel data":          {channelData(0x4000, "twenty bytes and more"), errNoMessage},
		"cut":                   {cut(full, 4), errMalformed},
		"too much":              {append(bytes.Clone(full), 0, 0, 0, 0), errMalformed},
		"odd length":            {length(append(build(), 0, 0), 2), errMalformed},
		"attribute beyond":      {length(append(build(), 0x80, 0x22, 0, 1), 4), errMalformed},
		"attribute far beyond":  {length(append(build(), 0x80, 0x22, 0xff, 0xff), 4), errMalformed},
		"empty peer":            {build(raw(stun.AttrXORPeerAddress)), errMalformed},
		"ipv4 peer too long":    {build(raw(stun.AttrXORPeerAddress, 0, 1, 0, 0, 1, 2, 3, 4, 5)), errMalformed},
		"peer of no family":     {build(raw(stun.AttrXORPeerAddress, 0, 3, 0, 0, 1, 2, 3, 4)), errMalformed},
		"peer of 16 bit family": {build(raw(stun.AttrXORPeerAddress, 9, 1, 0, 0, 1, 2, 3, 4)), errMalformed},
		"ipv6 peer too short":   {build(raw(stun.AttrXORPeerAddress, 0, 2, 0, 0, 1, 2, 3, 4)), errMalformed},
		"short integrity":       {build(raw(stun.AttrMessageIntegrity, 1, 2, 3)), errMalformed},
		"after integrity":       {after(to("1.2.3.4:5"), signed), errMalformed},
		"fingerprint after":     {after(stun.Fingerprint, signed), nil},
		"after sha256":          {after(to("1.2.3.4:5"), raw(stun.AttrMessageIntegritySHA256, 1, 2, 3, 4)), errMalformed},
		"after fingerprint":     {after(raw(stun.AttrData), stun.Fingerprint), errMalformed},
		"integrity twice":       {after(raw(stun.AttrMessageIntegrity, make([]byte, 20)...), signed), errMalformed},
		"short life":            {build(raw(stun.AttrLifetime, 1)), errMalformed},
		"long channel":          {build(raw(stun.AttrChannelNumber, 1, 2, 3, 4, 5)), errMalformed},
		"long nonce":            {build(raw(stun.AttrNonce, make([]byte, maxNonce+1)...)), errMalformed},
		"long username":         {build(raw(stun.AttrUsername, make([]byte, 509)...)), errMalformed},
		"long realm":            {build(raw(stun.AttrRealm, make([]byte, 764)...)), errMalformed},
		"long even port":        {build(raw(stun.AttrEvenPort, 1, 2)), errMalformed},
		"short reservation":     {build(raw(stun.AttrReservationToken, 1, 2)), errMalformed},
		"short fingerprint":     {build(raw(stun.AttrFingerprint, 1, 2)), errMalformed},
		"short transport":       {build(raw(stun.AttrRequestedTransport, 17)), errMalformed},
		"short family":          {build(raw(stun.AttrRequestedAddressFamily, 1)), errMalformed},
		"rtp, a large sequence": {append([]byte{0x80, 96, 0, 1}, make([]byte, 30)...), errNoMessage},
	} {
		if _, err := parse(test.b, nil); !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", name, err, test.err)
		}
	}

	m, err := parse(full, nil)
	if err != nil || m.Method != stun.MethodCreatePermission || m.Class != stun.ClassRequest {
		t.Fatalf("%+v %v", m, err)
	}
	if username, ok := m.get(stun.AttrUsername); !ok || string(username) != "anna" {
		t.Errorf("username %q", username)
	}
	if m.has(stun.AttrEvenPort) || !m.has(stun.AttrFingerprint) {
		t.Error("wrong attributes")
	}
	for _, want := range []string{"1.2.3.4:5", "[2001:db8::1]:65535", "0.0.0.0:0", "[::ffff:1.2.3.4]:80"} {
		m, err := parse(build(to(want)), nil)
		if err != nil || m.peer() != netip.MustParseAddrPort(want) {
			t.Errorf("peer %v %v, want %s", m.peer(), err, want)
		}
	}
	if m, _ := parse(build(), nil); m.peer().IsValid() {
		t.Error("a peer out of nothing")
	}
}

// What parse accepts, pion's library accepts, and finds the same in it.
func FuzzParse(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpRelay, lifetime(600),
		stun.NewUsername("1700000000:anna"), stun.NewRealm(realm), stun.NewNonce("nonce"),
		stun.MessageIntegrity("key"), stun.Fingerprint).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodChannelBind, stun.ClassRequest), channel(0x4000),
		to("[2001:db8::1]:5")).Raw)
	f.Add(sendTo(to("203.0.113.7:7000"), "data"))
	f.Add(channelData(0x4001, "data"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if isChannelData(b) {
			if _, err := parse(b, nil); !errors.Is(err, errNoMessage) {
				t.Fatal("both channel data and STUN")
			}
		}
		m, err := parse(b, nil)
		_, _ = m.peer(), m.unknown() // harmless in any case
		if err != nil {
			return
		}
		theirs := &stun.Message{Raw: bytes.Clone(b)}
		if err := theirs.Decode(); err != nil {
			t.Fatalf("accepted: %v", err)
		}
		if theirs.Type != m.MessageType || theirs.TransactionID != m.id || len(theirs.Attributes) > len(m.attributes) {
			t.Fatalf("%+v, want %+v", m, theirs)
		}
		var peer stun.XORMappedAddress
		if err := peer.GetFromAs(theirs, stun.AttrXORPeerAddress); err == nil {
			if ours := m.peer(); int(ours.Port()) != peer.Port || !net.IP(ours.Addr().AsSlice()).Equal(peer.IP) {
				t.Fatalf("peer %v, want %v", ours, peer)
			}
		} else if m.has(stun.AttrXORPeerAddress) {
			t.Fatal(err)
		}
	})
}

// pieces is a connection on which data arrives in pieces of a size.
type pieces struct {
	net.Conn
	data []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.data)
	p.data = p.data[n:]
	return n, nil
}

func (p *pieces) RemoteAddr() net.Addr { return &net.TCPAddr{} }

func TestStreamFrames(t *testing.T) {
	binding := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw
	empty := channelData(0x4000, "")
	three := channelData(0x4001, "abc")
	big := append([]byte{0x40, 1, 0x06, 0x00}, make([]byte, 0x600)...)
	huge := append([]byte{0x40, 1, 0xff, 0xff}, make([]byte, 0x10000)...)
	largest := append([]byte{0x7f, 0xff, 0xff, 0xfc}, make([]byte, 0xfffc)...)
	for name, test := range map[string]struct {
		in        [][]byte
		out       [][]byte
		err       error
		oversized uint64
	}{
		"nothing":           {nil, nil, io.EOF, 0},
		"one":               {[][]byte{binding}, [][]byte{binding}, io.EOF, 0},
		"many":              {[][]byte{empty, three, binding, big}, [][]byte{empty, three[:7], binding, big}, io.EOF, 0},
		"too long":          {[][]byte{three, huge, largest, three}, [][]byte{three[:7], three[:7]}, io.EOF, 2},
		"cut in the header": {[][]byte{binding[:6]}, nil, io.EOF, 0},
		"cut in the middle": {[][]byte{binding[:19]}, nil, io.ErrUnexpectedEOF, 0},
		"no cookie":         {[][]byte{three, make([]byte, 20)}, [][]byte{three[:7]}, errNoMessage, 0},
		"http":              {[][]byte{[]byte("GET / HTTP/1.1\r\n\r\n")}, nil, io.EOF, 1},
		"tls":               {[][]byte{{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc}}, nil, errNoMessage, 0},
		"rtp":               {[][]byte{{0x80, 96, 0, 1, 0, 0, 0, 0}}, nil, errNoMessage, 0},
	} {
		for _, size := range []int{1, 3, 1000, 100_000} {
			var c counters
			s := newStream(&pieces{data: bytes.Join(test.in, nil), size: size}, &c, patience)
			b := make([]byte, mtu)
			var err error
			for i := 0; ; i++ {
				var n int
				if n, _, err = s.ReadFrom(b); err != nil {
					if i != len(test.out) {
						t.Errorf("%s by %d: %d messages, want %d", name, size, i, len(test.out))
					}
					break
				}
				if i >= len(test.out) || !bytes.Equal(b[:n], test.out[i]) {
					t.Fatalf("%s by %d: message %d is %x", name, size, i, b[:n])
				}
			}
			if !errors.Is(err, test.err) || c.oversized.Load() != test.oversized {
				t.Errorf("%s by %d: %v and %d oversized, want %v", name, size, err, c.oversized.Load(), test.err)
			}
		}
	}
}

func FuzzStream(f *testing.F) {
	f.Add(append(channelData(0x4000, "abcde"), stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw...), uint8(3))
	f.Add([]byte{0x40, 0, 0xff, 0xff, 1, 2, 3, 4, 5}, uint8(1))
	f.Add([]byte{0, 1, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42}, uint8(4))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		var c counters
		s := newStream(&pieces{data: data, size: max(1, int(size))}, &c, patience)
		b := make([]byte, mtu)
		read := 0
		for {
			n, _, err := s.ReadFrom(b)
			if err != nil {
				return
			}
			if n < 4 || n >= mtu || !isChannelData(b[:n]) && b[0]&0xC0 != 0 {
				t.Fatalf("%x is no message", b[:n])
			}
			if read += n; read > len(data) {
				t.Fatal("more read than written")
			}
		}
	})
}
