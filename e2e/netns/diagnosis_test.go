package netns

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// diagnosis is what /diagnostics/ says in the end, as diagnose.js prints it.
type diagnosis struct {
	Sentence string            `json:"sentence"`
	Rows     map[string]string `json:"rows"` // what is said of each, by its name
	Report   string            `json:"report"`
}

// diagnose has a Chromium go through all checks of the page.
func (l *lab) diagnose(n *node, s *server) diagnosis {
	l.t.Helper()
	cmd := n.command("node", append([]string{"diagnose.js", url, room}, l.chromiumFlags(s)...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var d diagnosis
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &d)
	}
	if err != nil {
		l.t.Fatalf("diagnose: %v\n%s%s", err, &out, &errs)
	}
	return d
}

func (d diagnosis) check(t *testing.T, sentence string, good ...string) {
	t.Helper()
	if !regexp.MustCompile(sentence).MatchString(d.Sentence) {
		t.Errorf("the page says %q, not %q\n%v\n%s", d.Sentence, sentence, d.Rows, d.Report)
	}
	for _, row := range good {
		if !strings.HasPrefix(d.Rows[row], "good: ") {
			t.Errorf("%s is %q\n%s", row, d.Rows[row], d.Report)
		}
	}
}
