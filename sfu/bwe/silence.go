package bwe

import "time"

const (
	holdAfter = 500 * time.Millisecond
	cutAfter  = time.Second
	stopAfter = 2 * time.Second
)

// silence watches for feedback that does not come.
type silence struct {
	ever     bool          // feedback came
	since    time.Duration // the first packet sent since the last feedback; 0: none
	silent   time.Duration // how long that is ago
	cut      bool
	estimate float64 // before the cut
}

func (s *silence) sent(t time.Duration) {
	if s.since == 0 {
		s.since = max(t, 1)
	}
}

// heard ends a silence; it reports whether the rate had been cut.
func (s *silence) heard() bool {
	was := s.cut
	s.ever, s.since, s.silent, s.cut = true, 0, 0, false
	return was
}

// tick returns the estimate that is cut once.
func (s *silence) tick(t time.Duration, estimate float64) (float64, bool) {
	if !s.ever || s.since == 0 {
		s.silent = 0
		return 0, false
	}
	s.silent = t - s.since
	if s.silent >= cutAfter && !s.cut {
		s.cut, s.estimate = true, estimate
		return estimate / 2, true
	}
	return 0, false
}

// Holds reports whether feedback has failed to come for so long that nothing may grow.
func (e *Estimator) Holds() bool { return e.silence.silent >= holdAfter }

// Blind reports whether feedback has failed to come for so long that only audio may be sent.
func (e *Estimator) Blind() bool { return e.silence.silent >= stopAfter }

// Interrupted is the estimate before the last time without feedback, 0 if there was none.
func (e *Estimator) Interrupted() int { return int(e.silence.estimate) }

// Restored says that a probe showed the path to be as it was before, or that it is not.
func (e *Estimator) Restored() { e.silence.estimate = 0 }
