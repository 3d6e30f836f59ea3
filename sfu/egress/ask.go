package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
)

// askEvery is the time between requests to a STUN server that does not answer.
const askEvery = 500 * time.Millisecond

// ErrAsk is returned when a STUN server says nothing that helps.
var ErrAsk = errors.New("no address from the STUN server")

// Ask asks a STUN server (RFC 8489) which address the media port has as seen from there. It asks from the media port
// itself, so what a NAT gives to that port is learnt, and the way through it stays open. Packets get lost, so it asks
// again and again until an answer comes or ctx ends.
func (c *Conn) Ask(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
	server = plain(server)
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask %v: %w", server, err)
	}
	asked := c.questions.add(request.TransactionID, server)
	defer c.questions.forget(request.TransactionID)
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		if _, err := c.WriteToAddrPort(request.Raw, server); err != nil {
			return netip.AddrPort{}, fmt.Errorf("ask %v: %w", server, err)
		}
		select {
		case answer := <-asked:
			return mapped(answer)
		case <-again.C:
		case <-c.closed:
			return netip.AddrPort{}, fmt.Errorf("ask %v: %w", server, net.ErrClosed)
		case <-ctx.Done():
			return netip.AddrPort{}, fmt.Errorf("ask %v: %w: %w", server, ErrAsk, ctx.Err())
		}
	}
}

// mapped is the address in an answer.
func mapped(answer *stun.Message) (netip.AddrPort, error) {
	if answer.Type != stun.BindingSuccess {
		return netip.AddrPort{}, fmt.Errorf("%w: %v", ErrAsk, answer)
	}
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(answer); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", ErrAsk, err)
	}
	ip, _ := netip.AddrFromSlice(mapped.IP)
	address := plain(netip.AddrPortFrom(ip, uint16(mapped.Port)))
	if !ip.IsValid() || address.Addr().IsUnspecified() || address.Port() == 0 {
		return netip.AddrPort{}, fmt.Errorf("%w: %v", ErrAsk, mapped)
	}
	return address, nil
}

// questions are the requests that wait for their answer, usually none. The zero questions are none.
type questions struct {
	open atomic.Int32 // how many; for who reads packets, who has nothing to look up when there are none

	mu  sync.Mutex
	all map[transaction]question // guarded by mu
}

type transaction = [stun.TransactionIDSize]byte

type question struct {
	server netip.AddrPort
	answer chan *stun.Message // has room for one
}

// add notes a question and returns where its answer comes.
func (q *questions) add(id transaction, server netip.AddrPort) (answer <-chan *stun.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all == nil {
		q.all = make(map[transaction]question)
	}
	asked := question{server, make(chan *stun.Message, 1)}
	q.all[id] = asked
	q.open.Add(1)
	return asked.answer
}

func (q *questions) forget(id transaction) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.all, id)
	q.open.Add(-1)
}

// answered tells whether a packet answers one of them, and hands it over then. It never waits.
func (q *questions) answered(from netip.AddrPort, data []byte) bool {
	if q.open.Load() == 0 || !stun.IsMessage(data) {
		return false
	}
	q.mu.Lock()
	asked, ok := q.all[transaction(data[8:])]
	q.mu.Unlock()
	if !ok || asked.server != from {
		return false
	}
	answer := new(stun.Message)
	if _, err := answer.Write(data); err != nil || answer.Type.Method != stun.MethodBinding ||
		answer.Type.Class != stun.ClassSuccessResponse && answer.Type.Class != stun.ClassErrorResponse {
		return false
	}
	select {
	case asked.answer <- answer:
	default: // to the request before
	}
	return true
}
