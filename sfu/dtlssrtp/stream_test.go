package dtlssrtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

func profiles() map[string]srtp.ProtectionProfile {
	return map[string]srtp.ProtectionProfile{
		"AES-128-GCM":       srtp.ProtectionProfileAeadAes128Gcm,
		"AES-256-GCM":       srtp.ProtectionProfileAeadAes256Gcm,
		"AES-128-CM + SHA1": srtp.ProtectionProfileAes128CmHmacSha1_80,
	}
}

// keysFor makes keys that differ in each direction.
func keysFor(tb testing.TB, profile srtp.ProtectionProfile) srtp.SessionKeys {
	tb.Helper()
	key, err := profile.KeyLen()
	if err != nil {
		tb.Fatal(err)
	}
	salt, err := profile.SaltLen()
	if err != nil {
		tb.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{1})
	some := func(n int) []byte {
		b := make([]byte, n)
		_, _ = random.Read(b)
		return b
	}
	return srtp.SessionKeys{
		LocalMasterKey: some(key), LocalMasterSalt: some(salt), RemoteMasterKey: some(key), RemoteMasterSalt: some(salt),
	}
}

func newTestSession(tb testing.TB, profile srtp.ProtectionProfile) (*Session, srtp.SessionKeys) {
	tb.Helper()
	keys := keysFor(tb, profile)
	s, err := NewSession(profile, keys)
	if err != nil {
		tb.Fatal(err)
	}
	return s, keys
}

// pionReceiver is a receiver that trusts each packet once, but keeps no list of them.
func pionReceiver(tb testing.TB, profile srtp.ProtectionProfile, keys srtp.SessionKeys) *srtp.Context {
	tb.Helper()
	c, err := srtp.CreateContext(keys.LocalMasterKey, keys.LocalMasterSalt, profile, srtp.SRTPNoReplayProtection())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

const testSSRC = 0x11223344

// plainPacket makes a packet in a buffer with room for Overhead.
func plainPacket(tb testing.TB, h rtp.Header, payload []byte) (packet []byte, headerSize int) {
	tb.Helper()
	h.Version = 2
	head, err := h.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	buffer := make([]byte, 0, len(head)+len(payload)+Overhead)
	return append(append(buffer, head...), payload...), len(head)
}

// TestPionOpensWhatIsSealed sends over three wraparounds, with neighbours swapped and some of them lost.
func TestPionOpensWhatIsSealed(t *testing.T) {
	for name, profile := range profiles() {
		t.Run(name, func(t *testing.T) {
			s, keys := newTestSession(t, profile)
			stream, err := s.Stream(testSSRC)
			if err != nil {
				t.Fatal(err)
			}
			receiver := pionReceiver(t, profile, keys)
			random := rand.New(rand.NewPCG(1, 2))
			step := 61
			for base := 30_000; base < 4*1<<16; base += 3 * step {
				for _, ahead := range []int{step, 0, 2 * step} {
					h := rtp.Header{
						PayloadType: 96, SequenceNumber: uint16(base + ahead), Timestamp: uint32(base), SSRC: testSSRC,
						Marker: ahead == 0,
					}
					if base%2 == 0 {
						_ = h.SetExtension(3, []byte{1, 2})
						_ = h.SetExtension(5, []byte("mid"))
					}
					payload := make([]byte, random.IntN(1100))
					for i := range payload {
						payload[i] = byte(random.Uint32())
					}
					packet, size := plainPacket(t, h, payload)
					want := bytes.Clone(packet)
					sealed, err := stream.Seal(packet, size)
					if err != nil {
						t.Fatalf("seal %d: %v", base+ahead, err)
					}
					if len(sealed)-len(want) > Overhead || &sealed[0] != &packet[0] || !bytes.Equal(sealed[:size], want[:size]) {
						t.Fatal("not sealed where it lay")
					}
					if ahead == 0 && random.IntN(4) == 0 {
						continue // lost on the way
					}
					opened, err := receiver.DecryptRTP(nil, sealed, nil)
					if err != nil {
						t.Fatalf("open %d: %v", base+ahead, err)
					}
					if !bytes.Equal(opened, want) {
						t.Fatalf("packet %d differs", base+ahead)
					}
				}
			}
		})
	}
}

func TestSealRefuses(t *testing.T) {
	for name, profile := range profiles() {
		t.Run(name, func(t *testing.T) {
			s, _ := newTestSession(t, profile)
			stream, err := s.Stream(testSSRC)
			if err != nil {
				t.Fatal(err)
			}
			seal := func(sequence uint16) error {
				packet, size := plainPacket(t, rtp.Header{SequenceNumber: sequence, SSRC: testSSRC}, []byte("payload"))
				_, err := stream.Seal(packet, size)
				return err
			}
			for i, step := range []struct {
				sequence uint16
				want     error
			}{
				{65_000, nil},
				{65_000, ErrIndex}, // twice
				{65_500, nil},
				{65_001, nil},      // late
				{65_001, ErrIndex}, // and twice
				{64_988, ErrIndex}, // too late to tell: 512 behind
				{10, nil},          // the next rollover
				{65_500, ErrIndex}, // twice, across it
				{65_535, nil},      // late, across it
				{65_535, ErrIndex},
				{10, ErrIndex},
				{20_000, nil}, // a jump clears the window
				{10, ErrIndex},
				{20_000, ErrIndex},
				{19_999, nil},
				{52_767, nil},      // the largest jump
				{19_999, ErrIndex}, // neither behind nor ahead
			} {
				if err := seal(step.sequence); !errors.Is(err, step.want) {
					t.Errorf("step %d, number %d: %v, want %v", i, step.sequence, err, step.want)
				}
			}
			packet, size := plainPacket(t, rtp.Header{SequenceNumber: 60_000, SSRC: testSSRC}, []byte("payload"))
			for _, wrong := range []int{-1, 0, 11, len(packet) + 1} {
				if _, err := stream.Seal(packet, wrong); !errors.Is(err, ErrPacket) {
					t.Errorf("header of %d bytes: %v", wrong, err)
				}
			}
			if _, err := stream.Seal(packet[:8:8], 12); !errors.Is(err, ErrPacket) {
				t.Errorf("a cut packet: %v", err)
			}
			foreign := bytes.Clone(packet)
			binary.BigEndian.PutUint32(foreign[8:], testSSRC+1)
			if _, err := stream.Seal(foreign, size); !errors.Is(err, ErrPacket) {
				t.Errorf("another stream's packet: %v", err)
			}
			if err := seal(60_000); err != nil {
				t.Errorf("what was refused has cost the number: %v", err)
			}
			if _, err := s.Stream(testSSRC); !errors.Is(err, ErrSSRC) {
				t.Errorf("a second stream of an SSRC: %v", err)
			}
			if _, err := s.Stream(testSSRC + 1); err != nil {
				t.Errorf("a stream of another SSRC: %v", err)
			}
		})
	}
}

func TestSealEndsWithTheIndex(t *testing.T) {
	s, _ := newTestSession(t, srtp.ProtectionProfileAeadAes128Gcm)
	stream, err := s.Stream(testSSRC)
	if err != nil {
		t.Fatal(err)
	}
	stream.begun, stream.newest = true, 1<<48-2
	for _, want := range []error{nil, ErrIndex, ErrIndex} {
		packet, size := plainPacket(t, rtp.Header{SequenceNumber: uint16(stream.newest + 1), SSRC: testSSRC}, nil)
		if _, err := stream.Seal(packet, size); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// naiveSender knows every packet that was ever sealed.
type naiveSender struct {
	begun  bool
	newest int64
	used   map[int64]bool
}

// may returns the index that a receiver of everything so far takes a number for (RFC 3711, 3.3.1), and whether it may
// be sealed.
func (n *naiveSender) may(sequence uint16) (index int64, ok bool) {
	if !n.begun {
		return int64(sequence), true
	}
	index = int64(sequence) - 1<<16
	for candidate := int64(sequence); candidate <= n.newest+1<<16; candidate += 1 << 16 {
		if distance(candidate, n.newest) < distance(index, n.newest) {
			index = candidate
		}
	}
	return index, index > n.newest || index >= 0 && index > n.newest-window && !n.used[index]
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// checkSealing seals packets with these numbers, all of one payload: what is sealed under one index comes out the same,
// so no two may.
func checkSealing(tb testing.TB, profile srtp.ProtectionProfile, numbers []uint16) {
	tb.Helper()
	s, keys := newTestSession(tb, profile)
	stream, err := s.Stream(testSSRC)
	if err != nil {
		tb.Fatal(err)
	}
	receiver := pionReceiver(tb, profile, keys)
	naive := naiveSender{used: make(map[int64]bool)}
	outputs := make(map[string]int)
	for i, number := range numbers {
		index, may := naive.may(number)
		packet, size := plainPacket(tb, rtp.Header{SequenceNumber: number, SSRC: testSSRC}, []byte("always the same"))
		sealed, err := stream.Seal(packet, size)
		if (err == nil) != may {
			tb.Fatalf("call %d, number %d, index %d: %v, want sealed %v", i, number, index, err, may)
		}
		if err != nil {
			if !errors.Is(err, ErrIndex) {
				tb.Fatalf("call %d: %v", i, err)
			}
			continue
		}
		if before, again := outputs[string(sealed)]; again {
			tb.Fatalf("calls %d and %d sealed the same", before, i)
		}
		outputs[string(sealed)] = i
		if !naive.begun || index > naive.newest {
			naive.newest = index
		}
		naive.begun, naive.used[index] = true, true
		if stream.newest != uint64(naive.newest) {
			tb.Fatalf("call %d: newest %d, want %d", i, stream.newest, naive.newest)
		}
		if _, err := receiver.DecryptRTP(nil, sealed, nil); err != nil {
			tb.Fatalf("call %d, number %d: a receiver of all before: %v", i, number, err)
		}
	}
}

// walk makes numbers that go on, jump, come late and come again.
func walk(random *rand.Rand, n int) []uint16 {
	at := uint16(random.Uint32())
	numbers := make([]uint16, 0, n)
	for range n {
		switch random.IntN(12) {
		case 0:
			at += uint16(random.IntN(1 << 15))
		case 1:
			numbers = append(numbers, at-uint16(random.IntN(2*window)))
			continue
		case 2:
			numbers = append(numbers, uint16(random.Uint32()))
			at = numbers[len(numbers)-1]
			continue
		case 3:
			at += uint16(random.IntN(2 * window))
		case 4:
			numbers = append(numbers, numbers[len(numbers)-min(len(numbers), random.IntN(8)):]...)
		default:
			at++
		}
		numbers = append(numbers, at)
	}
	return numbers
}

func TestNoIndexIsSealedTwice(t *testing.T) {
	for name, profile := range profiles() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(40) {
				checkSealing(t, profile, walk(rand.New(rand.NewPCG(seed, 9)), 1500))
			}
		})
	}
}

func FuzzSeal(f *testing.F) {
	for seed := range uint64(8) {
		var data []byte
		for _, number := range walk(rand.New(rand.NewPCG(seed, 3)), 60) {
			data = binary.BigEndian.AppendUint16(data, number)
		}
		f.Add(uint8(seed), data)
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		all := []srtp.ProtectionProfile{
			srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAeadAes256Gcm,
			srtp.ProtectionProfileAes128CmHmacSha1_80,
		}
		var numbers []uint16
		for ; len(data) > 1 && len(numbers) < 5000; data = data[2:] {
			numbers = append(numbers, binary.BigEndian.Uint16(data))
		}
		checkSealing(t, all[int(which)%len(all)], numbers)
	})
}

// mirrored is the other end of a session.
func mirrored(tb testing.TB, profile srtp.ProtectionProfile, keys srtp.SessionKeys) *Session {
	tb.Helper()
	s, err := NewSession(profile, srtp.SessionKeys{
		LocalMasterKey: keys.RemoteMasterKey, LocalMasterSalt: keys.RemoteMasterSalt,
		RemoteMasterKey: keys.LocalMasterKey, RemoteMasterSalt: keys.LocalMasterSalt,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestBothEndsOpenEachOther(t *testing.T) {
	for name, profile := range profiles() {
		t.Run(name, func(t *testing.T) {
			server, keys := newTestSession(t, profile)
			client := mirrored(t, profile, keys)
			for i, ends := range [][2]*Session{{server, client}, {client, server}} {
				checkRTP(t, ends[0], ends[1], uint32(i))
				checkRTCP(t, ends[0], ends[1])
			}
		})
	}
}

func checkRTP(t *testing.T, from, to *Session, ssrc uint32) {
	t.Helper()
	stream, err := from.Stream(ssrc)
	if err != nil {
		t.Fatal(err)
	}
	packet, size := plainPacket(t, rtp.Header{SequenceNumber: 1, SSRC: ssrc}, []byte("sound"))
	want := bytes.Clone(packet)
	sealed, err := stream.Seal(packet, size)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(sealed) {
		if _, err := to.OpenRTP(bytes.Clone(sealed[:cut])); err == nil {
			t.Fatalf("opened the first %d bytes", cut)
		}
	}
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 0x01
		if _, err := to.OpenRTP(forged); err == nil {
			t.Fatalf("opened with byte %d changed", i)
		}
	}
	opened, err := to.OpenRTP(bytes.Clone(sealed))
	if err != nil || !bytes.Equal(opened, want) {
		t.Fatalf("opened %x, %v", opened, err)
	}
	if _, err := to.OpenRTP(bytes.Clone(sealed)); err == nil {
		t.Fatal("opened a replay")
	}
}

func checkRTCP(t *testing.T, from, to *Session) {
	t.Helper()
	for i := range 3 {
		plain, err := rtcp.Marshal([]rtcp.Packet{
			&rtcp.ReceiverReport{SSRC: 7}, &rtcp.PictureLossIndication{SenderSSRC: 7, MediaSSRC: uint32(i)},
		})
		if err != nil {
			t.Fatal(err)
		}
		room := append(make([]byte, 0, len(plain)+Overhead), plain...)
		sealed, err := from.SealRTCP(room)
		if err != nil {
			t.Fatal(err)
		}
		if &sealed[0] != &room[0] {
			t.Fatal("Overhead is too little for RTCP")
		}
		forged := bytes.Clone(sealed)
		forged[len(forged)-1] ^= 0x01
		if _, err := to.OpenRTCP(forged); err == nil {
			t.Fatal("opened a forgery")
		}
		opened, err := to.OpenRTCP(bytes.Clone(sealed))
		if err != nil || !bytes.Equal(opened, plain) {
			t.Fatalf("opened %x, %v", opened, err)
		}
		if _, err := to.OpenRTCP(bytes.Clone(sealed)); err == nil {
			t.Fatal("opened a replay")
		}
	}
}

func TestSealAndOpenAllocateNothing(t *testing.T) {
	server, keys := newTestSession(t, srtp.ProtectionProfileAeadAes128Gcm)
	client := mirrored(t, srtp.ProtectionProfileAeadAes128Gcm, keys)
	stream, err := server.Stream(testSSRC)
	if err != nil {
		t.Fatal(err)
	}
	h := rtp.Header{SSRC: testSSRC}
	_ = h.SetExtension(3, []byte{1, 2})
	packet, size := plainPacket(t, h, make([]byte, 1200))
	sequence := uint16(0)
	allocations := testing.AllocsPerRun(1000, func() {
		sequence++
		binary.BigEndian.PutUint16(packet[2:], sequence)
		sealed, err := stream.Seal(packet, size)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.OpenRTP(sealed); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations per packet", allocations)
	}
}

func BenchmarkSeal(b *testing.B) {
	for name, profile := range profiles() {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			s, _ := newTestSession(b, profile)
			stream, err := s.Stream(testSSRC)
			if err != nil {
				b.Fatal(err)
			}
			packet, size := plainPacket(b, rtp.Header{SSRC: testSSRC}, make([]byte, 1200))
			b.ReportAllocs()
			for i := range b.N {
				binary.BigEndian.PutUint16(packet[2:], uint16(i))
				if _, err := stream.Seal(packet, size); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
