package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"parley/sfu/congestion/sim"
)

// Between these lines of the document that is named like the directory, the short table goes.
const (
	tableBegins = "<!-- results -->\n"
	tableEnds   = "<!-- /results -->\n"
)

// write puts a chart of each scenario and a table of all into a directory, and a shorter table into the document.
func write(into string, cases []sim.Case, first uint64, seeds int) error {
	if into == "" {
		return errors.New("where to? -into names a directory")
	}
	if err := os.MkdirAll(into, 0o750); err != nil {
		return err
	}
	var long, short strings.Builder
	fmt.Fprintf(&long, "# Congestion control: limits and results\n\nThe worst of %d seeds; what is bold misses its "+
		"limit. [congestion.md](../congestion.md) says how\nit is measured.\n\n", seeds)
	long.WriteString("| # | scenario | measure | limit | result | LiveKit / a prototype |\n")
	long.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	short.WriteString("| # | scenario | result (limit) |\n| --- | --- | --- |\n")
	for _, c := range cases {
		got, _ := worst(c, first, seeds)
		var results []string
		for i := range c.Limits {
			l, name, title := &c.Limits[i], "", ""
			if i == 0 {
				name, title = fmt.Sprintf("[%s](%s.svg)", c.Name(), c.Name()), c.Title
			}
			result, limit := emphasized(l, got[i]), strings.NewReplacer(">=", "≥", "<=", "≤").Replace(bound(l))
			fmt.Fprintf(&long, "| %s | %s | %s | %s | %s | %s |\n", name, title, l.Name, limit, result, l.Others)
			results = append(results, fmt.Sprintf("%s %s (%s)", l.Name, result, limit))
		}
		fmt.Fprintf(&short, "| [%s](%s/%s.svg) | %s | %s |\n", c.Name(), filepath.Base(into), c.Name(), c.Title,
			strings.Join(results, ", "))
		picture := draw(c, run(c, first))
		if err := os.WriteFile(filepath.Join(into, c.Name()+".svg"), []byte(picture), 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(into, "results.md"), []byte(long.String()), 0o600); err != nil {
		return err
	}
	return insert(filepath.Clean(into)+".md", short.String())
}

// emphasized is a result, bold if it misses its limit.
func emphasized(l *sim.Limit, got float64) string {
	if l.Met(got) {
		return l.Unit.Format(got)
	}
	return "**" + l.Unit.Format(got) + "**"
}

// insert puts the table into the document, if there is one with a place for it.
func insert(document, table string) error {
	text, err := os.ReadFile(document)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return nil
	}
	text = []byte(before + tableBegins + table + tableEnds + after)
	return os.WriteFile(document, text, 0o600) //nolint:gosec // the command line says where
}
