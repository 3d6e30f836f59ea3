package speaker

import "time"

const (
	slotTime  = 20 * time.Millisecond
	judgeEach = time.Millisecond // per voice, so that it takes the same however many speak

	// What the immediate, medium and long evidence has to reach. Whoever begins where nobody spoke before is asked for
	// little, as nobody is interrupted; whoever takes over from somebody who paused must go on for some 200 ms. Where two
	// talk over one another, pauses mean little: one has to have had more of the time.
	nowClear, beginClear, turnClear        = 3, 5, 7.5
	crossNow, crossMedium, crossLong       = 1, 4, 28
	crossHold                        int64 = 102 // slots between changes meanwhile
	crossOver                        int64 = 25  // slots of silence that are no pause

	heirLoud = 12 // slots of the long time in which one was loud who has been speaking

	spares = 16 // forgotten voices kept for others
)

// Detector finds the one of a room who speaks more than the others, after the idea of Volfin and Cohen ("Dominant
// speaker identification for multipoint videoconferencing", 2013): activity is compared over three times, and whoever
// wins all of them by a margin takes over. K names a voice. The zero value is an empty room.
type Detector[K comparable] struct {
	epoch  time.Time
	slot   int64         // now; no ring index of a slot is ever negative, as they start at long
	judged time.Duration // since epoch

	dominant K
	some     bool // dominant is somebody
	changed  int64

	voices []*voice[K] // whoever was heard in the latest slots, others are silent
	byKey  map[K]*voice[K]
	spare  []*voice[K]
	nobody history
}

type voice[K comparable] struct {
	key K
	history
}

// Hear takes a packet of somebody who is speaking or just was, see [Voice.Speaking]. Others are taken to be silent.
func (d *Detector[K]) Hear(k K, level uint8, now time.Time) {
	d.tick(now)
	v := d.byKey[k]
	if v == nil {
		v = d.add(k)
	}
	v.put(d.slot, level)
}

// Dominant is the one who speaks, or spoke last if nobody does; ok is false where nobody ever did. It may be asked for
// every packet.
func (d *Detector[K]) Dominant(now time.Time) (k K, ok bool) {
	d.tick(now)
	if at := now.Sub(d.epoch); at-d.judged >= min(slotTime, time.Duration(len(d.voices))*judgeEach) {
		d.judged = at
		d.forget()
		d.judge()
	}
	return d.dominant, d.some
}

// Remove forgets somebody. If they were dominant, it is whoever else was speaking most, or nobody.
func (d *Detector[K]) Remove(k K) {
	for i, v := range d.voices {
		if v.key == k {
			d.drop(i)
			break
		}
	}
	if !d.some || d.dominant != k {
		return
	}
	var none K
	d.dominant, d.some = none, false
	most := 0.0
	for _, v := range d.voices {
		if loud, mean := v.activity(d.slot, long); loud >= heirLoud && loud*mean > most {
			d.dominant, d.some, most = v.key, true, loud*mean
		}
	}
}

func (d *Detector[K]) tick(now time.Time) {
	if d.epoch.IsZero() {
		d.epoch = now
	}
	d.slot = max(d.slot, long+int64(now.Sub(d.epoch)/slotTime))
}

// judge changes the dominant if somebody has won.
func (d *Detector[K]) judge() {
	reigning := &d.nobody
	if v := d.byKey[d.dominant]; v != nil && d.some {
		reigning = &v.history
	}
	full := reigning.full(d.slot)
	var winner *voice[K]
	most := 0.0
	for _, v := range d.voices {
		if &v.history == reigning || !d.wins(weigh(&v.history, reigning, d.slot, d.changed, full, crossNow)) {
			continue
		}
		if loud, mean := v.activity(d.slot, medium); loud*mean > most {
			winner, most = v, loud*mean
		}
	}
	if winner == nil {
		return
	}
	if d.some {
		d.changed = d.slot
	}
	d.dominant, d.some = winner.key, true
}

// wins reports whether that is enough against the dominant one.
func (d *Detector[K]) wins(e evidence) bool {
	switch {
	case !d.some:
		return e.immediate >= nowClear && e.medium >= beginClear
	case d.changed > 0 && d.slot-d.changed < crossHold && (e.again || e.crosstalk) && e.silent < crossOver:
		return false
	case e.crosstalk && e.silent < crossOver:
		return e.immediate >= crossNow && e.medium >= crossMedium && e.long >= crossLong
	}
	return e.immediate >= nowClear && e.medium >= turnClear
}

func (d *Detector[K]) add(k K) *voice[K] {
	var v *voice[K]
	if n := len(d.spare); n > 0 {
		v, d.spare = d.spare[n-1], d.spare[:n-1]
	} else {
		v = new(voice[K])
	}
	if d.byKey == nil {
		d.byKey = make(map[K]*voice[K])
	}
	*v = voice[K]{key: k}
	d.byKey[k] = v
	d.voices = append(d.voices, v)
	return v
}

// forget drops those of whom nothing is left to know.
func (d *Detector[K]) forget() {
	for i := len(d.voices) - 1; i >= 0; i-- {
		if d.slot-d.voices[i].head >= long {
			d.drop(i)
		}
	}
}

func (d *Detector[K]) drop(i int) {
	v, last := d.voices[i], len(d.voices)-1
	delete(d.byKey, v.key)
	d.voices[i], d.voices[last] = d.voices[last], nil
	d.voices = d.voices[:last]
	if len(d.spare) < spares {
		*v = voice[K]{} // the key may hold on to something
		d.spare = append(d.spare, v)
	}
}
