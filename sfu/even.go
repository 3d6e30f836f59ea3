package sfu

import "parley/sfu/egress"

const (
	// maxUneven is by how many bytes packets may differ that are made equal by padding.
	maxUneven = 15
	// largestEven is the longest payload that leaves room for headers and tag whatever is added.
	largestEven = egress.MaxPacket - 100
)

// evenOut pads packets to the size of their neighbours where that takes few bytes: an encoder cuts a frame into parts
// that differ by a byte, and only packets of one size can leave together.
func evenOut(packets []packet) {
	for len(packets) > 0 {
		low, high, n := len(packets[0].payload), len(packets[0].payload), 1
		for ; n < len(packets); n++ {
			size := len(packets[n].payload)
			if size == 0 || size > largestEven || max(high, size)-min(low, size) > maxUneven {
				break
			}
			low, high = min(low, size), max(high, size)
		}
		for i := range packets[:n-1] { // the last may be shorter
			if size := len(packets[i].payload); size > 0 {
				packets[i].padding = uint8(high - size)
			}
		}
		packets = packets[n:]
	}
}
