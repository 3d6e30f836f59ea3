package main

import "fmt"

// Targets for what pages show. A picture that never came, or that the server has paused, is in none of the
// distributions, so that without it they prove nothing.

// tiles are those of all pages once everybody is there.
func (l Load) tiles() int {
	publishing := l.Publishers + l.JoinLater
	return l.Rooms * (publishing*min(l.Shown, publishing-1) + (l.Subscribers+l.Viewers)*min(l.Shown, publishing))
}

// firstTiles are the least that first pages show: of those who join later or only watch, all that publish by then; of
// those who publish, the first of them, who joins alone.
func (l Load) firstTiles() int {
	if l.JoinLater > 0 {
		return l.Rooms * l.JoinLater * min(l.Shown, l.Publishers)
	}
	return l.Rooms * ((l.Publishers-1)*min(l.Shown, 1) + (l.Subscribers+l.Viewers)*min(l.Shown, l.Publishers))
}

func longestFreeze(p Point) Row {
	row := atMost("longest freeze of anybody's video", 500, "ms",
		ours(p, func(s *Sample) float64 { return s.Pictures.Gaps.Max }))
	row.require(p, p.Load.tiles(), func(s *Sample) int { return s.Pictures.Gaps.Count })
	return row
}

func firstFrame(what string, p Point) Row {
	row := atMost(what, 1000, "ms", ours(p, func(s *Sample) float64 { return s.Pictures.Join.P99 }))
	row.require(p, p.Load.firstTiles(), func(s *Sample) int { return s.Pictures.Join.Count })
	return row
}

func blank(p Point) Row {
	row := atMost("tiles that stay blank", 0, "", ours(p, func(s *Sample) float64 { return float64(s.Pictures.Blank) }))
	row.require(p, 0, func(*Sample) int { return 0 })
	return row
}

// mostPaused is how many tiles were paused in the worst run.
func mostPaused(p Point) int {
	most := 0
	for _, run := range p.Runs {
		if paused := run.Parley.Pictures.Paused; paused != nil {
			most = max(most, *paused)
		}
	}
	return most
}

// require lets a target be missed if in any run tiles were paused, or fewer counted than there must have been. A count
// of 0 is from when that was not noted yet: check refuses it.
func (r *Row) require(p Point, least int, counted func(*Sample) int) {
	fewest := least
	for _, run := range p.Runs {
		if n := counted(run.Parley); n > 0 {
			fewest = min(fewest, n)
		}
	}
	if paused := mostPaused(p); paused > 0 {
		r.Pass = false
		r.remark("up to %d tiles were paused", paused)
	}
	if fewest < least {
		r.Pass = false
		r.remark("of at least %d tiles only %d were counted", least, fewest)
	}
}

// remark adds to the note.
func (r *Row) remark(format string, args ...any) {
	if r.Note != "" {
		r.Note += "; "
	}
	r.Note += fmt.Sprintf(format, args...)
}
