package load

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkTap takes packets of video off a socket, a frame at a time, that another core has sent.
func BenchmarkTap(b *testing.B) {
	tap, err := newTap(netip.MustParseAddr("127.0.0.1"), newTestEnvironment(), nil, func(time.Time) {}, func() {})
	if err != nil {
		b.Fatal(err)
	}
	defer tap.Close()
	conn, err := net.DialUDP("udp", nil, tap.LocalAddr().(*net.UDPAddr))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	const burst = 400
	fill, filled := make(chan struct{}), make(chan struct{})
	go func() {
		pinThread(0)
		packet := make([]byte, 1200)
		packet[0], packet[1] = 0x80, 96
		var number uint16
		for range fill {
			for range burst {
				binary.BigEndian.PutUint16(packet[2:], number)
				number++
				_, _ = conn.Write(packet)
			}
			filled <- struct{}{}
		}
	}()
	pinThread(1)
	tap.bind(0)
	tap.steady = true
	tap.every.Store(200)
	raw, _ := tap.SyscallConn()
	b.ReportAllocs()
	b.ResetTimer()
	b.StopTimer()
	for n := 0; n < b.N; n += burst {
		fill <- struct{}{}
		<-filled
		b.StartTimer()
		_ = raw.Read(func(fd uintptr) bool {
			for tap.read(fd); tap.total().packets < uint64(n+burst); {
				tap.read(fd)
			}
			return true
		})
		tap.passed = tap.passed[:0]
		b.StopTimer()
	}
	close(fill)
}

func pinThread(cpu int) {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu % runtime.NumCPU())
	_ = unix.SchedSetaffinity(0, &set)
}
