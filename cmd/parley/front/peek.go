package front

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
)

// kind is what a connection is.
type kind int

const (
	kindUnknown kind = iota
	kindTLS
	kindHTTP
	kindTURN
	kindICE
)

// enough is how many bytes tell what a connection is.
const enough = 10

// maxHeader is how much is read of a request that is only redirected, in bytes.
const maxHeader = 8 << 10

// cookie is in each STUN message (RFC 8489, section 5): 4 bytes from its beginning, which over TCP is the connection's,
// while ICE puts each packet's length in front of it, 2 bytes (RFC 4571).
const cookie = 0x2112A442

// sort tells by the first bytes of a connection what it is, and false if it takes more of them.
func sort(head []byte) (kind, bool) {
	switch {
	case len(head) == 0:
		return kindUnknown, false
	case head[0] == 0x16: // a TLS handshake record; as ICE it would be a packet of 5.6 kB or more
		return kindTLS, true
	case 'A' <= head[0] && head[0] <= 'Z': // a method; STUN begins with two bits of 0, and a packet is not that long
		return kindHTTP, true
	case len(head) < enough:
		return kindUnknown, false
	case binary.BigEndian.Uint32(head[4:]) == cookie:
		return kindTURN, true
	case binary.BigEndian.Uint32(head[6:]) == cookie:
		return kindICE, true
	default:
		return kindUnknown, true
	}
}

// peeked is a connection whose first bytes have been looked at.
type peeked struct {
	net.Conn
	reader *bufio.Reader // owned by the reader
	gone   func()        // called when it is closed; nil for one over another
}

func newPeeked(conn net.Conn) *peeked {
	return &peeked{Conn: conn, reader: bufio.NewReaderSize(conn, 4096)}
}

// Close closes it, and no longer counts it.
func (p *peeked) Close() error {
	if p.gone != nil {
		p.gone()
	}
	return p.Conn.Close()
}

// kind waits until it is clear what the connection is, or it fails.
func (p *peeked) kind() kind {
	for n := 1; n <= enough; n++ {
		head, err := p.reader.Peek(n)
		if err != nil {
			return kindUnknown
		}
		if kind, known := sort(head); known {
			return kind
		}
	}
	return kindUnknown
}

// Read begins with what was looked at.
func (p *peeked) Read(b []byte) (int, error) {
	if p.reader == nil {
		return p.Conn.Read(b)
	}
	if p.reader.Buffered() == 0 {
		p.reader = nil // from now on without a copy
		return p.Conn.Read(b)
	}
	return p.reader.Read(b)
}

// SetWriteBuffer sets the size of the kernel's buffer, where there is one.
func (p *peeked) SetWriteBuffer(bytes int) error {
	under := p.Conn
	if secured, ok := under.(interface{ NetConn() net.Conn }); ok {
		under = secured.NetConn()
	}
	if sized, ok := under.(interface{ SetWriteBuffer(bytes int) error }); ok {
		return sized.SetWriteBuffer(bytes)
	}
	return nil
}

// redirect sends who came with plain HTTP where TLS is expected to the same address with TLS.
func redirect(conn *peeked) {
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(conn.reader, maxHeader)))
	if err != nil || request.Host == "" || request.URL.Host != "" {
		return
	}
	to := *request.URL
	to.Scheme, to.Host = "https", request.Host
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 308 Permanent Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n"+
		"Connection: close\r\n\r\n", to.String())
}
