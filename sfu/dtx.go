package sfu

import "strings"

// discontinuous asks the client, in a description of ours, to send next to nothing while its microphone is silent
// (usedtx, RFC 7587, 6.1): in a large room nearly all are. Each has to ask again, as a client goes by the latest.
func discontinuous(description string) string {
	const formats = "\na=fmtp:"
	var b strings.Builder
	b.Grow(len(description) + 64)
	rest := description
	for {
		before, after, found := strings.Cut(rest, formats)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(formats)
		line, _, _ := strings.Cut(after, "\r\n")
		payloadType, parameters, _ := strings.Cut(line, " ")
		b.WriteString(line)
		isOpus := strings.Contains(before, "\na=rtpmap:"+payloadType+" opus/")
		if isOpus && parameters != "" && !strings.Contains(parameters, "usedtx=") {
			b.WriteString(";usedtx=1")
		}
		rest = after[len(line):]
	}
}
