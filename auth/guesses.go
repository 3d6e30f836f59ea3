package auth

import (
	"net/netip"
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

// siteBits is how much of an IPv6 address tells one network from another (RFC 6177): who has one has all below.
const siteBits = 64

// Guesses counts wrong passwords, by address and over all. Right ones are free. The addresses that it knows are those
// that guessed within the last minute: few, since all together may guess that often only. Safe for concurrent use.
type Guesses struct {
	mu     sync.Mutex
	all    *rate.Limiter            // guarded by mu
	byHost map[string]*rate.Limiter // guarded by mu
}

// NewGuesses starts counting.
func NewGuesses() *Guesses {
	return &Guesses{
		all:    rate.NewLimiter(rate.Every(allGuessesEvery), allGuessesAtOnce),
		byHost: map[string]*rate.Limiter{},
	}
}

// Allow tells whether a guess from there may be answered, or too much was guessed lately. Remote is an address as
// net/http has it.
func (g *Guesses) Allow(remote string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	limiter := g.byHost[guessingHost(remote)]
	return (limiter == nil || limiter.Tokens() >= 1) && g.all.Tokens() >= 1
}

// Wrong counts a wrong guess from there. Those that were allowed at the same time are paid for later.
func (g *Guesses) Wrong(remote string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget()
	host := guessingHost(remote)
	limiter := g.byHost[host]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Every(guessEvery), guessesAtOnce)
		g.byHost[host] = limiter
	}
	limiter.Reserve()
	g.all.Reserve()
}

// forget drops the addresses that may guess as if they never had.
func (g *Guesses) forget() {
	for host, limiter := range g.byHost {
		if limiter.Tokens() >= guessesAtOnce {
			delete(g.byHost, host)
		}
	}
}

// guessingHost is who guesses from a request's remote address: an IPv4 address, or a network of IPv6.
func guessingHost(remote string) string {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote // of a connection that is no TCP
	}
	host := address.Addr().Unmap().WithZone("")
	if host.Is6() {
		return netip.PrefixFrom(host, siteBits).Masked().String()
	}
	return host.String()
}
