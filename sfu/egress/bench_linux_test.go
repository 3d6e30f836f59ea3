package egress

import (
	"fmt"
	"testing"
)

// BenchmarkFlush sends 1200-byte packets to 30 destinations on loopback, so many to each per batch, one after the other
// as a forwarder does. Nobody reads: full receive buffers cost less than empty ones, but the same in all ways.
func BenchmarkFlush(b *testing.B) {
	for _, way := range []Batching{GSO, Messages, Single} {
		for _, each := range []int{1, 2, 4, 8, 16} {
			b.Run(fmt.Sprintf("%v/%d", way, each), func(b *testing.B) {
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
				flushes(b, c, to, each)
			})
		}
	}
}

func flushes(b *testing.B, c *Conn, to []*Destination, each int) {
	packet := make([]byte, 1200)
	b.ReportAllocs()
	for b.Loop() {
		batch := c.Batch()
		for range each {
			for _, d := range to {
				copy(batch.Room(len(packet)), packet)
				batch.Send(d, len(packet))
			}
		}
		batch.Done()
	}
	packets := float64(b.N * each * len(to))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/packets, "ns/packet")
	b.ReportMetric(0, "ns/op")
	if s := c.Stats(); s.WriteFaults > 0 || s.WriteDrops > 0 {
		b.Errorf("%+v", s)
	}
}
