package main

import (
	"strings"
	"testing"
)

// measured is a load that was measured several times, each as set has it.
func measured(load Load, sets ...func(*Sample)) Point {
	p := Point{Load: load}
	for _, set := range sets {
		s := new(Sample)
		s.Window = 1
		set(s)
		p.Runs = append(p.Runs, Run{Parley: s})
	}
	return p
}

// TestListenersAreThoseWhoDoNotTalk compares rooms of which everybody gets all that they can hear.
func TestListenersAreThoseWhoDoNotTalk(t *testing.T) {
	hears := func(packets float64) func(*Sample) { return func(s *Sample) { s.Person.PacketsOut = packets } }
	room := func(people int) Load { return Load{Rooms: 1, Publishers: people} }
	for _, c := range []struct {
		few, many float64
		pass      bool
	}{{50 * 29. / 30, 50 * 299. / 300, true}, {50.9, 54.1, true}, {50, 54.4, false}} {
		row := rowsAudio300([]Point{measured(room(30), hears(c.few)), measured(room(300), hears(c.many))})[1]
		if row.Pass != c.pass || row.Target != "<= 1.05" || !strings.Contains(row.Note, "299/300 and 29/30") {
			t.Errorf("%+v: %+v", c, row)
		}
	}
}

// TestFailedRunIsNoPass has the third run of viewers1000 fail.
func TestFailedRunIsNoPass(t *testing.T) {
	well := func(*Sample) {}
	points := []Point{measured(Load{Rooms: 1, Publishers: 3, Large: Large{Viewers: 1000}}, well, well)}
	if rows := rowsViewers1000(points); !rows[0].Pass {
		t.Errorf("all runs were well: %+v", rows)
	}
	limit := measured(Load{Rooms: 1, Publishers: 3, FindLimit: true}, func(s *Sample) { s.Limit = &Limit{424, "full"} })
	points = append(points, limit)
	if rows := rowsViewers1000(points); rows[0].Pass || rows[0].Note != "the limit is 421 viewers: full" {
		t.Errorf("%+v", rows)
	}
	r := Result{Scenarios: map[string]Scenario{"viewers1000": {Points: points[:1], Error: "too many\nall of them"}}}
	if rows := r.judge(); len(rows) != 1 || rows[0].Pass || rows[0].Note != "too many" {
		t.Errorf("%+v", rows)
	}
}

// TestPicturesNeedEvidence has one run of two lack something.
func TestPicturesNeedEvidence(t *testing.T) {
	load := meeting(20)
	load.JoinLater = 100
	if tiles, first := load.tiles(), load.firstTiles(); tiles != 120*9 || first != 100*9 {
		t.Errorf("%d tiles, %d at first", tiles, first)
	}
	if first := meeting(100).firstTiles(); first != 99 {
		t.Errorf("%d tiles at first", first)
	}
	viewers := Load{Rooms: 1, Publishers: 3, Large: Large{Viewers: 1000, Shown: 9}}
	if tiles, first := viewers.tiles(), viewers.firstTiles(); tiles != 3006 || first != 3002 {
		t.Errorf("%d tiles, %d at first", tiles, first)
	}
	one := 1
	for name, c := range map[string]struct {
		change func(*Sample)
		passes [3]bool // freeze, first frame, blank
	}{
		"all":           {func(*Sample) {}, [3]bool{true, true, true}},
		"paused":        {func(s *Sample) { s.Pictures.Paused = &one }, [3]bool{}},
		"not noted yet": {func(s *Sample) { s.Pictures.Gaps.Count, s.Pictures.Join.Count = 0, 0 }, [3]bool{true, true, true}},
		"few seen":      {func(s *Sample) { s.Pictures.Gaps.Count-- }, [3]bool{false, true, true}},
		"few came":      {func(s *Sample) { s.Pictures.Join.Count-- }, [3]bool{true, false, true}},
	} {
		well := func(s *Sample) {
			s.Pictures = new(PicturesReport)
			s.Pictures.Gaps.Count, s.Pictures.Join.Count = 1080, 900
			s.Later = new(LaterReport)
		}
		rows := rowsJoins100([]Point{measured(load, well, func(s *Sample) {
			well(s)
			c.change(s)
		})})
		for i, row := range rows {
			if row.Pass != c.passes[i] {
				t.Errorf("%s: %+v", name, row)
			}
		}
		if paused := strings.Contains(rows[2].Note, "up to 1 tiles were paused"); paused != (name == "paused") {
			t.Errorf("%s: %q", name, rows[2].Note)
		}
	}
}

func TestMediansSayOfHowMany(t *testing.T) {
	of := func(runs int) Scenario { return Scenario{Points: []Point{{}, {Runs: make([]Run, runs)}}} }
	r := Result{Runs: 7, Scenarios: map[string]Scenario{
		"viewers": of(5), "room8": of(5), "growth": of(3), "loss80": of(0), "limit": of(2),
		"large": of(2), "hundred": of(2), "viewers1000": of(1),
	}}
	if got := r.medians(false); got != "medians of 5 runs (growth: 3, limit: 2)" {
		t.Error(got)
	}
	if got := r.medians(true); got != "medians of 2 runs (viewers1000: 1)" {
		t.Error(got)
	}
	if got := (&Result{Runs: 7}).medians(true); got != "medians of 7 runs" {
		t.Error(got)
	}
}

// TestCheckWantsEvidence takes from a measurement one thing after the other.
func TestCheckWantsEvidence(t *testing.T) {
	load := Load{Rooms: 1, Publishers: 2, Large: Large{Shown: 9}}
	for name, change := range map[string]func(*Sample){
		"":          func(*Sample) {},
		"latencies": func(s *Sample) { s.Latency.P99 = 0 },
		"joins":     func(s *Sample) { s.Join.P50 = 0 },
		"frames":    func(s *Sample) { s.Pictures.Join.Count = 0 },
		"gaps":      func(s *Sample) { s.Pictures.Gaps.Count = 0 },
		"pauses":    func(s *Sample) { s.Pictures.Paused = nil },
	} {
		s := &Sample{LoadReport: LoadReport{Window: 1, Joined: 2, Received: Traffic{1, 1}}}
		s.Server.CPU, s.Latency.P99, s.Join.P50 = 1, 1, 1
		s.Pictures = &PicturesReport{Paused: new(int), Join: Spread{Count: 1}, Gaps: Spread{Count: 1}}
		change(s)
		if err := s.check(load); (err == nil) != (name == "") {
			t.Errorf("without %q: %v", name, err)
		}
	}
}
