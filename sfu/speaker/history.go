package speaker

// Slots of 20 ms in the three times over which voices are compared.
const (
	immediate = 5   // who sounds now
	medium    = 10  // a word and no cough
	long      = 100 // who has the floor

	ring = 128 // slots that are kept: a power of two, which is faster
)

const (
	loudBelow   = 15.0 // dB below their peaks people still speak; further down it is their room
	peakRise    = 0.4  // of the way up, by each packet: clicks are short
	peakFall    = 0.2  // dB for each slot
	clearly     = 10.0 // dB that one has to be louder to count in full
	fullBelow   = 4.0  // dB below their mean people still speak up; further down words trail off
	spurtEnds   = 16   // slots without a packet
	overlapping = 3    // slots in which two speak up before they count as talking over one another
)

// history is what a voice was like in the latest slots. The zero value is a voice that never was.
type history struct {
	levels [ring]uint8 // by slot modulo ring. 0: no packet, 1: not loud, more: dB above the quietest speech and 1
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
		if p := &h.levels[late%ring]; *p == 0 {
			*p = value
			return
		}
	}
	p := &h.levels[slot%ring]
	*p = max(*p, value)
}

// advance moves on to a slot.
func (h *history) advance(slot int64) {
	gap := slot - h.head
	for i := range min(gap, ring) {
		h.levels[(slot-i)%ring] = 0
	}
	h.peak = max(0, h.peak-peakFall*float64(gap))
	h.head = slot
}

// at is how loud it was in a slot, 0 for not at all.
func (h *history) at(slot int64) float64 {
	if slot > h.head || slot <= h.head-long {
		return 0
	}
	if l := h.levels[uint64(slot)%ring]; l > 1 {
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

// full is how loud words are at least that do not trail off.
func (h *history) full(slot int64) float64 {
	_, mean := h.activity(slot, long)
	return mean - fullBelow
}

// evidence is what speaks for one voice and against another, as logarithms of likelihood ratios over three times. Their
// unit is a slot in which one is loud and the other is not.
type evidence struct {
	immediate, medium, long float64
	crosstalk               bool  // the two talk over one another
	again                   bool  // they do since the last change
	silent                  int64 // slots since the other was loud
}

// lately compares a voice with another, which trails off below full, in the latest n slots.
func lately(h, other *history, slot, n int64, full float64) (sum float64) {
	for i := range n {
		b := other.at(slot - i)
		if b < full {
			b = 0
		}
		sum += rather(h.at(slot-i), b)
	}
	return sum
}

// weigh compares a voice with another, which trails off below otherFull. The last change was in that slot. Where the
// immediate evidence is less than needed the rest is missing.
func weigh(h, other *history, slot, changed int64, otherFull, needed float64) (e evidence) {
	e.immediate = lately(h, other, slot, immediate, otherFull)
	if e.immediate < needed {
		return e
	}
	e.medium = lately(h, other, slot, medium, otherFull)
	full := h.full(slot)
	e.silent = long
	var overlap, began, otherBegan int64 // slots, slots ago
	for i := range int64(long) {
		a, b := h.at(slot-i), other.at(slot-i)
		if a > 0 {
			began = i + 1
		}
		if b > 0 {
			otherBegan, e.silent = i+1, min(e.silent, i)
		}
		if a > 0 && b > 0 && a > full && b >= otherFull {
			overlap++
			e.again = e.again || slot-i > changed
		}
	}
	e.crosstalk = overlap > overlapping
	e.long = atLength(h, other, slot, min(began, otherBegan))
	return e
}

// atLength compares how much and how loud two spoke in so many slots. Over many words that says more than slot by slot.
func atLength(h, other *history, slot, slots int64) float64 {
	loud, mean := h.activity(slot, slots)
	otherLoud, otherMean := other.activity(slot, slots)
	return loud - otherLoud + min(loud, otherLoud)*clamp((mean-otherMean)/clearly)
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
