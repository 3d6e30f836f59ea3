package sfu

import (
	"slices"
	"time"
)

// gossipEvery is how often a client is told what others say of themselves, at most: while hundreds join, each message
// by itself would cost both sides more than their media.
const gossipEvery = 250 * time.Millisecond

// gossip is what the others have said of themselves, and the client was not told yet.
type gossip struct {
	news []featuresShared // the latest of each
	told time.Time        // when it was told last
}

func (g *gossip) add(news featuresShared) {
	g.news = append(slices.DeleteFunc(g.news, func(n featuresShared) bool { return n.from == news.from }), news)
}

// passFeatures tells the client what others have said, at once or when it is time again, and returns when it is due.
func (p *Peer) passFeatures(now time.Time) time.Duration {
	g := &p.gossip
	if len(g.news) == 0 {
		return time.Hour
	}
	if due := g.told.Add(gossipEvery); now.Before(due) {
		return due.Sub(now)
	}
	for _, n := range g.news {
		if err := p.conn.sendFeatures(n.from, n.features); err != nil {
			p.log.Debug("features not passed on", "error", err)
		}
	}
	g.news, g.told = nil, now
	return time.Hour
}
