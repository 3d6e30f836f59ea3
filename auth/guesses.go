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

// guesses counts wrong passwords, by address and over all. Right ones are free. The addresses that it knows are those
// that guessed within the last minute: few, since all together may guess that often only. Safe for concurrent use.
type guesses struct {
	mu     sync.Mutex
	all    *rate.Limiter            // guarded by mu
	byHost map[string]*rate.Limiter // guarded by mu
}

func newGuesses() *guesses {
	return &guesses{
		all:    rate.NewLimiter(rate.Every(allGuessesEvery), allGuessesAtOnce),
		byHost: map[string]*rate.Limiter{},
	}
}

// allow tells whether a guess from there may be answered, or too much was guessed lately. If it was wrong, it counts.
func (g *guesses) allow(remote string, right bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	host := guessingHost(remote)
	limiter := g.byHost[host]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Every(guessEvery), guessesAtOnce)
	}
	if limiter.Tokens() < 1 || g.all.Tokens() < 1 {
		return false
	}
	if right {
		return true
	}
	g.forget()
	limiter.Allow()
	g.all.Allow()
	g.byHost[host] = limiter
	return true
}

// forget drops the addresses that may guess as if they never had.
func (g *guesses) forget() {
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
