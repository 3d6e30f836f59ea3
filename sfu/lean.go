package sfu

import "strings"

// lean takes out of a description of ours what pion writes twice, a third of it where there are many tracks: of the
// attributes of an SSRC all but its name. What they repeat stands in the msid attribute (RFC 8830), which is put before
// them, since clients built on pion look for it there.
func lean(description string) string {
	var b strings.Builder
	b.Grow(len(description))
	for rest := description; rest != ""; {
		section := rest
		if at := strings.Index(rest, "\nm="); at >= 0 {
			section = rest[:at+1]
		}
		rest = rest[len(section):]
		leanSection(&b, section)
	}
	return b.String()
}

func leanSection(b *strings.Builder, section string) {
	const ssrc, msid = "a=ssrc", "a=msid:"
	at := strings.Index(section, "\n"+ssrc)
	msidAt := strings.Index(section, "\n"+msid)
	if at < 0 || msidAt < at {
		b.WriteString(section)
		return
	}
	moved, after, _ := strings.Cut(section[msidAt+1:], "\n")
	b.WriteString(section[:at+1])
	b.WriteString(moved)
	b.WriteByte('\n')
	for line := range strings.Lines(section[at+1 : msidAt+1]) {
		if !strings.HasPrefix(line, ssrc+":") || strings.Contains(line, " cname:") {
			b.WriteString(line)
		}
	}
	b.WriteString(after)
}
