package speaker

// Slots of 20 ms in the three times over which voices are compared.
const (
	immediate = 5  // who sounds now
	medium    = 12 // a word and no cough
	long      = 64 // who has the floor
)

const (
	loudBelow   = 15.0 // dB below their peaks people still speak; further down it is their room
	peakRise    = 0.4  // of the way up, by each packet: clicks are short
	peakFall    = 0.2  // dB for each slot
	clearly     = 10.0 // dB that one has to be louder to count in full
	fullBelow   = 4.0  // dB below their mean people still speak up; further down words trail off
	spurtEnds   = 16   // slots without a packet
	overlapping = 3    // slots in which two speak up before they count as talking over one another
	anew        = 2    // slots in which two are loud, after a change
)

// history is what a voice was like in the latest slots. The zero value is a voice that never was.
type history struct {
	levels [long]uint8 // by slot modulo long. 0: no packet, 1: not loud, more: dB above the quietest speech and 1
	head   int64       // the latest slot with a packet
	spurt  int64       // the one in which packets began to come
	peak   float64     // dB above the quietest speech
}

// put takes a packet. One whose slot is taken was late, and goes to where one was missing; but not to before there were
// any, or one slot at most, else short packets would count twice.
func (h *history) put(slot int64, level uint8) {
	if slot-h.head > spurtEnds {
		h.spurt = slot
	}
	h.advance(slot)
	above := quietest - float64(level)
	if above > h.peak {
		h.peak += peakRise * (above - h.peak)
	}
	value := uint8(1)
	if above >= 0 && above >= h.peak-loudBelow {
		value += 1 + uint8(above)
	}
	for late := slot; late >= h.spurt-1 && late > slot-spurtEnds; late-- {
		if p := &h.levels[late%long]; *p == 0 {
			*p = value
			return
		}
	}
	p := &h.levels[slot%long]
	*p = max(*p, value)
}

// advance moves on to a slot.
func (h *history) advance(slot int64) {
	gap := slot - h.head
	for i := range min(gap, long) {
		h.levels[(slot-i)%long] = 0
	}
	h.peak = max(0, h.peak-peakFall*float64(gap))
	h.head = slot
}

// at is how loud it was in a slot, 0 for not at all.
func (h *history) at(slot int64) float64 {
	if slot > h.head || slot <= h.head-long {
		return 0
	}
	if l := h.levels[slot%long]; l > 1 {
		return float64(l - 1)
	}
	return 0
}

// activity is in how many of the latest n slots it was loud, and how loud on average.
func (h *history) activity(slot, n int64) (loud, mean float64) {
	for i := range n {
		if level := h.at(slot - i); level > 0 {
			loud++
			mean += level
		}
	}
	return loud, mean / max(1, loud)
}

// evidence is what speaks for one voice and against another, as logarithms of likelihood ratios over three times. Their
// unit is a slot in which one is loud and the other is not.
type evidence struct {
	immediate, medium, long float64
	crosstalk               bool  // the two talk over one another
	again                   bool  // they do since the last change
	silent                  int64 // slots since the other was loud
}

// weigh compares a voice with another. The last change was in that slot.
func weigh(h, other *history, slot, changed int64) (e evidence) {
	loud, mean := h.activity(slot, long)
	otherLoud, otherMean := other.activity(slot, long)
	e.silent = long
	overlap, since := 0, 0
	for i := range int64(long) {
		a, b := h.at(slot-i), other.at(slot-i)
		if b > 0 {
			e.silent = min(e.silent, i)
		}
		if a > 0 && b > 0 && slot-i > changed {
			since++
		}
		if b < otherMean-fullBelow {
			b = 0 // a word that trails off
		}
		if a > mean-fullBelow && a > 0 && b > 0 {
			overlap++
		}
		if i < medium {
			e.medium += rather(a, b)
		}
		if i < immediate {
			e.immediate += rather(a, b)
		}
	}
	e.crosstalk, e.again = overlap > overlapping, since > anew
	// Over so many words levels slot by slot say less than how much and how loud they were on the whole.
	e.long = loud - otherLoud + min(loud, otherLoud)*clamp((mean-otherMean)/clearly)
	return e
}

// rather is how much a slot speaks for a voice that was so loud in it, and against another.
func rather(a, b float64) float64 {
	switch {
	case a > 0 && b > 0:
		return clamp((a - b) / clearly)
	case a > 0:
		return 1
	case b > 0:
		return -1
	}
	return 0
}

func clamp(x float64) float64 { return max(-1, min(1, x)) }
