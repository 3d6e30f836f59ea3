// Command report runs the scenarios of the acceptance of congestion control and says what came out: as a table on the
// terminal, as a trace of one, or as charts and a table in a directory.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"parley/sfu/congestion/sim"
)

func main() {
	table := flag.Bool("table", false, "print a table of limits and results")
	trace := flag.String("trace", "", "print what happens in one scenario, such as 2a")
	seeds := flag.Int("seeds", 5, "how many seeds")
	seed := flag.Uint64("seed", 1, "the first seed")
	only := flag.String("only", "", "scenarios by number or name, separated by commas")
	into := flag.String("into", "", "directory for charts and table")
	flag.Parse()
	cases := chosen(*only + *trace)
	if len(cases) == 0 {
		fmt.Fprintln(os.Stderr, "there is no such scenario")
		os.Exit(2)
	}
	switch {
	case *trace != "":
		printTrace(cases[0], *seed)
	case *table:
		printTable(cases, *seed, *seeds)
	default:
		if err := write(*into, cases, *seed, *seeds); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// epoch is when scenarios take place.
func epoch() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

func run(c sim.Case, seed uint64) *sim.Result {
	return sim.Run(c.Scenario, sim.Options{Seed: seed, Epoch: epoch()})
}

func chosen(only string) (cases []sim.Case) {
	names := strings.Split(only, ",")
	for _, c := range sim.Cases() {
		if only == "" || slices.Contains(names, c.Name()) || slices.Contains(names, fmt.Sprint(c.Number)) {
			cases = append(cases, c)
		}
	}
	return cases
}

// worst are the limits' figures, for the worst of the seeds.
func worst(c sim.Case, first uint64, seeds int) (worst []float64, each [][]float64) {
	worst, each = make([]float64, len(c.Limits)), make([][]float64, len(c.Limits))
	for n := range seeds {
		result := run(c, first+uint64(n))
		for i := range c.Limits {
			got := c.Limits[i].Measure(result)
			each[i] = append(each[i], got)
			if n == 0 {
				worst[i] = got
			}
			worst[i] = c.Limits[i].Worse(worst[i], got)
		}
	}
	return worst, each
}

func bound(l *sim.Limit) string {
	if l.AtLeast {
		return ">= " + l.Unit.Format(l.Bound)
	}
	return "<= " + l.Unit.Format(l.Bound)
}

func printTable(cases []sim.Case, first uint64, seeds int) {
	met, all := 0, 0
	for _, c := range cases {
		fmt.Printf("%-3s %s\n", c.Name(), c.Title)
		got, each := worst(c, first, seeds)
		for i := range c.Limits {
			l, mark := &c.Limits[i], "MISSED"
			all++
			if l.Met(got[i]) {
				met++
				mark = "ok"
			}
			var list []string
			for _, v := range each[i] {
				list = append(list, l.Unit.Format(v))
			}
			fmt.Printf("    %-6s %-20s %-10s %-10s others %-18s seeds %s\n", mark, l.Name, l.Unit.Format(got[i]), bound(l),
				l.Others, strings.Join(list, ", "))
		}
	}
	fmt.Printf("%d of %d met\n", met, all)
}

// printTrace writes a line for each 100 ms.
func printTrace(c sim.Case, seed uint64) {
	result := run(c, seed)
	for sub := range result.Subscribers {
		r, changes := &result.Subscribers[sub], 0
		fmt.Printf("%s %s, seed %d, subscriber %d: kbit/s, ms, rungs\n", c.Name(), c.Title, seed, sub)
		fmt.Println("    time  link  estim capac |  sent  padd resent  recv | queue drop | rungs now, oracle | shown")
		for _, s := range r.Samples {
			kbit := func(bytes int) int { return bytes * 8 * int(time.Second/sim.SampleEvery) / 1000 }
			from := s.At - sim.SampleEvery
			fmt.Printf("%8.1f %5d %6d %5d | %5d %5d %6d %5d | %5d %4d | %2d %v | %5.0f\n", s.At.Seconds(),
				result.Scenario.CapacityAt(from)/1000, s.Estimate/1000, s.Capacity/1000, kbit(s.Sent), kbit(s.Padding),
				kbit(s.Resent), kbit(s.Received), s.Queue.Milliseconds(), s.Dropped, s.Rungs,
				result.Scenario.Oracle(sub, from), result.Rate(sub, sim.Span{From: from, To: s.At})/1000)
		}
		for ; changes < len(r.Changes); changes++ {
			change := r.Changes[changes]
			fmt.Printf("%8.2f track %d: %d to %d\n", change.At.Seconds(), change.Track, change.From, change.To)
		}
	}
}
