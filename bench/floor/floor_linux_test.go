package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestMain is the sink too, which the floor starts from its own binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-sink" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestMeasure(t *testing.T) {
	for name, p := range map[string]Params{
		"video": {Destinations: 3, Size: 1200, Packing: 3.5, Rate: 3000},
		"audio": {Destinations: 5, Size: 100, Packing: 1, Rate: 3000},
		"full":  {Destinations: 2, Size: 1200, Packing: 16, Packets: 5000},
	} {
		t.Run(name, func(t *testing.T) {
			p.Duration, p.Warmup, p.CPU, p.SinkCPU = 300*time.Millisecond, 50*time.Millisecond, -1, -1
			r, err := measure(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if r.Drained == 0 || p.Rate > 0 && r.Drained != r.SentInAll {
				t.Errorf("%d of %d packets arrived", r.Drained, r.SentInAll)
			}
			if r.Packing < p.Packing*0.95 || r.Packing > p.Packing*1.05 {
				t.Errorf("packing %v, want %v", r.Packing, p.Packing)
			}
			if p.Rate > 0 && r.In*p.Destinations != r.Sent {
				t.Errorf("%d in, %d out", r.In, r.Sent)
			}
			if p.Packets > 0 && r.Sent < p.Packets {
				t.Errorf("%d packets sent, want %d", r.Sent, p.Packets)
			}
			if r.PerPacket <= 0 || r.PerPacket*float64(r.Sent) > r.Seconds*1e6*2 {
				t.Errorf("%v us per packet", r.PerPacket)
			}
		})
	}
}

func TestSinkThatFails(t *testing.T) {
	_, err := measure(t.Context(), Params{
		Destinations: 1, Size: 100, Packing: 1, Duration: time.Second, CPU: -1, SinkCPU: 1023, // which is none
	})
	if err == nil || !strings.Contains(err.Error(), "sink") {
		t.Errorf("error %v", err)
	}
}

func TestCycleAllocatesNothing(t *testing.T) {
	fd, port, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	f, err := newForwarder(Params{Destinations: 2, Size: 1200, Packing: 4}, fd, []uint16{port, port})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := f.cycle(); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
