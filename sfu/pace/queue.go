package pace

import "time"

// entry is a packet that waits.
type entry[T any] struct {
	item  T
	track uint32
	size  int
	since time.Time
}

// queue is first in, first out. It keeps its room.
type queue[T any] struct {
	ring        []entry[T] // the length is a power of two
	read, write uint
}

func (q *queue[T]) len() int { return int(q.write - q.read) }

func (q *queue[T]) at(i uint) *entry[T] { return &q.ring[i&uint(len(q.ring)-1)] }

func (q *queue[T]) first() *entry[T] { return q.at(q.read) }

func (q *queue[T]) push(e entry[T]) {
	if q.len() == len(q.ring) {
		ring := make([]entry[T], max(16, 2*len(q.ring)))
		n := uint(q.len())
		for i := range n {
			ring[i] = *q.at(q.read + i)
		}
		q.ring, q.read, q.write = ring, 0, n
	}
	*q.at(q.write) = e
	q.write++
}

func (q *queue[T]) pop() entry[T] {
	e := *q.first()
	*q.first() = entry[T]{} // nothing stays alive by having waited here
	q.read++
	return e
}

// remove takes out what is of that track, the newest first, and returns how many bytes that were.
func (q *queue[T]) remove(track uint32, drop func(item T)) int {
	removed, keep := 0, q.write // keep: where the next that stays goes, from the back
	for i := q.write; i != q.read; {
		i--
		e := *q.at(i)
		if e.track == track {
			removed += e.size
			drop(e.item)
			continue
		}
		keep--
		*q.at(keep) = e
	}
	for ; q.read != keep; q.read++ {
		*q.first() = entry[T]{}
	}
	return removed
}
