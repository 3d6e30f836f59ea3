package load

import (
	"fmt"
	"io"
	"strings"
)

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, row := range r.rows() {
		fmt.Fprintf(&b, "%-14s%s\n", row[0], row[1])
	}
	if sentence := r.Sentence(); sentence != "" {
		fmt.Fprintf(&b, "\n%s\n", sentence)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// rows are what the report says, each with what it is about.
func (r *Report) rows() [][2]string {
	seconds := max(r.Window, 1e-9)
	rate := func(t Traffic) string {
		return fmt.Sprintf("%.0f packets/s, %s", float64(t.Packets)/seconds, bitrate(uint64(8*float64(t.Bytes)/seconds)))
	}
	rows := [][2]string{
		{"people", fmt.Sprintf("%d in %s", r.People, plural(r.Rooms, "room"))},
		{"measured", fmt.Sprintf("%.1f s", r.Window)},
		{"in", rate(r.Sent)},
		{"out", rate(r.Received)},
		{"lost", fmt.Sprintf("%d packets, %.3f %%", r.Lost, 100*r.Loss)},
	}
	if r.Failures > 0 {
		rows = append(rows, [2]string{"joins failed", fmt.Sprintf("%d, the first with: %s", r.Failures, r.Failure)})
	}
	if r.Gone > 0 {
		rows = append(rows, [2]string{"thrown out", fmt.Sprintf("%d by the server", r.Gone)})
	}
	if odd := r.oddities(); odd != "" {
		rows = append(rows, [2]string{"besides", odd})
	}
	if r.Latency.Samples > 0 {
		rows = append(rows, [2]string{"latency", fmt.Sprintf("p50 %.2f  p90 %.2f  p99 %.2f  max %.2f ms",
			r.Latency.P50, r.Latency.P90, r.Latency.P99, r.Latency.Max)})
	}
	if r.Join.Count > 0 {
		rows = append(rows, [2]string{"first packet", fmt.Sprintf(
			"p50 %.0f  p90 %.0f  max %.0f ms after the websocket opened", r.Join.P50, r.Join.P90, r.Join.Max)})
	}
	if s := r.Server; s != nil {
		rows = append(rows,
			[2]string{"server CPU", fmt.Sprintf("%.0f %% of a core, %.2f us for each packet out, %.2f %% of a core a person",
				100*s.CPU/seconds, s.CPUPerPacket, 100*s.CPUPerPerson)},
			[2]string{"server memory", fmt.Sprintf("%.1f MiB, %.1f before, %.2f a person",
				mebibytes(s.RSS), mebibytes(s.IdleRSS), s.RSSPerPerson/(1<<20))})
	}
	rows = append(rows, r.largeRows()...)
	tool := fmt.Sprintf("%.0f %% of a core", 100*r.LoadCPU/seconds)
	if r.LoadMost > loadBusy {
		tool += ": as much as it may use, so the server may do better than this"
	}
	return append(rows, [2]string{"load tool", tool})
}

// oddities are what should not happen and did.
func (r *Report) oddities() string {
	var odd []string
	for _, o := range []struct {
		n    uint64
		what string
	}{
		{r.Recovered, "recovered"}, {r.Duplicated, "duplicated"}, {r.Reordered, "reordered"},
		{r.Corrupted, "corrupted"}, {r.Skipped, "skipped"},
		{r.Overflowed, "dropped by this machine's own sockets (the load tool is the limit)"},
	} {
		if o.n > 0 {
			odd = append(odd, fmt.Sprintf("%d %s", o.n, o.what))
		}
	}
	return strings.Join(odd, ", ")
}

// Sentence says how many people the server carries, "" if that was not asked.
func (r *Report) Sentence() string {
	if r.Limit == nil {
		return ""
	}
	if r.Limit.People == 0 {
		return fmt.Sprintf("This box does not carry the people that it began with (%s).", r.Limit.Reason)
	}
	return fmt.Sprintf("This box carries %d people of this kind (%s).", r.Limit.People, r.Limit.Reason)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// largeRows are about large rooms.
func (r *Report) largeRows() [][2]string {
	p, s := r.Person, r.Signals
	rows := [][2]string{
		{"a person", fmt.Sprintf("in %.1f packets/s, %s  out %.1f packets/s, %s, %.1f of audio", p.PacketsIn,
			bitrate(uint64(8*p.BytesIn)), p.PacketsOut, bitrate(uint64(8*p.BytesOut)), p.AudioOut)},
		{"signalling", fmt.Sprintf("a person: %.1f offers, at most %d, up to %s; in %.0f messages, %s  out %.0f, %s",
			s.Offers, s.MostOffers, kilobytes(float64(s.Offer)), s.FramesIn, kilobytes(s.BytesIn), s.FramesOut,
			kilobytes(s.BytesOut))},
	}
	if v := r.Pictures; v != nil {
		rows = append(rows,
			[2]string{"first frame", fmt.Sprintf("joining: %s after the websocket opened; later: %s after it was asked for",
				v.Join, v.Turn)},
			[2]string{"frozen", fmt.Sprintf("%d of %d tiles for more than %d ms, %d blank, %d paused; longest gap of a "+
				"tile %s, at the source p50 %.0f  max %.0f ms", v.Frozen, v.Gaps.Count,
				frozen.Milliseconds(), v.Blank, v.Paused, v.Gaps, v.Source.P50, v.Source.Max)})
	}
	if l := r.Later; l != nil {
		rows = append(rows,
			[2]string{"joined later", fmt.Sprintf("%d in %.1f s, first packet %s", l.Joins, l.Seconds, l.Media)},
			[2]string{"each join", fmt.Sprintf("%.1f ms of CPU, %s of signalling; itself %.1f offers, at most %d, %s; each "+
				"who was there %s", l.CPU, kilobytes(l.Bytes), l.OffersNew, l.OffersNewMax, kilobytes(l.BytesNew),
				kilobytes(l.BytesPresent))},
			[2]string{"all joins", fmt.Sprintf("%.1f offers to each who was there, at most %d", l.OffersPresent,
				l.OffersPresentMax)})
	}
	return rows
}

// String writes a distribution.
func (t Times) String() string {
	return fmt.Sprintf("p50 %.0f  p99 %.0f  max %.0f ms", t.P50, t.P99, t.Max)
}

func kilobytes(n float64) string { return fmt.Sprintf("%.1f kB", n/1000) }
