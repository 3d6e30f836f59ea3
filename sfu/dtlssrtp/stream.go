package dtlssrtp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// window is how far behind the newest packet one may still be sealed. A receiver takes no older one.
const window = 512

var (
	// ErrIndex is returned for a packet whose number has been sealed before, or that is too old to tell.
	ErrIndex = errors.New("packet index used before")
	// ErrPacket is returned for what is no RTP packet of the stream.
	ErrPacket = errors.New("not a packet of this stream")
)

// Stream seals the packets of one SSRC. It is for one goroutine at a time.
type Stream struct {
	// Static after construction.
	session *Session
	ssrc    uint32
	context *srtp.Context // where the profile is not GCM
	header  *rtp.Header   // with context

	// Owned by the sender.
	begun  bool
	newest uint64 // index of the newest packet: rollover counter and sequence number (RFC 3711, 3.3.1)
	used   [window / 64]uint64
	nonce  [saltSize]byte
}

// Seal encrypts an RTP packet of the stream where it lies. The first headerSize bytes stay readable; behind the packet
// there must be room for Overhead bytes. Each sequence number is sealed once.
func (s *Stream) Seal(packet []byte, headerSize int) ([]byte, error) {
	if headerSize < 12 || headerSize > len(packet) || binary.BigEndian.Uint32(packet[8:]) != s.ssrc {
		return nil, ErrPacket
	}
	index, err := s.take(binary.BigEndian.Uint16(packet[2:]))
	if err != nil {
		return nil, err
	}
	if s.context != nil {
		return s.context.EncryptRTP(packet, packet, s.header)
	}
	// RFC 7714, 8.1: two bytes of zero, SSRC, rollover counter, sequence number, all XOR the salt.
	s.nonce = s.session.salt
	binary.BigEndian.PutUint32(s.nonce[2:], binary.BigEndian.Uint32(s.nonce[2:])^s.ssrc)
	binary.BigEndian.PutUint32(s.nonce[6:], binary.BigEndian.Uint32(s.nonce[6:])^uint32(index>>16))
	binary.BigEndian.PutUint16(s.nonce[10:], binary.BigEndian.Uint16(s.nonce[10:])^uint16(index))
	sealed := s.session.aead.Seal(packet[headerSize:headerSize], s.nonce[:], packet[headerSize:], packet[:headerSize])
	return packet[:headerSize+len(sealed)], nil
}

// take returns the index of a sequence number and marks it as used.
func (s *Stream) take(sequence uint16) (uint64, error) {
	if !s.begun {
		s.begun, s.newest = true, uint64(sequence)
		s.mark(s.newest)
		return s.newest, nil
	}
	ahead := int16(sequence - uint16(s.newest)) // the nearest, modulo 2^16
	if ahead > 0 {
		index := s.newest + uint64(ahead)
		if index >= 1<<48 {
			return 0, fmt.Errorf("%w: 2^48 packets", ErrIndex)
		}
		s.advance(index)
		return index, nil
	}
	behind := uint64(-int(ahead))
	if behind >= window || behind > s.newest {
		return 0, fmt.Errorf("%w: %d behind", ErrIndex, behind)
	}
	index := s.newest - behind
	if s.used[index/64%uint64(len(s.used))]&(1<<(index%64)) != 0 {
		return 0, fmt.Errorf("%w: %d", ErrIndex, sequence)
	}
	s.mark(index)
	return index, nil
}

// advance makes index the newest, and all between the former newest and it unused.
func (s *Stream) advance(index uint64) {
	if index-s.newest >= window {
		clear(s.used[:])
	} else {
		for i := s.newest + 1; i < index; i++ {
			s.used[i/64%uint64(len(s.used))] &^= 1 << (i % 64)
		}
	}
	s.newest = index
	s.mark(index)
}

func (s *Stream) mark(index uint64) { s.used[index/64%uint64(len(s.used))] |= 1 << (index % 64) }
