package turn

import (
	"encoding/binary"
	"net"
	"time"

	"github.com/pion/stun/v4"
)

// WriteTo sends what pion has for a client. Data goes as it is, from the goroutines of the relays; answers come from
// the reader, which is how the gate's request is the one they answer.
func (g *gate) WriteTo(p []byte, to net.Addr) (int, error) {
	out := p
	if len(p) >= headerSize && p[0]&0xC0 == 0 {
		switch binary.BigEndian.Uint16(p) & 0x0110 { // the class
		case 0x0100:
			g.granted(p)
		case 0x0110:
			out = g.amend(p)
		}
	}
	if _, err := g.conn.WriteTo(out, to); err != nil {
		return 0, err
	}
	return len(p), nil
}

// granted looks at a success response.
func (g *gate) granted(p []byte) {
	m, err := parse(p, nil)
	if err != nil || m.Method != stun.MethodAllocate && m.Method != stun.MethodRefresh {
		return
	}
	if lifetime, ok := m.get(stun.AttrLifetime); ok {
		g.extend(m.Method, time.Duration(binary.BigEndian.Uint32(lifetime))*time.Second)
	}
}

// amend corrects an error response of pion, which knows fewer reasons than we and signs none: it answers 400 to wrong
// credentials, nothing in particular or 401 to a forbidden peer.
func (g *gate) amend(p []byte) []byte {
	req := &g.request
	m, err := parse(p, nil)
	if err != nil {
		return p
	}
	if req.code == 0 {
		code, why := stun.CodeBadRequest, malformed
		if value, ok := m.get(stun.AttrErrorCode); ok && len(value) >= 4 {
			code = stun.ErrorCode(int(value[2]&7)*100 + int(value[3]))
		}
		switch code {
		case stun.CodeUnauthorized, stun.CodeStaleNonce: // the ordinary way to begin
			return p
		case stun.CodeAllocMismatch:
			why = taken
		case stun.CodeUnsupportedTransProto:
			why = transport
		case stun.CodeInsufficientCapacity:
			why = capacity
		}
		g.refuse(code, why)
	}
	if req.code == stun.CodeUnknownAttribute { // the one that pion knows and does not do; it lists it wrongly
		return g.refusal(stun.UnknownAttributes{stun.AttrDontFragment})
	}
	return g.refusal()
}

// answer sends the refusal of a request that pion does not get to see.
func (g *gate) answer(to net.Addr, extra ...stun.Setter) {
	_, _ = g.conn.WriteTo(g.refusal(extra...), to)
}

// refusal builds the error response to the request and counts it. It is signed if the request was authenticated.
func (g *gate) refusal(extra ...stun.Setter) []byte {
	req := &g.request
	g.server.counters.refused[req.why].Add(1)
	setters := []stun.Setter{
		stun.NewTransactionIDSetter(req.id),
		stun.NewType(req.Method, stun.ClassErrorResponse),
		req.code,
	}
	if req.code == stun.CodeUnauthorized {
		// Pion found the nonce good, so it still is (RFC 8489, section 9.2.4 wants one).
		nonce, _ := req.get(stun.AttrNonce)
		setters = append(setters, stun.NewRealm(g.server.cfg.Realm), stun.RawAttribute{Type: stun.AttrNonce, Value: nonce})
	}
	setters = append(setters, extra...)
	if req.key != nil {
		setters = append(setters, stun.MessageIntegrity(req.key))
	}
	m, err := stun.Build(setters...)
	if err != nil { // only what we put in ourselves could be at fault
		g.server.log.Error("build a turn error response", "error", err)
		return nil
	}
	return m.Raw
}
