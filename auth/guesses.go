package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How fast passwords may be guessed: some at once, for people who mistype, then slowly.
const (
	guessesAtOnce    = 10
	guessEvery       = 6 * time.Second
	allGuessesAtOnce = 100
	allGuessesEvery  = time.Second
)

// Guesses counts wrong passwords, by address and over all. Right ones are free. The addresses that it knows are those
// that guessed within the last minute: few, since all together may guess that often only. Safe for concurrent use.
type Guesses struct {
	mu     sync.Mutex
	all    guesser             // guarded by mu
	byHost map[string]*guesser // guarded by mu
}

// guesser is one who guesses, or all of them.
type guesser struct {
	limiter *rate.Limiter
	open    int // guesses that were allowed and not answered yet
}

func newGuesser(every time.Duration, atOnce int) guesser {
	return guesser{limiter: rate.NewLimiter(rate.Every(every), atOnce)}
}

// may tells whether one more guess could be wrong.
func (g *guesser) may() bool { return g.limiter.Tokens()-float64(g.open) >= 1 }

func (g *guesser) answered(wrong bool) {
	g.open--
	if wrong {
		g.limiter.Allow()
	}
}

// NewGuesses starts counting.
func NewGuesses() *Guesses {
	return &Guesses{
		all:    newGuesser(allGuessesEvery, allGuessesAtOnce),
		byHost: map[string]*guesser{},
	}
}

// Allow tells whether a guess from there may be answered, or too much was guessed lately. If it may, Answered must
// follow. Remote is an address as net/http has it.
func (g *Guesses) Allow(remote string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	host, _ := siteOf(remote)
	by := g.byHost[host]
	if by == nil {
		fresh := newGuesser(guessEvery, guessesAtOnce)
		by = &fresh
	}
	if !by.may() || !g.all.may() {
		return false
	}
	by.open++
	g.all.open++
	g.byHost[host] = by
	return true
}

// Answered says what became of a guess that was allowed.
func (g *Guesses) Answered(remote string, wrong bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	host, _ := siteOf(remote)
	g.byHost[host].answered(wrong)
	g.all.answered(wrong)
	for host, by := range g.byHost { // those that may guess as if they never had
		if by.open == 0 && by.limiter.Tokens() >= guessesAtOnce {
			delete(g.byHost, host)
		}
	}
}
