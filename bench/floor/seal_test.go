package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"testing"

	"github.com/pion/srtp/v3"
)

// derive makes session keys from master keys (RFC 3711, 4.3.3), which srtp.Context wants and floor does without.
func derive(t *testing.T, key [16]byte, salt [saltSize]byte, label byte, n int) []byte {
	t.Helper()
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, aes.BlockSize)
	copy(iv, salt[:])
	iv[7] ^= label
	out := make([]byte, n)
	cipher.NewCTR(block, iv).XORKeyStream(out, out)
	return out
}

func TestSealIsSRTP(t *testing.T) {
	masterKey, masterSalt := feedKey()
	var key [16]byte
	var salt [saltSize]byte
	copy(key[:], derive(t, masterKey, masterSalt, 0, 16))
	copy(salt[:], derive(t, masterKey, masterSalt, 2, saltSize))
	s, err := newStream(key, salt, 0xdecafbad)
	if err != nil {
		t.Fatal(err)
	}
	remote, err := srtp.CreateContext(masterKey[:], masterSalt[:], srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Repeat([]byte{1, 2, 3}, 100)
	packet := make([]byte, headerSize+len(payload)+tagSize)
	s.index = 0xfff0 // goes round
	for i := range 32 {
		if n := s.seal(packet, payload, uint32(i)); n != len(packet) {
			t.Fatalf("%d bytes, want %d", n, len(packet))
		}
		plain, err := remote.DecryptRTP(nil, packet, nil)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if !bytes.Equal(plain[headerSize:], payload) {
			t.Fatalf("packet %d: another payload", i)
		}
	}
}

func TestOpen(t *testing.T) {
	key, salt := feedKey()
	out, err := newStream(key, salt, 1)
	if err != nil {
		t.Fatal(err)
	}
	in, err := newStream(key, salt, 1)
	if err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, headerSize+4+tagSize)
	for i := range uint32(70000) { // the sequence number goes round
		payload := binary.BigEndian.AppendUint32(nil, i)
		out.seal(packet, payload, i)
		if i%100 == 1 {
			continue // lost
		}
		if got, err := in.open(packet); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("packet %d: %v, %v", i, got, err)
		}
	}
	out.seal(packet, []byte("four"), 0)
	packet[headerSize] ^= 1
	if _, err := in.open(packet); err == nil {
		t.Error("a changed packet was opened")
	}
	if _, err := in.open(packet[:headerSize]); err == nil {
		t.Error("a header alone was opened")
	}
}
