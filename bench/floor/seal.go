package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
)

const (
	headerSize = 20 // RTP with one extension word of four bytes, as a forwarded packet has it
	tagSize    = 16 // AES-128-GCM
	saltSize   = 12
)

// errPacket is returned for a packet that is not what the feeder sends.
var errPacket = errors.New("not a sealed packet")

// stream is one SRTP stream with AEAD_AES_128_GCM (RFC 7714). Both ends use the session key at once, without deriving
// it from a master key.
type stream struct {
	aead  cipher.AEAD
	salt  [saltSize]byte
	nonce [saltSize]byte
	ssrc  uint32
	index uint64 // of the next packet to seal, or after the last one opened: roll-over counter and sequence number
}

func newStream(key [16]byte, salt [saltSize]byte, ssrc uint32) (*stream, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &stream{aead: aead, salt: salt, ssrc: ssrc}, nil
}

// feedKey and feedSalt are shared by feeder and floor.
func feedKey() (key [16]byte, salt [saltSize]byte) {
	copy(key[:], "feeder and floor")
	copy(salt[:], "share a salt")
	return key, salt
}

// setNonce makes the nonce of a packet (RFC 7714, 8.1).
func (s *stream) setNonce(index uint64) {
	s.nonce = s.salt
	binary.BigEndian.PutUint32(s.nonce[2:], binary.BigEndian.Uint32(s.salt[2:])^s.ssrc)
	binary.BigEndian.PutUint16(s.nonce[6:], binary.BigEndian.Uint16(s.salt[6:])^uint16(index>>32))
	binary.BigEndian.PutUint32(s.nonce[8:], binary.BigEndian.Uint32(s.salt[8:])^uint32(index))
}

// seal writes the next packet with that payload to out, which has room for it, and returns its size.
func (s *stream) seal(out, payload []byte, timestamp uint32) int {
	header := out[:headerSize]
	header[0], header[1] = 0x90, 96 // version 2 with extension
	binary.BigEndian.PutUint16(header[2:], uint16(s.index))
	binary.BigEndian.PutUint32(header[4:], timestamp)
	binary.BigEndian.PutUint32(header[8:], s.ssrc)
	binary.BigEndian.PutUint32(header[12:], 0xbede0001) // one word of one-byte extensions (RFC 8285)
	binary.BigEndian.PutUint32(header[16:], 0x11000000|uint32(uint16(s.index))<<8)
	s.setNonce(s.index)
	s.index++
	return headerSize + len(s.aead.Seal(out[headerSize:headerSize], s.nonce[:], payload, header))
}

// open decrypts a packet in place and returns its payload.
func (s *stream) open(packet []byte) ([]byte, error) {
	if len(packet) < headerSize+tagSize {
		return nil, errPacket
	}
	sequence := binary.BigEndian.Uint16(packet[2:])
	index := s.index&^0xffff | uint64(sequence)
	if index+1<<15 < s.index { // the sequence number has gone round; packets of loopback come in order
		index += 1 << 16
	}
	s.setNonce(index)
	payload, err := s.aead.Open(packet[headerSize:headerSize], s.nonce[:], packet[headerSize:], packet[:headerSize])
	if err != nil {
		return nil, err
	}
	s.index = index
	return payload, nil
}
