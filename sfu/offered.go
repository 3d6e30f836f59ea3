package sfu

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"
)

// A client may offer lines on which it only receives. What it is to get goes on these, with the answer, as far as they
// reach: so who joins sees and hears the others as soon as there is a path, without a round more.

// guessedPixels is how large pictures are taken to be shown, until the client says so.
const guessedPixels = 1280 * 720

// useOffered puts what the client is to get on the lines of its offer, which has been set and not been answered, and
// reports whether there are any.
func (p *Peer) useOffered(c *connection) (used bool, err error) {
	free, err := c.lines.adopt()
	if err != nil || len(free) == 0 {
		return false, err
	}
	pictures := 0
	for _, l := range free {
		if l.transceiver.Kind() == webrtc.RTPCodecTypeVideo {
			pictures++
		}
	}
	p.guess(pictures)
	if err := c.lines.fill(free); err != nil {
		return false, fmt.Errorf("use the client's lines: %w", err)
	}
	return true, nil
}

// guess takes so many cameras for shown, of a client that chooses its pictures but has not said anything about one yet:
// those that were published first.
func (p *Peer) guess(pictures int) {
	if !p.interest.only || len(p.interest.tiles) > 0 {
		return
	}
	var cameras []*upTrack
	for key, tracks := range p.interest.others {
		if key.screen {
			continue
		}
		for _, up := range tracks {
			if up.kind == webrtc.RTPCodecTypeVideo {
				cameras = append(cameras, up)
			}
		}
	}
	slices.SortFunc(cameras, byOrder)
	for _, up := range cameras[:min(pictures, len(cameras))] {
		key := keyOf(up)
		p.interest.tiles[key] = tileSize{known: true, pixels: guessedPixels}
		p.interest.guessed = append(p.interest.guessed, key)
		p.conn.lines.want(up)
	}
}

// takeGuessBack is called when the client has begun to say what it shows: what it did not mention is not shown.
func (p *Peer) takeGuessBack(mentioned []Tile) {
	guessed := p.interest.guessed
	p.interest.guessed = nil
	for _, key := range guessed {
		if !slices.ContainsFunc(mentioned, func(tile Tile) bool { return tileKey{tile.Publisher, tile.Screen} == key }) {
			delete(p.interest.tiles, key)
			p.choose(p.interest.others[key])
		}
	}
}

// byOrder sorts tracks as they were published.
func byOrder(a, b *upTrack) int { return cmp.Compare(a.order, b.order) }

// adopt parks the lines on which the client only receives and which are nobody's yet, and returns them. pion has a
// transceiver without a sender for each.
func (ls *lines) adopt() ([]*line, error) {
	var adopted []*line
	for _, transceiver := range ls.pc.GetTransceivers() {
		if transceiver.Sender() != nil || transceiver.Direction() != webrtc.RTPTransceiverDirectionSendonly {
			continue
		}
		l := &line{transceiver: transceiver}
		if err := ls.replace(l, idleTrack{transceiver.Kind(), transceiver.Mid()}); err != nil {
			return nil, fmt.Errorf("adopt line %s: %w", transceiver.Mid(), err)
		}
		adopted = append(adopted, l)
	}
	ls.parked = append(ls.parked, adopted...)
	return adopted, nil
}

// fill puts tracks that are wanted on lines that were just adopted. They are open once the path is secure; what is left
// is for the next round.
func (ls *lines) fill(free []*line) error {
	for _, up := range ls.wanted {
		at := slices.IndexFunc(free, func(l *line) bool { return l.takes(up) })
		if at < 0 || ls.active[up] != nil || ls.undecodable[up] || !ls.negotiated(up) {
			continue
		}
		l := free[at]
		free = slices.Delete(free, at, at+1)
		l.filled = true
		if err := ls.put(up, l); err != nil {
			return fmt.Errorf("carry %s: %w", up.id, err)
		}
	}
	ls.dirty = ls.unsettled()
	ls.sender.share(time.Now())
	return nil
}

// unsettled reports whether what the lines carry differs from what is wanted.
func (ls *lines) unsettled() bool {
	for up, l := range ls.active {
		if l.ended || ls.undecodable[up] || !slices.Contains(ls.wanted, up) {
			return true
		}
	}
	return slices.ContainsFunc(ls.wanted, func(up *upTrack) bool { return ls.active[up] == nil && !ls.undecodable[up] })
}

// secured opens the lines that were filled: the client has taken the answer that told it of them.
func (ls *lines) secured() {
	var opened []*downTrack
	for up, l := range ls.active {
		if l.filled {
			opened = ls.settle(up, l, false, opened)
		}
	}
	ls.open(opened)
}
