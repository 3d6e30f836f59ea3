// Package feedback accounts for what arrives and says what a receiver tells the sender: what to send again, reception
// reports, and the times of arrival that the sender's estimator lives on. It is pure: time is handed in, and one owner
// uses each value.
package feedback

// numbers undoes the wraparound of 16-bit sequence numbers.
type numbers struct {
	highest int64

	// The number that would confirm that the source began anew (RFC 3550, A.1: two in sequence).
	restart  uint16
	awaiting bool
}

// begin starts with the first number.
func (n *numbers) begin(sequence uint16) int64 {
	n.highest = int64(sequence)
	return n.highest
}

// extend returns the number nearest to the highest, which it leaves to the caller to raise. It reports false for one
// that is further behind than the window. Two of those in sequence are a new numbering, which goes on above the
// highest.
func (n *numbers) extend(sequence uint16, window int64) (int64, bool) {
	number := n.highest + int64(int16(sequence-uint16(n.highest)))
	if number > n.highest-window {
		n.awaiting = false
		return number, true
	}
	if n.awaiting && sequence == n.restart {
		n.awaiting = false
		return n.highest + int64(sequence-uint16(n.highest)), true
	}
	n.restart, n.awaiting = sequence+1, true
	return 0, false
}
