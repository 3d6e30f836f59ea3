package turn

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"github.com/pion/stun/v4"
)

const (
	headerSize = 20         // of a STUN message (RFC 8489, section 5)
	cookie     = 0x2112A442 // in each STUN message
	// mtu is the size from which on a message is refused, as pion does.
	mtu = 1600
	// maxNonce is generous for pion's nonces of 25 bytes. It decodes them in a time that grows with the square.
	maxNonce = 128
)

var (
	// errNoMessage means that it is not a STUN message.
	errNoMessage = errors.New("no STUN message")
	// errMalformed means that it is a STUN message with an attribute that cannot be.
	errMalformed = errors.New("malformed STUN message")
)

// message is a parsed STUN message. Its attributes are slices of the message.
type message struct {
	stun.MessageType
	id         [stun.TransactionIDSize]byte
	attributes []attribute
}

type attribute struct {
	kind  stun.AttrType
	value []byte
}

// parse takes a STUN message apart and is strict with it, because pion is not: attributes have a size that their kind
// can have, and nothing follows a signature that it does not cover. With errMalformed the header is still valid.
// attributes is emptied and used.
func parse(b []byte, attributes []attribute) (message, error) {
	m := message{attributes: attributes[:0]}
	if len(b) < headerSize || b[0]&0xC0 != 0 || binary.BigEndian.Uint32(b[4:]) != cookie {
		return m, errNoMessage
	}
	m.ReadValue(binary.BigEndian.Uint16(b))
	copy(m.id[:], b[8:headerSize])
	size := int(binary.BigEndian.Uint16(b[2:]))
	b = b[headerSize:]
	if size != len(b) || size%4 != 0 {
		return m, errMalformed
	}
	for last := 0; len(b) > 0; {
		kind, size := stun.AttrType(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
		padded := (size + 3) &^ 3
		b = b[4:] // the sizes are multiples of 4, so there is room for a header
		if len(b) < padded {
			return m, errMalformed
		}
		value := b[:size:size]
		b = b[padded:]
		place := trailer(kind)
		if !fits(kind, value) || last > 0 && place <= last {
			return m, errMalformed
		}
		last = place
		m.attributes = append(m.attributes, attribute{kind, value})
	}
	return m, nil
}

// trailer returns the place of an attribute among those that come last, in this order (RFC 8489, sections 14.5 to
// 14.7), 0 for others.
func trailer(kind stun.AttrType) int {
	switch kind {
	case stun.AttrMessageIntegrity:
		return 1
	case stun.AttrMessageIntegritySHA256:
		return 2
	case stun.AttrFingerprint:
		return 3
	default:
		return 0
	}
}

// fits tells whether an attribute of that kind can have that value (RFC 8489, section 14; RFC 8656, section 18).
func fits(kind stun.AttrType, value []byte) bool {
	switch size := len(value); kind {
	case stun.AttrXORPeerAddress:
		return (size == 8 && value[1] == 1 || size == 20 && value[1] == 2) && value[0] == 0
	case stun.AttrChannelNumber, stun.AttrLifetime, stun.AttrRequestedTransport, stun.AttrRequestedAddressFamily,
		stun.AttrFingerprint:
		return size == 4
	case stun.AttrEvenPort:
		return size == 1
	case stun.AttrReservationToken:
		return size == 8
	case stun.AttrMessageIntegrity:
		return size == 20
	case stun.AttrUsername:
		return size < 509
	case stun.AttrRealm:
		return size <= 763
	case stun.AttrNonce:
		return size <= maxNonce
	default:
		return true
	}
}

// get returns the value of the first attribute of a kind.
func (m *message) get(kind stun.AttrType) ([]byte, bool) {
	for _, a := range m.attributes {
		if a.kind == kind {
			return a.value, true
		}
	}
	return nil, false
}

func (m *message) has(kind stun.AttrType) bool {
	_, ok := m.get(kind)
	return ok
}

// peer returns the first XOR-PEER-ADDRESS, invalid if there is none. IPv4 in IPv6 stays so.
func (m *message) peer() netip.AddrPort {
	value, ok := m.get(stun.AttrXORPeerAddress)
	if !ok {
		return netip.AddrPort{}
	}
	var mask [16]byte
	binary.BigEndian.PutUint32(mask[:], cookie)
	copy(mask[4:], m.id[:])
	ip := slices.Clone(value[4:])
	for i := range ip {
		ip[i] ^= mask[i]
	}
	addr, _ := netip.AddrFromSlice(ip) // 4 or 16 bytes, see fits
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(value[2:])^cookie>>16)
}

// unknown returns the attributes that must be understood and are not (RFC 8489, section 6.3.1).
func (m *message) unknown() (list stun.UnknownAttributes) {
	for _, a := range m.attributes {
		if !a.kind.Required() {
			continue
		}
		switch a.kind {
		case stun.AttrMappedAddress, stun.AttrUsername, stun.AttrMessageIntegrity, stun.AttrErrorCode,
			stun.AttrUnknownAttributes, stun.AttrRealm, stun.AttrNonce, stun.AttrXORMappedAddress,
			stun.AttrChannelNumber, stun.AttrLifetime, stun.AttrXORPeerAddress, stun.AttrData,
			stun.AttrXORRelayedAddress, stun.AttrEvenPort, stun.AttrRequestedTransport, stun.AttrDontFragment,
			stun.AttrReservationToken, stun.AttrRequestedAddressFamily, stun.AttrPriority, stun.AttrUseCandidate,
			stun.AttrMessageIntegritySHA256, stun.AttrPasswordAlgorithm, stun.AttrUserhash:
		default:
			list = append(list, a.kind)
		}
	}
	return list
}

// isChannelData tells whether a datagram is a ChannelData message, whole (RFC 8656, section 12.4).
func isChannelData(b []byte) bool {
	return len(b) >= 4 && b[0]&0xC0 == 0x40 && int(binary.BigEndian.Uint16(b[2:])) <= len(b)-4
}

// frameSize returns how long the message is that begins with head, on a stream, and what pads it to a multiple of 4
// there. It wants 4 bytes for ChannelData and 8 for STUN; with fewer it returns more.
func frameSize(head []byte) (size, padding int, more int, err error) {
	if len(head) < 4 {
		return 0, 0, 4, nil
	}
	size = int(binary.BigEndian.Uint16(head[2:]))
	switch head[0] & 0xC0 {
	case 0x40:
		return 4 + size, -size & 3, 0, nil
	case 0:
		if len(head) < 8 {
			return 0, 0, 8, nil
		}
		if size%4 == 0 && binary.BigEndian.Uint32(head[4:]) == cookie {
			return headerSize + size, 0, 0, nil
		}
	}
	return 0, 0, 0, errNoMessage
}
