package turn

import "sync/atomic"

// reason is why a request or a connection was refused.
type reason int

const (
	none         reason = iota
	malformed           // an attribute that cannot be, or one that is missing
	forged              // a username that we did not issue, or a wrong password
	expired             // credentials past their life, without a live allocation of somebody in a call
	otherUser           // the allocation belongs to somebody else
	noAllocation        // nothing is allocated, or not any more
	taken               // an allocation where there is one
	quota               // too many allocations of one user
	capacity            // too many allocations, or something that this server does not reserve
	transport           // a relay for anything but UDP
	family              // an address family that is not announced
	peer                // a peer that is not the SFU's media
	crowded             // too many TCP connections
	idle                // a TCP connection that allocated nothing
	reasons
)

func (r reason) String() string {
	return [reasons]string{
		"none", "malformed", "forged", "expired", "other_user", "no_allocation", "taken", "quota", "capacity",
		"transport", "family", "peer", "crowded", "idle",
	}[r]
}

type counters struct {
	allocated, toPeers, toClients, garbage, oversized, stalled atomic.Uint64
	refused                                                    [reasons]atomic.Uint64
}

// Stats says what a server carries, and counts since its start.
type Stats struct {
	Allocations int // live
	Streams     int // TCP connections

	Allocated uint64            // allocations ever made
	Refused   map[string]uint64 // requests and connections, by reason
	Garbage   uint64            // datagrams and streams that speak no TURN
	Oversized uint64            // messages of mtu bytes or more, dropped
	ToPeers   uint64            // packets to anything but the SFU's media, dropped
	ToClients uint64            // packets from the SFU that their client was too slow for, dropped
	Stalled   uint64            // TCP connections cut because their client did not read
}

// Stats returns the numbers at this moment.
func (s *Server) Stats() Stats {
	stats := Stats{
		Allocations: s.table.size(),
		Streams:     s.streams.Size(),
		Allocated:   s.counters.allocated.Load(),
		Refused:     make(map[string]uint64, reasons),
		Garbage:     s.counters.garbage.Load(),
		Oversized:   s.counters.oversized.Load(),
		ToPeers:     s.counters.toPeers.Load(),
		ToClients:   s.counters.toClients.Load(),
		Stalled:     s.counters.stalled.Load(),
	}
	for r := none + 1; r < reasons; r++ {
		stats.Refused[r.String()] = s.counters.refused[r].Load()
	}
	return stats
}
