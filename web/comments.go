package web

import "strings"

// withoutComments drops from a script or a style sheet of ours the comments that have lines to themselves, and empty
// lines: they are for readers, and about a third of what a browser would be sent. Comments behind code stay.
func withoutComments(source string) string {
	var kept strings.Builder
	inside := false // a comment of several lines
	for line := range strings.Lines(source) {
		rest := strings.TrimSpace(line)
		comment := inside || strings.HasPrefix(rest, "/*")
		if comment {
			_, after, ended := strings.Cut(rest, "*/")
			inside = !ended
			rest = strings.TrimSpace(after)
		}
		switch {
		case rest == "" || strings.HasPrefix(rest, "//"):
		case comment:
			kept.WriteString(rest + "\n")
		default:
			kept.WriteString(line)
		}
	}
	return kept.String()
}
