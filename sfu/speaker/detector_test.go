package speaker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const seeds = 100

// networks are those on which the promised times hold.
var networks = map[string]network{
	"perfect": {},
	"dtx":     {dtx: true},
	"jitter":  {jitter: ms(15)},
}

var rooms = map[string]float64{"still": -75, "usual": -62, "fan": -47}

// everywhere runs a test in all rooms on all networks, with a hundred seeds. It returns what was wrong, which may
// happen so often: who begins to speak with a murmur is found later.
func everywhere(t *testing.T, often int, test func(net network, noise float64, seed uint64) string) {
	for netName, net := range networks {
		for roomName, noise := range rooms {
			t.Run(netName+"/"+roomName, func(t *testing.T) {
				var all []string
				for seed := range uint64(seeds) {
					if wrong := test(net, noise, seed); wrong != "" {
						all = append(all, fmt.Sprintf("seed %d: %s", seed, wrong))
					}
				}
				if len(all) > often {
					t.Error(strings.Join(all, "\n"))
				}
			})
		}
	}
}

// lead is for how long microphones are there before anything happens, so that fans are known.
const lead = 5 * time.Second

func settled(changes []change) (after []change) {
	for _, c := range changes {
		if c.at >= lead {
			after = append(after, c)
		}
	}
	return after
}

func TestFirst(t *testing.T) {
	everywhere(t, 0, func(net network, noise float64, seed uint64) string {
		begin := lead + time.Duration(seed)*time.Millisecond
		a := newMicrophone(3*seed, noise).speak(begin, begin+3*time.Second, -28)
		changes := settled(play(net, begin+4*time.Second, a, newMicrophone(3*seed+1, -65)))
		if len(changes) != 1 || changes[0].at > begin+ms(150) {
			return fmt.Sprintf("%v, not one within 150 ms of %v", changes, begin)
		}
		return ""
	})
}

func TestTurn(t *testing.T) {
	for name, end := range map[string]func(a *microphone, at time.Duration){
		"stops":  func(*microphone, time.Duration) {},
		"trails": func(a *microphone, at time.Duration) { a.trail(at, -30) },
		"paused": func(a *microphone, at time.Duration) { a.trail(at-ms(100), -30) },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, 2, func(net network, noise float64, seed uint64) string {
				turn := lead + 3*time.Second + time.Duration(seed)*time.Millisecond
				a := newMicrophone(3*seed, -65).speak(lead, turn, -28)
				end(a, turn)
				b := newMicrophone(3*seed+1, noise).speak(turn, turn+3*time.Second, -28)
				changes := settled(play(net, turn+4*time.Second, a, b))
				if n := len(changes); n > 1 && changes[1].at > turn+ms(300) {
					t.Errorf("%v, much later than %v", changes, turn)
				}
				if len(changes) != 2 || changes[1].who != 1 || changes[1].at < turn || changes[1].at > turn+ms(250) {
					return fmt.Sprintf("%v, not to 1 within 250 ms of %v", changes, turn)
				}
				return ""
			})
		})
	}
}

// Short answers: who spoke before speaks again, and is found as fast.
func TestTurnAndBack(t *testing.T) {
	everywhere(t, 2, func(net network, noise float64, seed uint64) string {
		turn := lead + 3*time.Second
		back := turn + ms(700)
		a := newMicrophone(3*seed, -65).speak(lead, turn, -28).trail(turn, -30).speak(back, back+3*time.Second, -28)
		b := newMicrophone(3*seed+1, noise).talk(turn, back, -28, 120)
		changes := settled(play(net, back+4*time.Second, a, b))
		if len(changes) != 3 || changes[2].who != 0 || changes[2].at < back || changes[2].at > back+ms(250) {
			return fmt.Sprintf("%v, not back within 250 ms of %v", changes, back)
		}
		return ""
	})
}

// Whatever others do that is no speech, whoever speaks with pauses of up to 400 ms stays.
func TestNoise(t *testing.T) {
	for name, noise := range map[string]func(m *microphone, at time.Duration){
		"cough": func(m *microphone, at time.Duration) { m.cough(at) },
		"click": func(m *microphone, at time.Duration) { m.click(at) },
		"laugh": func(m *microphone, at time.Duration) { m.laugh(at, at+ms(900)) },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, 0, func(net network, room float64, seed uint64) string {
				if seed%10 != 0 {
					return ""
				}
				end := lead + 20*time.Second
				a := newMicrophone(3*seed, -65).talk(lead, end, -28, 400)
				b := newMicrophone(3*seed+1, room)
				for at := lead + ms(500); at < end; at += b.between(2000, 4000) {
					noise(b, at)
				}
				if changes := settled(play(net, end, a, b)); len(changes) != 1 {
					return fmt.Sprintf("%v", changes)
				}
				return ""
			})
		})
	}
}

// No click makes anybody the first.
func TestNoiseAtFirst(t *testing.T) {
	everywhere(t, 0, func(net network, room float64, seed uint64) string {
		a := newMicrophone(seed, room).click(lead).click(lead + time.Second)
		if changes := settled(play(net, lead+2*time.Second, a)); len(changes) != 0 {
			return fmt.Sprintf("%v", changes)
		}
		return ""
	})
}

func TestTalkingOverOneAnother(t *testing.T) {
	swaps := 0
	everywhere(t, 0, func(net network, noise float64, seed uint64) string {
		if seed%5 != 0 {
			return ""
		}
		end := lead + 20*time.Second
		a := newMicrophone(3*seed, -65).speak(lead, end, -28)
		b := newMicrophone(3*seed+1, noise).speak(a.within(lead+ms(2000)), end, -28)
		changes := settled(play(net, end, a, b))
		for i := 2; i < len(changes); i++ {
			if d := changes[i].at - changes[i-1].at; d < 2*time.Second {
				return fmt.Sprintf("%v are %v apart", changes[i-1:i+1], d)
			}
		}
		swaps += len(changes) - 1
		return ""
	})
	t.Logf("%.2f changes in 18 s", float64(swaps)/(seeds/5*float64(len(networks)*len(rooms))))
}

func TestLouder(t *testing.T) {
	everywhere(t, 2, func(net network, noise float64, seed uint64) string {
		if seed%3 != 0 {
			return ""
		}
		end := lead + 13*time.Second
		a := newMicrophone(3*seed, -65).speak(lead, end, -34)
		over := a.within(lead + 3*time.Second)
		b := newMicrophone(3*seed+1, noise).speak(over, end, -22)
		changes := settled(play(net, end, a, b))
		if len(changes) != 2 || changes[1].at > over+ms(1500) {
			return fmt.Sprintf("%v, not to 1 within 1.5 s of %v", changes, over)
		}
		return ""
	})
}

// Loss and hiccups cost time and nothing else.
func TestBadNetwork(t *testing.T) {
	for seed := range uint64(seeds) {
		turn := lead + 5*time.Second
		a := newMicrophone(3*seed, -65).speak(lead, turn, -28)
		b := newMicrophone(3*seed+1, -62).speak(turn, turn+5*time.Second, -28)
		changes := settled(play(network{loss: 0.15, jitter: ms(60)}, turn+6*time.Second, a, b))
		if len(changes) != 2 || changes[1].at < turn || changes[1].at > turn+ms(1500) {
			t.Errorf("seed %d: %v, not to 1 soon after %v", seed, changes, turn)
		}
	}
}

// speakers has voices speak into a detector for a second, with so many ms of each 20 ms slot between them.
func speakers(d *Detector[int], from time.Time, levels map[int]uint8) (now time.Time) {
	for now = from; now.Before(from.Add(time.Second)); now = now.Add(slotTime) {
		for k := range 10 {
			if level, speaks := levels[k]; speaks {
				d.Hear(k, level, now)
			}
		}
		d.Dominant(now)
	}
	return now
}

func TestSilenceKeeps(t *testing.T) {
	var d Detector[int]
	if k, ok := d.Dominant(epoch()); ok {
		t.Fatalf("%d is dominant and nobody there", k)
	}
	now := speakers(&d, epoch(), map[int]uint8{3: 30})
	for range 60 * 50 {
		now = now.Add(slotTime)
		if k, ok := d.Dominant(now); !ok || k != 3 {
			t.Fatalf("%d (%t) is dominant, want 3", k, ok)
		}
	}
	if len(d.voices)+len(d.byKey) != 0 {
		t.Errorf("%d voices kept", len(d.voices))
	}
	speakers(&d, now.Add(time.Hour), map[int]uint8{4: 30})
	if k, _ := d.Dominant(now.Add(time.Hour + time.Second)); k != 4 {
		t.Errorf("%d is dominant, want 4", k)
	}
}

func TestRemove(t *testing.T) {
	for name, test := range map[string]struct {
		levels map[int]uint8
		pause  time.Duration // before the removal
		heir   int
		ok     bool
	}{
		"alone":          {map[int]uint8{1: 20}, 0, 0, false},
		"the best":       {map[int]uint8{1: 20, 2: 35, 5: 30, 7: 40}, 0, 5, true},
		"in a pause":     {map[int]uint8{1: 20, 2: 35}, ms(300), 2, true},
		"not long after": {map[int]uint8{1: 20, 2: 35}, ms(3000), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			var d Detector[int]
			now := speakers(&d, epoch(), test.levels).Add(test.pause)
			if k, _ := d.Dominant(now); k != 1 {
				t.Fatalf("%d is dominant, want 1", k)
			}
			d.Remove(9) // never there
			d.Remove(1)
			if k, ok := d.Dominant(now); k != test.heir || ok != test.ok {
				t.Errorf("%d (%t) is dominant, want %d (%t)", k, ok, test.heir, test.ok)
			}
			d.Hear(1, 20, now)
			if k, _ := d.Dominant(now); k != test.heir {
				t.Errorf("%d is dominant at one packet", k)
			}
		})
	}
}

// Hundreds who speak and stop leave nothing behind.
func TestForgotten(t *testing.T) {
	var d Detector[int]
	random := rand.New(rand.NewPCG(1, 2))
	now := epoch()
	for k := range 3000 {
		for range 1 + random.IntN(20) {
			d.Hear(k, uint8(random.IntN(60)), now)
			d.Dominant(now)
			now = now.Add(slotTime)
		}
		if len(d.voices) > long || len(d.byKey) != len(d.voices) || len(d.spare) > spares {
			t.Fatalf("%d voices, %d keys and %d spares are kept", len(d.voices), len(d.byKey), len(d.spare))
		}
	}
}
