package speaker

import (
	"fmt"
	"testing"
)

func TestDbg(t *testing.T) {
	seed := uint64(280)
	end := lead + ms(20000)
	a := newMicrophone(3*seed, -65).talk(lead, end, -28, 400)
	b := newMicrophone(3*seed+1, -75)
	for at := lead + ms(500); at < end; at += b.between(1000, 2500) {
		b.laugh(at, at+ms(900))
	}
	r := newRoom()
	for _, p := range packets(network{}, ms(9000), a, b) {
		who, _ := r.take(p)
		if p.at > ms(7300) && p.at < ms(8000) {
			d := &r.detector
			fmt.Print(p.at, " ", p.who, " ", p.level, " dom ", who)
			if x, y := d.byKey[0], d.byKey[1]; x != nil && y != nil {
				fmt.Printf(" %+v peak %.0f", weigh(&y.history, &x.history, d.slot, d.changed), y.peak)
			}
			fmt.Println()
		}
	}
}
