package feedback

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// raw is feedback on the wire.
func raw(t testing.TB, f *rtcp.TransportLayerCC) []byte {
	t.Helper()
	packet, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// What our own feedback says comes back, whatever was lost, reordered or late.
func TestReadTransport(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var a Arrivals
		now := time.Now()
		number := uint16(random.Uint32())
		for range 1 + random.IntN(400) {
			now = now.Add(time.Duration(random.ExpFloat64() * float64(3*time.Millisecond)))
			if random.IntN(50) == 0 {
				now = now.Add(time.Duration(random.IntN(200)) * time.Millisecond)
			}
			if random.IntN(10) > 0 {
				a.Record(number+uint16(random.IntN(3)), now)
			}
			number++
		}
		for _, f := range a.Build(1, 2) {
			got, err := ReadTransport(raw(t, f), nil)
			if err != nil {
				t.Fatal(err)
			}
			var want []Arrival
			for _, s := range list(t, f) {
				w := Arrival{Number: s.number, Received: s.arrived}
				if s.arrived {
					w.At = time.Duration(s.ticks) * tick
				}
				want = append(want, w)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("read %v, want %v", got, want)
			}
		}
	}
}

func TestReadTransportRefuses(t *testing.T) {
	var a Arrivals
	now := time.Now()
	for i := range 30 {
		if i%3 > 0 {
			a.Record(uint16(i), now.Add(time.Duration(i*i)*time.Millisecond))
		}
	}
	good := raw(t, a.Build(1, 2)[0])
	before := []Arrival{{Number: 7}}
	for size := range good {
		short := slices.Clone(good[:size])
		if got, err := ReadTransport(short, before); err == nil || !slices.Equal(got, before) {
			t.Fatalf("%d bytes of %d: %v, %v", size, len(good), got, err)
		}
		if size < 20 || size%4 > 0 {
			continue
		}
		short[2], short[3] = 0, byte(size/4-1)
		if got, err := ReadTransport(short, before); !errors.Is(err, ErrShortTransport) || !slices.Equal(got, before) {
			t.Fatalf("%d bytes of %d, said to be all: %v, %v", size, len(good), got, err)
		}
	}
	for _, i := range []int{0, 1} {
		other := slices.Clone(good)
		other[i] ^= 1
		if _, err := ReadTransport(other, nil); !errors.Is(err, ErrNoTransport) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

func FuzzReadTransport(f *testing.F) {
	var a Arrivals
	now := time.Now()
	for i := range 60 {
		if i%5 > 0 {
			a.Record(uint16(65500+i), now.Add(time.Duration(i%7*i)*time.Millisecond))
		}
	}
	f.Add(raw(f, a.Build(1, 2)[0]))
	f.Add([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 1, 0, 0x20, 1, 4, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		got, err := ReadTransport(packet, nil)
		var other rtcp.TransportLayerCC
		if other.Unmarshal(packet) != nil {
			return // what nobody else reads may be read or not
		}
		if err != nil {
			return // pion does not mind a chunk that says too much
		}
		if len(got) != int(other.PacketStatusCount) {
			t.Fatalf("%d statuses of %d", len(got), other.PacketStatusCount)
		}
		received := 0
		for _, a := range got {
			if a.Received {
				received++
			}
		}
		if received > len(other.RecvDeltas) {
			t.Fatalf("%d received, %d times", received, len(other.RecvDeltas))
		}
	})
}

func BenchmarkReadTransport(b *testing.B) {
	var a Arrivals
	now := time.Now()
	for i := range 100 {
		if i%10 > 0 {
			a.Record(uint16(i), now.Add(time.Duration(i)*time.Millisecond))
		}
	}
	packet := raw(b, a.Build(1, 2)[0])
	into := make([]Arrival, 0, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadTransport(packet, into); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReadTransportIsBounded(t *testing.T) {
	packet := []byte{0x8f, 205, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0}
	for range 8 { // each says of 8191 packets that they did not arrive
		packet = append(packet, 0x1f, 0xff)
	}
	into, err := ReadTransport(packet, nil)
	if !errors.Is(err, ErrLongTransport) || len(into) != 0 {
		t.Errorf("%d statuses, %v", len(into), err)
	}
}
