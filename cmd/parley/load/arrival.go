package load

import "time"

// mediaBegan takes note of the first packet of a socket: the participant's first if it is of their first socket, and
// nothing if there was none to expect. While one talks, nobody else does.
func (p *participant) mediaBegan(at time.Time) {
	o := p.env.options
	c := p.client.Load()
	if c == nil || p.begun.Swap(true) || o.Shown == 0 && p.role == publisher &&
		hasTurn(p.env.clock.at(c.Opened()), p.seat, o.Talking, int(p.room.publishing.Load())) {
		return
	}
	p.took.Store(max(1, int64(at.Sub(c.Opened()))))
	p.countJoin()
}

// arrived takes note that join has succeeded.
func (p *participant) arrived() {
	p.joined.Store(true)
	p.countJoin()
}

// countJoin counts once, when both the first packet and the end of the join have come.
func (p *participant) countJoin() {
	if took := p.took.Load(); took > 0 && p.joined.Load() && !p.counted.Swap(true) {
		p.env.joins.add(time.Duration(took))
	}
}
