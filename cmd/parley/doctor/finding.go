// Package doctor says whether calls through a server can work, and what to do where they cannot: [Server.Examine] on
// the machine of the server, with its configuration, [Guest.Examine] from another one, as a guest.
//
// Each check is a small function. Those that judge (judge...) are told what is, so tables test them; those that ask the
// system or the network hand them what they found. What counts in the end is a call: two clients that send each other
// sound and picture through the SFU, by one path at a time.
package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Level says how bad a finding is.
type Level int

// The levels, the best first.
const (
	OK Level = iota
	Warning
	Failed
)

func (l Level) String() string {
	switch l {
	case OK:
		return "ok"
	case Warning:
		return "warning"
	default:
		return "failed"
	}
}

// MarshalText writes the level's name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Finding is what one check came to.
type Finding struct {
	Name  string `json:"name"` // of the check, such as "certificate"
	Level Level  `json:"level"`
	Seen  string `json:"seen"`
	Do    string `json:"do,omitempty"` // what to do, in one or several lines; "" if nothing
}

func ok(name, format string, args ...any) Finding {
	return Finding{Name: name, Level: OK, Seen: fmt.Sprintf(format, args...)}
}

func warning(name, do, format string, args ...any) Finding {
	return Finding{Name: name, Level: Warning, Seen: fmt.Sprintf(format, args...), Do: do}
}

func failed(name, do, format string, args ...any) Finding {
	return Finding{Name: name, Level: Failed, Seen: fmt.Sprintf(format, args...), Do: do}
}

// Report collects findings in order. Its zero value is empty.
type Report struct {
	Findings []Finding `json:"findings"`

	// Each is told every finding as it comes, if not nil.
	Each func(Finding) `json:"-"`
}

// Add takes further findings.
func (r *Report) Add(findings ...Finding) {
	for _, finding := range findings {
		r.Findings = append(r.Findings, finding)
		if r.Each != nil {
			r.Each(finding)
		}
	}
}

// Count returns how many findings are of that level.
func (r *Report) Count(level Level) int {
	n := 0
	for _, finding := range r.Findings {
		if finding.Level == level {
			n++
		}
	}
	return n
}

// WriteJSON writes the whole report.
func (r *Report) WriteJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// WriteText writes a line that says what was found, and indented ones that say what to do.
func (f Finding) WriteText(out io.Writer) error {
	text := fmt.Sprintf("%-8s %s: %s\n", f.Level, f.Name, f.Seen)
	if f.Do != "" {
		text += "         do: " + strings.ReplaceAll(f.Do, "\n", "\n             ") + "\n"
	}
	_, err := io.WriteString(out, text)
	return err
}

// BadConfiguration is the one finding of a configuration that cannot be used.
func BadConfiguration(err error) Finding {
	return failed("configuration", `correct it; "parley config" prints every key with its default`, "%v", err)
}
