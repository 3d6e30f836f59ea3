// Floor does what no SFU can avoid, and nothing else: it receives and decrypts packets, encrypts each anew for every
// destination (SRTP, AES-128-GCM), and sends them with UDP segmentation offload and sendmmsg. What a server spends
// beyond the CPU time per packet that floor reports is the server's own.
//
// A second process, which it starts, feeds it and drains the destinations. Linux only.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Params are what is sent.
type Params struct {
	Destinations int           // each gets every packet
	Size         int           // of an RTP payload, bytes
	Packing      float64       // packets per message, on average
	Rate         float64       // packets per second to all destinations together; 0: as fast as possible, without a feeder
	Duration     time.Duration // of the measurement, unless Packets ends it
	Packets      int           // to be sent while measured; 0: what Duration allows
	Warmup       time.Duration
	CPU, SinkCPU int // to run on, negative: any
}

// Report is what it cost.
type Report struct {
	Destinations int     `json:"destinations"`
	Size         int     `json:"size"`
	Packing      float64 `json:"packing"`
	Seconds      float64 `json:"seconds"`
	Sent         int     `json:"sent"`     // packets, while measured
	Messages     int     `json:"messages"` // to the kernel, while measured
	In           int     `json:"in"`       // packets received and decrypted, while measured
	SentInAll    int     `json:"sent_in_all"`
	Drained      int     `json:"drained"` // packets that arrived at the destinations, of those sent in all
	User         float64 `json:"user_s"`
	System       float64 `json:"system_s"`
	PerPacket    float64 `json:"cpu_us_per_packet"`
}

const (
	maxPayload = 1400
	maxMessage = 65000 // bytes, below what UDP can carry
	maxSegment = 64    // packets of one message, what Linux allows (UDP_MAX_SEGMENTS)
)

// errParams is returned for parameters that make no sense.
var errParams = errors.New("bad parameters")

func (p Params) check() error {
	switch packet := float64(p.Size + headerSize + tagSize); {
	case p.Destinations < 1:
		return fmt.Errorf("%w: at least one destination", errParams)
	case p.Size < 1 || p.Size > maxPayload:
		return fmt.Errorf("%w: a payload has 1 to %d bytes", errParams, maxPayload)
	case !(p.Packing >= 1) || p.Packing > maxSegment-1 || (p.Packing+1)*packet > maxMessage:
		return fmt.Errorf("%w: a message has 1 to %d packets and at most %d bytes", errParams, maxSegment-1, maxMessage)
	case p.Rate < 0 || p.Packets < 0 || p.Warmup < 0:
		return fmt.Errorf("%w: negative", errParams)
	case p.Duration <= 0:
		return fmt.Errorf("%w: no duration", errParams)
	}
	return nil
}

// packs says how many packets the k-th message to every destination has, so that p.Packing is the average.
func (p Params) packs(k int) int {
	return int(p.Packing*float64(k+1)) - int(p.Packing*float64(k))
}

func main() {
	var p Params
	sink := flag.String("sink", "", "feed and drain the floor at this `address` instead (used by the program itself)")
	flag.IntVar(&p.Destinations, "destinations", 30, "sockets that each get every packet")
	flag.IntVar(&p.Size, "size", 1200, "bytes of RTP payload")
	flag.Float64Var(&p.Packing, "packing", 4, "packets per message to the kernel, on average")
	flag.Float64Var(&p.Rate, "rate", 0, "packets per second to all destinations; 0: as fast as can be, receiving none")
	flag.DurationVar(&p.Duration, "duration", 5*time.Second, "of the measurement")
	flag.IntVar(&p.Packets, "packets", 0, "packets to send while measured, instead of a duration")
	flag.DurationVar(&p.Warmup, "warmup", time.Second, "before the measurement")
	flag.IntVar(&p.CPU, "cpu", -1, "CPU to run on; negative: any")
	flag.IntVar(&p.SinkCPU, "sink-cpu", -1, "CPU of the feeding and draining process; negative: any")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, p, *sink); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p Params, sink string) error {
	if err := p.check(); err != nil {
		return err
	}
	if sink != "" {
		return serveSink(p, sink, os.Stdin, os.Stdout)
	}
	report, err := measure(ctx, p)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(report)
}
