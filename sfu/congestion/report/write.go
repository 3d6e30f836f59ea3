package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"parley/sfu/congestion/sim"
)

// write puts a chart of each scenario and a table of all into a directory.
func write(into string, cases []sim.Case, first uint64, seeds int) error {
	if into == "" {
		return errors.New("where to? -into names a directory")
	}
	if err := os.MkdirAll(into, 0o750); err != nil {
		return err
	}
	var table strings.Builder
	fmt.Fprintf(&table, "# Congestion control: limits and results\n\nWritten by `make bwe-report`: the worst of %d "+
		"seeds. [congestion.md](../congestion.md) says how it is measured.\n\n", seeds)
	table.WriteString("| # | scenario | measure | limit | result | LiveKit / a prototype |\n")
	table.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	for _, c := range cases {
		got, _ := worst(c, first, seeds)
		for i := range c.Limits {
			l, name, title := &c.Limits[i], "", ""
			if i == 0 {
				name, title = fmt.Sprintf("[%s](%s.svg)", c.Name(), c.Name()), c.Title
			}
			result := l.Unit.Format(got[i])
			if !l.Met(got[i]) {
				result = "**" + result + "**"
			}
			fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s |\n", name, title, l.Name, strings.NewReplacer(
				">=", "≥", "<=", "≤").Replace(bound(l)), result, l.Others)
		}
		picture := draw(c, run(c, first))
		if err := os.WriteFile(filepath.Join(into, c.Name()+".svg"), []byte(picture), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(into, "results.md"), []byte(table.String()), 0o600)
}
