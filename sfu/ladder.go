package sfu

import (
	"cmp"
	"slices"
	"time"

	"parley/sfu/alloc"
	"parley/sfu/selection"
)

const (
	// How far a layer may fall behind its track. A screen share may show nothing new for long.
	layerTimeout       = time.Second
	screenLayerTimeout = 5 * time.Second

	// absentAfter is when a layer that we had switched off counts as not to be had, after it was wanted again.
	absentAfter = 3 * time.Second

	// guessedRate is taken for the lowest rung of a layer until it has been measured, four times as much for each
	// layer above.
	guessedRate = 120_000
)

// ladder is what a video track offers at a moment, the cheapest first. It is never changed.
type ladder struct {
	rungs []alloc.Rung
	steps []step // of each rung
	tiers int    // pictures of different size or detail

	shape int // changes when rungs come or go, not when rates do
}

// step is what a receiver gets at a rung.
type step struct {
	layer         *layer
	target        selection.Target
	tier          int // counted from 0, the smallest picture
	width, height int // 0 where not known
}

// find returns the rung at which a receiver is that gets what t says, -1 if there is none.
func (b *ladder) find(t selection.Target) int {
	if t.Encoding == 0 {
		return -1
	}
	found := -1
	for i := range b.steps {
		s := &b.steps[i].target
		if s.Encoding == t.Encoding && s.Spatial <= t.Spatial && s.Temporal <= t.Temporal {
			found = i
		}
	}
	return found
}

// build makes the ladder of layers that can be had, the smallest first.
func buildLadder(layers []*layer) *ladder {
	built := new(ladder)
	for index, l := range layers {
		width, height := guessSize(layers, index)
		for spatial := range max(l.meter.spatial, 1) {
			shrink := max(l.meter.spatial, 1) - 1 - spatial // each spatial layer halves the one above
			for temporal := range max(l.meter.temporal, 1) {
				built.add(l, index, step{
					layer: l, tier: built.tiers, width: width >> shrink, height: height >> shrink,
					target: selection.Target{Encoding: l.ssrc, Spatial: uint8(spatial), Temporal: uint8(temporal)},
				})
			}
			built.tiers++
		}
	}
	built.rise()
	return built
}

func (b *ladder) add(l *layer, index int, s step) {
	bitrate, fps := l.meter.upTo(int(s.target.Spatial), int(s.target.Temporal))
	if !l.meter.measured() {
		bitrate, fps = float64(int(guessedRate)<<(2*index)), 0
	}
	b.rungs = append(b.rungs, alloc.Rung{
		Bitrate: int(bitrate), Pixels: s.width * s.height, FrameRate: fps,
		Spatial: uint8(s.tier), Temporal: s.target.Temporal,
	})
	b.steps = append(b.steps, s)
}

// guessSize is the size of a layer's picture. The first keyframe of a layer is often missed; until the next one each
// layer of a camera is taken to be twice as wide and high as the one below, those of a screen to be of one size.
func guessSize(layers []*layer, index int) (width, height int) {
	for distance := range layers {
		shift := distance
		if layers[index].track.source.screen {
			shift = 0
		}
		if below := index - distance; below >= 0 && layers[below].width != 0 {
			return int(layers[below].width) << shift, int(layers[below].height) << shift
		}
		if above := index + distance; above < len(layers) && layers[above].width != 0 {
			return int(layers[above].width) >> shift, int(layers[above].height) >> shift
		}
	}
	return 0, 0
}

// rise leaves out rungs that cost as much as a better one.
func (b *ladder) rise() {
	for i := len(b.rungs) - 2; i >= 0; i-- {
		if b.rungs[i].Bitrate >= b.rungs[i+1].Bitrate {
			b.rungs, b.steps = slices.Delete(b.rungs, i, i+1), slices.Delete(b.steps, i, i+1)
		}
	}
}

// sameShape reports whether two ladders lead over the same rungs.
func (b *ladder) sameShape(other *ladder) bool {
	return other != nil && slices.EqualFunc(b.steps, other.steps, func(x, y step) bool {
		return x.layer == y.layer && x.target == y.target && x.width == y.width
	})
}

// rankLayers sorts by picture size where both are known, else by rate.
func rankLayers(layers []*layer) {
	slices.SortStableFunc(layers, func(a, b *layer) int {
		if a.pixels() != 0 && b.pixels() != 0 && a.pixels() != b.pixels() {
			return cmp.Compare(a.pixels(), b.pixels())
		}
		return cmp.Compare(a.rate(), b.rate())
	})
}
