package dtlssrtp

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Overhead is the most bytes that sealing adds to an RTP or RTCP packet: tag and, for RTCP, the index.
const Overhead = 20

const (
	// replayWindow is how far a packet may come behind the newest and still be taken (RFC 3711, 3.3.2).
	replayWindow = 1024

	// maxRemote bounds the streams of the client, each of which takes memory as long as the session lasts.
	maxRemote = 1024

	labelEncryption = 0x00 // RFC 3711, 4.3.1
	labelSalt       = 0x02

	saltSize = 12 // RFC 7714, section 12
)

var (
	// ErrSSRC is returned for a second stream of an SSRC.
	ErrSSRC = errors.New("the SSRC has a stream already")
	// ErrTooMany is returned for a packet of one more stream than a client may have in a session.
	ErrTooMany = errors.New("too many streams")
)

// Session is both directions of one DTLS association. Opening is for one goroutine at a time; everything else may be
// used by many.
type Session struct {
	// Static after construction.
	profile srtp.ProtectionProfile
	keys    srtp.SessionKeys
	aead    cipher.AEAD    // of packets that go out, nil where the profile is not GCM
	salt    [saltSize]byte // with aead

	// Owned by whoever opens.
	remote  *srtp.Context
	header  rtp.Header
	rtp     int // streams of the client so far
	control int // SSRCs that its RTCP has spoken as

	mu      sync.Mutex
	local   *srtp.Context       // guarded by mu; for RTCP
	streams map[uint32]struct{} // guarded by mu; SSRCs that have had a stream
}

// NewSession makes a session with these master keys.
func NewSession(profile srtp.ProtectionProfile, keys srtp.SessionKeys) (*Session, error) {
	s := &Session{profile: profile, keys: keys, streams: make(map[uint32]struct{})}
	var err error
	s.remote, err = srtp.CreateContext(keys.RemoteMasterKey, keys.RemoteMasterSalt, profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, fmt.Errorf("remote context: %w", err)
	}
	if s.local, err = s.newLocal(); err != nil {
		return nil, err
	}
	switch profile {
	case srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAeadAes256Gcm:
		key, err := derive(keys.LocalMasterKey, keys.LocalMasterSalt, labelEncryption, len(keys.LocalMasterKey))
		if err != nil {
			return nil, fmt.Errorf("session key: %w", err)
		}
		salt, err := derive(keys.LocalMasterKey, keys.LocalMasterSalt, labelSalt, saltSize)
		if err != nil {
			return nil, fmt.Errorf("session salt: %w", err)
		}
		copy(s.salt[:], salt)
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("session key: %w", err)
		}
		if s.aead, err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("session key: %w", err)
		}
	default:
	}
	return s, nil
}

func (s *Session) newLocal() (*srtp.Context, error) {
	local, err := srtp.CreateContext(s.keys.LocalMasterKey, s.keys.LocalMasterSalt, s.profile)
	if err != nil {
		return nil, fmt.Errorf("local context: %w", err)
	}
	return local, nil
}

// derive is the key derivation of RFC 3711, 4.3, with AES in counter mode and a key derivation rate of zero.
func derive(masterKey, masterSalt []byte, label byte, size int) ([]byte, error) {
	block, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, err
	}
	var input [aes.BlockSize]byte
	copy(input[:], masterSalt)
	input[7] ^= label
	var out []byte
	for i := uint16(0); len(out) < size; i++ {
		var next [aes.BlockSize]byte
		binary.BigEndian.PutUint16(input[14:], i)
		block.Encrypt(next[:], input[:])
		out = append(out, next[:]...)
	}
	return out[:size], nil
}

// OpenRTP decrypts a packet where it lies and returns it without its tag: header and payload. A replayed, forged or
// cut packet is an error.
func (s *Session) OpenRTP(packet []byte) ([]byte, error) {
	if len(packet) < 12 {
		return nil, ErrPacket
	}
	_, known := s.remote.ROC(binary.BigEndian.Uint32(packet[8:]))
	if !known && s.rtp >= maxRemote {
		return nil, ErrTooMany
	}
	plain, err := s.remote.DecryptRTP(packet, packet, &s.header)
	if err == nil && !known {
		s.rtp++
	}
	return plain, err
}

// OpenRTCP decrypts a compound packet where it lies.
func (s *Session) OpenRTCP(packet []byte) ([]byte, error) {
	if len(packet) < 8 {
		return nil, ErrPacket
	}
	_, known := s.remote.Index(binary.BigEndian.Uint32(packet[4:]))
	if !known && s.control >= maxRemote {
		return nil, ErrTooMany
	}
	plain, err := s.remote.DecryptRTCP(packet, packet, nil)
	if err == nil && !known {
		s.control++
	}
	return plain, err
}

// SealRTCP encrypts a compound packet where it lies; behind it there must be room for Overhead bytes.
func (s *Session) SealRTCP(packet []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.local.EncryptRTCP(packet, packet, nil)
}

// Stream makes the stream of an SSRC. There is one for each, ever: a second would begin to count at the same index.
func (s *Session) Stream(ssrc uint32) (*Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.streams[ssrc]; taken {
		return nil, fmt.Errorf("%w: %08x", ErrSSRC, ssrc)
	}
	stream := &Stream{session: s, ssrc: ssrc}
	if s.aead == nil {
		context, err := s.newLocal()
		if err != nil {
			return nil, err
		}
		stream.context, stream.header = context, new(rtp.Header)
	}
	s.streams[ssrc] = struct{}{}
	return stream, nil
}
