package main

import (
	"errors"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	good := Params{Destinations: 30, Size: 1200, Packing: 4.5, Duration: time.Second}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Params){
		"no destination":    func(p *Params) { p.Destinations = 0 },
		"no payload":        func(p *Params) { p.Size = 0 },
		"large payload":     func(p *Params) { p.Size = 1500 },
		"less than one":     func(p *Params) { p.Packing = 0.5 },
		"beyond a datagram": func(p *Params) { p.Packing = 60 },
		"too many segments": func(p *Params) { p.Size, p.Packing = 10, 64 },
		"negative rate":     func(p *Params) { p.Rate = -1 },
		"no duration":       func(p *Params) { p.Duration = 0 },
	} {
		p := good
		if spoil(&p); !errors.Is(p.check(), errParams) {
			t.Errorf("%s: %v", name, p.check())
		}
	}
}

func TestPacks(t *testing.T) {
	for _, packing := range []float64{1, 1.25, 3.9, 16} {
		p, sum := Params{Packing: packing}, 0
		for k := range 1000 {
			n := p.packs(k)
			if float64(n) < packing-1 || float64(n) > packing+1 {
				t.Fatalf("packing %v: %d packets", packing, n)
			}
			sum += n
		}
		if sum != int(packing*1000) {
			t.Errorf("packing %v: %d packets in 1000 messages", packing, sum)
		}
	}
}
