package netns

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// finding is one that is wanted: its level, and expressions for its name, and for what is seen and what to do, in one
// line.
type finding struct{ level, name, says string }

// report is what `parley doctor --json` writes.
type report struct {
	Findings []struct {
		Name  string `json:"name"`
		Level string `json:"level"`
		Seen  string `json:"seen"`
		Do    string `json:"do"`
	} `json:"findings"`
	status error // of the process
}

// examine runs the doctor, behind a script whose $1 is a directory for it.
func (n *node) examine(s *server, before string, flags ...string) report {
	t := n.lab.t
	t.Helper()
	args := append([]string{"-ec", before + "\nshift\nexec \"$@\"", "sh", t.TempDir(), program(t, "parley"), "doctor",
		"--json", "--ntp", "127.0.0.1:123"}, flags...)
	cmd := n.command("sh", args...)
	cmd.Env = s.cert.environment()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	r := report{status: cmd.Run()}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("the doctor wrote no report: %v, %v\n%s%s", err, r.status, &out, &errs)
	}
	return r
}

// check looks for what is wanted. Nothing else may have failed, and the exit status must say whether something has.
func (r report) check(t *testing.T, where string, wanted []finding) {
	t.Helper()
	fail := func(format string, args ...any) { t.Errorf("%s: %s\n%s", where, fmt.Sprintf(format, args...), r) }
	for _, w := range wanted {
		if !r.has(w) {
			fail("the doctor does not say %q", w)
		}
	}
	failed := false
	for _, f := range r.Findings {
		failed = failed || f.Level == "failed"
	}
	expected := false
	for _, w := range wanted {
		expected = expected || w.level == "failed"
	}
	if failed && !expected {
		fail("more is said to fail than was planted")
	}
	if failed != (r.status != nil) {
		fail("the exit status is %v", r.status)
	}
}

func (r report) has(w finding) bool {
	name, says := regexp.MustCompile(w.name), regexp.MustCompile(w.says)
	for _, f := range r.Findings {
		text := strings.ReplaceAll(f.Seen+" "+f.Do, "\n", " ")
		if f.Level == w.level && name.MatchString(f.Name) && says.MatchString(text) {
			return true
		}
	}
	return false
}

func (r report) String() string {
	var out strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&out, "  %-8s %s: %s | %s\n", f.Level, f.Name, f.Seen, strings.ReplaceAll(f.Do, "\n", " | "))
	}
	return out.String()
}
