package feedback

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// The errors of [ReadTransport].
var (
	ErrNoTransport    = errors.New("not transport-wide feedback")
	ErrShortTransport = errors.New("transport-wide feedback ends early")
	ErrLongTransport  = errors.New("transport-wide feedback about too many packets")
)

// Arrival says what became of a packet that was sent.
type Arrival struct {
	Number   uint16 // transport-wide
	Received bool
	At       time.Duration // by the receiver's clock, which begins anew after 2^24 * 64 ms; in units of 250 us
}

// What a status says of the time of arrival (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1.1).
const (
	notReceived = iota
	smallDelta
	largeDelta
)

// maxTransport is more packets than anybody waits with: a few bytes can name sixteen times as many.
const maxTransport = 4096

const transportHeader = 20 // RTCP header, two SSRCs, base number, count, reference time, feedback's count

// TransportCount is how many packets a packet of transport-wide feedback claims to speak of.
func TransportCount(packet []byte) int {
	if len(packet) < transportHeader {
		return 0
	}
	return int(binary.BigEndian.Uint16(packet[14:]))
}

// ReadTransport appends what a packet of transport-wide feedback says to into. It takes the whole RTCP packet, header
// included (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1). With an error, into comes back as it was.
func ReadTransport(packet []byte, into []Arrival) ([]Arrival, error) {
	if len(packet) < 4 || packet[0]>>6 != 2 || packet[0]&31 != 15 || packet[1] != 205 {
		return into, ErrNoTransport
	}
	size := 4 * (int(binary.BigEndian.Uint16(packet[2:])) + 1)
	if size < transportHeader || size > len(packet) {
		return into, fmt.Errorf("%w: %d bytes of %d", ErrShortTransport, len(packet), size)
	}
	packet = packet[:size]
	number := binary.BigEndian.Uint16(packet[12:])
	count := int(binary.BigEndian.Uint16(packet[14:]))
	if count > maxTransport {
		return into, fmt.Errorf("%w: %d", ErrLongTransport, count)
	}
	reference := binary.BigEndian.Uint32(packet[16:]) >> 8

	begin := len(into)
	into, deltas, err := readStatuses(packet[transportHeader:], number, count, into)
	if err != nil {
		return into[:begin], err
	}
	if err := readDeltas(deltas, reference, into[begin:]); err != nil {
		return into[:begin], err
	}
	return into, nil
}

// readStatuses appends an Arrival for each number that the chunks speak of, with the status in At, and returns what
// follows the chunks.
func readStatuses(chunks []byte, number uint16, count int, into []Arrival) ([]Arrival, []byte, error) {
	for left := count; left > 0; {
		if len(chunks) < 2 {
			return into, nil, fmt.Errorf("%w: no status for %d of %d packets", ErrShortTransport, left, count)
		}
		chunk := binary.BigEndian.Uint16(chunks)
		chunks = chunks[2:]
		run, width := int(chunk&maxRun), 0 // 3.1.3
		switch chunk >> 14 {
		case 2: // 3.1.4
			run, width = oneBit, 1
		case 3:
			run, width = twoBits, 2
		}
		run = min(run, left)
		left -= run
		for i := range run {
			status := chunk >> 13 & 3
			switch width {
			case 1:
				status = chunk >> (oneBit - 1 - i) & 1
			case 2:
				status = chunk >> (2 * (twoBits - 1 - i)) & 3
			}
			into = append(into, Arrival{Number: number, At: time.Duration(status)})
			number++
		}
	}
	return into, chunks, nil
}

// readDeltas puts the times of arrival where the statuses are.
func readDeltas(deltas []byte, reference uint32, statuses []Arrival) error {
	at := time.Duration(reference) * referenceTick * tick
	for i := range statuses {
		status, size := statuses[i].At, 1
		if status == largeDelta {
			size = 2
		}
		statuses[i].At = 0
		if status != smallDelta && status != largeDelta {
			continue // 3: reserved, and said to be without a time
		}
		if len(deltas) < size {
			return fmt.Errorf("%w: no time for number %d", ErrShortTransport, statuses[i].Number)
		}
		if status == smallDelta {
			at += time.Duration(deltas[0]) * tick
		} else {
			at += time.Duration(int16(binary.BigEndian.Uint16(deltas))) * tick
		}
		deltas = deltas[size:]
		statuses[i].Received, statuses[i].At = true, at
	}
	return nil
}
