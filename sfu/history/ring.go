// Package history keeps what a source sent lately, so that it can be sent again: once per source, whoever asks. It is
// pure: time is handed in, and one owner uses it.
package history

import "time"

const (
	defaultKeep     = time.Second
	defaultMaxBytes = 1 << 20

	firstRecords = 64
	firstBytes   = 4 << 10
	recordBytes  = 40 // of one record and its slot

	// maxMisorder is how many numbers a packet may be late. One that is further behind begins a new numbering.
	maxMisorder = 4096
)

// Ring holds the newest payloads of one source in one block of bytes, in the order of their arrival. The zero value is
// ready and keeps a second, at most 1 MiB. It takes memory with the first Add, and doubles it as long as something
// younger than that would have to go, within its ceiling. Its methods must not be called concurrently.
type Ring struct {
	// Static after construction.
	keep     time.Duration
	maxBytes int

	epoch  time.Time // arrivals are counted from the first
	newest int64     // number: the sequence number without its wraparound

	// By arrival: records[i%len] for first <= i < next. By number: slots[number%len] is an arrival, maybe one that is
	// gone. Both have the same length, a power of two.
	records     []record
	slots       []int64
	first, next int64

	// bytes[position%len] for the payload at an absolute position; head is where the next one goes.
	bytes []byte
	head  int64
}

// record is one payload.
type record struct {
	number int64
	at     time.Duration // since epoch
	start  int64         // absolute position of its bytes
	size   int
}

// New returns a Ring that keeps what is younger than keep as long as that takes at most maxBytes of memory.
func New(keep time.Duration, maxBytes int) *Ring {
	return &Ring{keep: keep, maxBytes: maxBytes}
}

// Add copies a payload that arrived at that time. A number that is there already keeps its first payload: what is asked
// for is what was sent. What alone exceeds the ceiling is not kept.
func (r *Ring) Add(sequence uint16, payload []byte, at time.Time) {
	if r.records == nil && !r.begin(sequence, at) {
		return
	}
	number := r.newest + int64(int16(sequence-uint16(r.newest)))
	if number <= r.newest-maxMisorder {
		number = r.newest + int64(sequence-uint16(r.newest))
	}
	now := at.Sub(r.epoch)
	if old, ok := r.at(number); ok {
		if old.number >= number { // the same again, or too late: a newer one has the slot
			return
		}
		if r.young(old, now) && r.next-r.first >= int64(len(r.records))/4 {
			r.moreRecords()
		}
	}
	if !r.makeRoom(len(payload), now) {
		return
	}
	r.newest = max(r.newest, number)
	r.put(number, payload, now)
}

// Get returns the payload with that number among the last 32768, as a view that holds until the next Add.
func (r *Ring) Get(sequence uint16) (payload []byte, ok bool) {
	if r.records == nil {
		return nil, false
	}
	number := r.newest + int64(int16(sequence-uint16(r.newest)))
	found, ok := r.at(number)
	if !ok || found.number != number {
		return nil, false
	}
	start := int(found.start % int64(len(r.bytes)))
	return r.bytes[start : start+found.size : start+found.size], true
}

// Bytes is how much memory is held.
func (r *Ring) Bytes() int { return len(r.bytes) + recordBytes*len(r.records) }

// begin takes the first memory. It reports false if not even that is allowed.
func (r *Ring) begin(sequence uint16, at time.Time) bool {
	if r.keep <= 0 {
		r.keep = defaultKeep
	}
	if r.maxBytes <= 0 {
		r.maxBytes = defaultMaxBytes
	}
	records := firstRecords
	for records > 1 && recordBytes*records > r.maxBytes/4 {
		records /= 2
	}
	size := min(firstBytes, r.maxBytes-recordBytes*records)
	if size <= 0 {
		return false
	}
	r.epoch, r.newest = at, int64(sequence)-1
	r.resize(records, size)
	return true
}

// at returns what is in the slot of a number, if it is still there.
func (r *Ring) at(number int64) (record, bool) {
	arrival := r.slots[number&int64(len(r.slots)-1)]
	if arrival < r.first || arrival >= r.next {
		return record{}, false
	}
	return r.records[arrival&int64(len(r.records)-1)], true
}

func (r *Ring) young(old record, now time.Duration) bool { return now-old.at < r.keep }

// makeRoom lets the oldest go until there is a free record and size bytes at head, or takes more memory where the
// oldest are too young for that. It reports false if that can never be.
func (r *Ring) makeRoom(size int, now time.Duration) bool {
	if size > r.maxBytes-recordBytes*len(r.records) {
		return false
	}
	for !r.fits(size) {
		if r.first == r.next { // empty, and yet too small
			if !r.moreBytes(size) {
				return false
			}
			continue
		}
		oldest := r.records[r.first&int64(len(r.records)-1)]
		grown := false
		if r.young(oldest, now) {
			if r.next-r.first == int64(len(r.records)) {
				grown = r.moreRecords()
			} else {
				grown = r.moreBytes(size)
			}
		}
		if !grown {
			r.first++
		}
	}
	return true
}

// fits reports whether a record and size bytes in one piece are free, and moves head to where they are.
func (r *Ring) fits(size int) bool {
	if r.next-r.first == int64(len(r.records)) || size > len(r.bytes) {
		return false
	}
	capacity := int64(len(r.bytes))
	start := r.head
	if in := start % capacity; in+int64(size) > capacity {
		start += capacity - in // not around the end
	}
	if r.first < r.next {
		oldest := r.records[r.first&int64(len(r.records)-1)]
		if start+int64(size) > oldest.start+capacity {
			return false
		}
	}
	r.head = start
	return true
}

// put stores a payload for which there is room.
func (r *Ring) put(number int64, payload []byte, now time.Duration) {
	copy(r.bytes[r.head%int64(len(r.bytes)):], payload)
	r.records[r.next&int64(len(r.records)-1)] = record{number: number, at: now, start: r.head, size: len(payload)}
	r.slots[number&int64(len(r.slots)-1)] = r.next
	r.next++
	r.head += int64(len(payload))
}

// moreRecords doubles the records if the ceiling allows it.
func (r *Ring) moreRecords() bool {
	records := 2 * len(r.records)
	if len(r.bytes)+recordBytes*records > r.maxBytes {
		return false
	}
	r.resize(records, len(r.bytes))
	return true
}

// moreBytes doubles the bytes, or makes them enough for size, as far as the ceiling allows. It reports false if that
// does not make them more.
func (r *Ring) moreBytes(size int) bool {
	wanted := min(max(2*len(r.bytes), size), r.maxBytes-recordBytes*len(r.records))
	if wanted <= len(r.bytes) {
		return false
	}
	r.resize(len(r.records), wanted)
	return true
}

// resize moves everything into new memory, which is at least as large. In the order of arrival, numbers that share a
// slot only ever grow, so the newest has it afterwards too.
func (r *Ring) resize(records, size int) {
	old := *r
	r.records, r.slots, r.bytes = make([]record, records), make([]int64, records), make([]byte, size)
	for i := range r.slots {
		r.slots[i] = -1
	}
	r.first, r.next, r.head = 0, 0, 0
	for i := old.first; i < old.next; i++ {
		moved := old.records[i&int64(len(old.records)-1)]
		start := moved.start % int64(len(old.bytes))
		r.put(moved.number, old.bytes[start:start+int64(moved.size)], moved.at)
	}
}
