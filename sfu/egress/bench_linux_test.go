package egress

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkFlush sends 1200-byte packets to 30 destinations on loopback, so many to each per batch, as a forwarder does
// that serves one receiver after the other. What arrives is dropped by full receive buffers, so that it is the sending
// which is measured.
func BenchmarkFlush(b *testing.B) {
	for _, way := range []Batching{GSO, Messages, Single} {
		for _, each := range []int{1, 2, 4, 8, 16, 64} {
			b.Run(fmt.Sprintf("%v/%d", way, each), func(b *testing.B) {
				c, to := thirty(b, way)
				packet := make([]byte, 1200)
				b.ReportAllocs()
				measured(b, each*len(to), func() {
					batch := c.Batch()
					for _, d := range to {
						for range each {
							send(batch, d, packet)
						}
					}
					batch.Done()
				})
				if s := c.Stats(); s.WriteFaults > 0 || s.WriteDrops > 0 || s.Method != way.String() {
					b.Errorf("%+v", s)
				}
			})
		}
	}
}

// BenchmarkForward receives bursts of so many 1200-byte packets from one client, and forwards each to 30 destinations.
// The client's sending is in it.
func BenchmarkForward(b *testing.B) {
	for _, way := range []Batching{GSO, Messages, Single} {
		for _, burst := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%v/%d", way, burst), func(b *testing.B) {
				c, to := thirty(b, way)
				peer := client(b, "udp4", "127.0.0.1:0")
				var kept [][]byte
				left, done := 0, make(chan struct{})
				ender := new(enderFunc)
				*ender = func(batch *Batch) {
					for _, d := range to {
						for _, p := range kept {
							send(batch, d, p)
						}
					}
					left -= len(kept)
					kept = kept[:0]
					if left <= 0 {
						done <- struct{}{}
					}
				}
				defer c.Route(localAddr(peer), receiverFunc(func(p []byte, _ time.Time, batch *Batch) {
					kept = append(kept, p)
					batch.AtEnd(ender)
				}))()
				packet := append([]byte{128}, make([]byte, 1199)...)
				b.ReportAllocs()
				measured(b, burst*len(to), func() {
					left = burst
					for range burst {
						_, _ = peer.WriteToUDPAddrPort(packet, localAddr(c))
					}
					<-done
				})
			})
		}
	}
}

// thirty opens a port, and 30 destinations that do not read.
func thirty(b *testing.B, way Batching) (*Conn, []*Destination) {
	c, err := Listen(b.Context(), "127.0.0.1:0", Options{Batching: way, Shards: 1}, discard)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	var to []*Destination
	for range 30 {
		peer := client(b, "udp4", "127.0.0.1:0")
		_ = peer.SetReadBuffer(4096)
		to = append(to, NewDestination(localAddr(peer)))
	}
	return c, to
}

// measured runs a benchmark and reports the CPU time and the time per packet.
func measured(b *testing.B, packets int, run func()) {
	run()
	before := cpu()
	for b.Loop() {
		run()
	}
	used, total := cpu()-before, float64(b.N*packets)
	b.ReportMetric(float64(used.Nanoseconds())/total, "cpu-ns/packet")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/total, "ns/packet")
	b.ReportMetric(0, "ns/op")
}

// cpu is the CPU time that this process has used.
func cpu() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
