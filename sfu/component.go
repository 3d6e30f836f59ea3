package sfu

import "strings"

// Firefox gathers candidates for RTCP by itself (component 2) until it knows that there is none: RTP and RTCP share one
// transport (RFC 5761). Pion would take them for further ways to that, where nothing that is sent arrives.

// ofRTCP tells whether a candidate (RFC 8839, section 5.1), without "a=", is for RTCP by itself.
func ofRTCP(candidate string) bool {
	fields := strings.Fields(candidate)
	return len(fields) > 1 && fields[1] == "2"
}

// withoutRTCP takes such candidates out of a description.
func withoutRTCP(description string) string {
	const attribute = "a=candidate:"
	if !strings.Contains(description, attribute) {
		return description
	}
	var b strings.Builder
	b.Grow(len(description))
	for line := range strings.Lines(description) {
		if candidate, found := strings.CutPrefix(line, "a="); !found || !strings.HasPrefix(line, attribute) ||
			!ofRTCP(candidate) {
			b.WriteString(line)
		}
	}
	return b.String()
}
