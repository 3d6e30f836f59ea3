package signaling

import (
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

// checkSockets is how many sockets a room for a check takes: one sends, one receives.
const checkSockets = 2

// accessOf is who is let into a room as it opens. A check is one's own affair, whatever holds for rooms: who may not
// enter any learns all the same whether calls would work.
func (h *Hub) accessOf(room string) string {
	if protocol.IsCheck(room) {
		return protocol.AccessOpen
	}
	return h.cfg.RoomAccess
}

// letIn has m enter the floor, in place of leaving if that is not nil, unless the room is for a check that is another
// session's, or has all that it needs. It is called with mu held.
func (r *room) letIn(m, leaving *member, ticket floor.Ticket) (floor.Changes, error) {
	if protocol.IsCheck(r.name) {
		present := 0
		for _, other := range r.members {
			if other.person.Session != m.person.Session {
				return floor.Changes{}, floor.ErrLocked
			}
			if other != leaving {
				present++
			}
		}
		if present >= checkSockets {
			return floor.Changes{}, floor.ErrLocked
		}
	}
	return r.floor.Enter(m.person, ticket)
}
