package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/signaling/client"
)

// soakPatience is how long what must be true may take to become so.
const soakPatience = 30 * time.Second

// matter is something that must be true of two walkers, or of one.
type matter struct {
	viewer, other int // other is -1 where it is about the viewer alone
	what          string
	source        client.Source // of media, without a name
}

// doubt is since when it is not.
type doubt struct {
	since   time.Time
	stays   [2]int // another stay is another matter
	packets int64  // that had come by then
	flowing bool   // it is media that did come since
}

// sight is what is known of a walker at one moment.
type sight struct {
	wish
	client.Snapshot
	panels map[string]bool
	lacks  []string
}

// inspector compares what walkers see with what they do, again and again.
type inspector struct {
	walkers []*walker // static after construction
	doubts  map[matter]doubt
	names   []string // by walker: its channel name
	faults  []string
}

func newInspector(walkers []*walker) *inspector {
	return &inspector{walkers: walkers, doubts: make(map[matter]doubt), names: make([]string, len(walkers))}
}

// look tells whether all is as it must be. What is not for too long is a fault.
func (in *inspector) look() bool {
	views := make([]sight, len(in.walkers))
	for i, w := range in.walkers { // wishes first: what is seen is never older
		views[i].wish = w.wants()
	}
	for i, w := range in.walkers {
		views[i].Snapshot = w.client.Snapshot()
		views[i].panels, views[i].lacks = w.panels.read()
	}
	agreed := true
	for i := range views {
		agreed = in.alone(views, i) && agreed
		for j := range views {
			if i != j {
				agreed = in.both(views, i, j) && agreed
			}
		}
	}
	return agreed
}

// alone checks what is about one walker.
func (in *inspector) alone(views []sight, i int) bool {
	v := views[i]
	for _, e := range v.Errors {
		if busy(e) {
			continue
		}
		in.fault(i, -1, fmt.Sprintf("was told %+v", e))
	}
	if v.Closed != nil {
		in.fault(i, -1, fmt.Sprintf("has ended: %v", v.Closed))
	}
	for _, name := range v.lacks {
		in.fault(i, -1, fmt.Sprintf("was told of %s without a panel", name))
	}
	if in.names[i] != v.ChannelName && in.names[i] != "" && v.known && time.Since(v.back) > soakPatience {
		in.fault(i, -1, fmt.Sprintf("%s has become %s", in.names[i], v.ChannelName))
	}
	in.names[i] = v.ChannelName
	known := func(name string) bool {
		return slices.ContainsFunc(views, func(other sight) bool { return other.ChannelName == name })
	}
	strange := func(name string) bool { return !known(name) }
	sure := v.reached && v.known && v.room != ""
	in1 := in.settle(matter{i, -1, "is in its room", client.Source{}}, views, sure, v.Room == v.room)
	in2 := in.settle(matter{i, -1, "sees nobody who is nobody", client.Source{}}, views, sure,
		!slices.ContainsFunc(slices.Collect(maps.Keys(v.People)), strange))
	in3 := in.settle(matter{i, -1, "has no panel of nobody", client.Source{}}, views, sure,
		!slices.ContainsFunc(slices.Collect(maps.Keys(v.panels)), strange))
	return in1 && in2 && in3
}

// both checks what is about two walkers: who sees whom, and whose media comes.
func (in *inspector) both(views []sight, i, j int) bool {
	v, other := views[i], views[j]
	together := v.room != "" && v.room == other.room
	sure := v.reached && v.known && other.known && v.room != ""
	_, listed := v.People[other.ChannelName]
	agreed := in.settle(matter{i, j, "lists", client.Source{}}, views, sure, listed == together)
	agreed = in.settle(matter{i, j, "has a panel of", client.Source{}}, views, sure,
		v.panels[other.ChannelName] == together) && agreed
	for source, sends := range other.sends {
		from := source
		from.ChannelName = other.ChannelName
		got := v.Received[from]
		decodable := source.Kind == "audio" || got.Keyframes > 0
		comes := together && sends && v.known && other.known && v.media && other.media
		agreed = in.flow(matter{i, j, "gets", source}, views, comes, got.Packets, decodable) && agreed
		// What was on its way when they parted may still come.
		apart := v.known && other.known && !together
		agreed = in.ends(matter{i, j, "gets, from elsewhere,", source}, views, apart, got.Packets) && agreed
	}
	return agreed
}

func (in *inspector) stays(m matter, views []sight) [2]int {
	if m.other < 0 {
		return [2]int{views[m.viewer].stay}
	}
	return [2]int{views[m.viewer].stay, views[m.other].stay}
}

// settle keeps since when something is not as it must be, while it is sure how that is.
func (in *inspector) settle(m matter, views []sight, sure, right bool) bool {
	stays := in.stays(m, views)
	d, doubted := in.doubts[m]
	switch {
	case !sure || right:
		delete(in.doubts, m)
		return true
	case !doubted || d.stays != stays:
		in.doubts[m] = doubt{since: time.Now(), stays: stays}
	case time.Since(d.since) > soakPatience:
		in.fault(m.viewer, m.other, "not so: "+m.what)
	}
	return false
}

// flow keeps since when no media came that must.
func (in *inspector) flow(m matter, views []sight, comes bool, packets int64, decodable bool) bool {
	stays := in.stays(m, views)
	d, doubted := in.doubts[m]
	switch {
	case !comes:
		delete(in.doubts, m)
		return true
	case !doubted || d.stays != stays:
		in.doubts[m] = doubt{since: time.Now(), stays: stays, packets: packets}
	case packets > d.packets && decodable:
		in.doubts[m] = doubt{since: time.Now(), stays: stays, packets: packets, flowing: true}
		return true
	case time.Since(d.since) > soakPatience:
		in.fault(m.viewer, m.other, fmt.Sprintf("nothing more: %s %+v, after %d packets", m.what, m.source, packets))
	}
	return d.flowing && time.Since(d.since) < 2*time.Second
}

// ends keeps since when media comes that must not.
func (in *inspector) ends(m matter, views []sight, apart bool, packets int64) bool {
	stays := in.stays(m, views)
	d, doubted := in.doubts[m]
	switch {
	case !apart:
		delete(in.doubts, m)
		return true
	case !doubted || d.stays != stays:
		in.doubts[m] = doubt{since: time.Now(), stays: stays, packets: packets}
		return true
	case packets == d.packets:
		return true
	case time.Since(d.since) > soakPatience:
		in.fault(m.viewer, m.other, fmt.Sprintf("%s %+v", m.what, m.source))
	}
	d.packets = packets
	in.doubts[m] = d
	return true
}

// fault notes what is wrong with whom, and what they did before.
func (in *inspector) fault(viewer, other int, what string) {
	var out strings.Builder
	w := in.walkers[viewer]
	fmt.Fprintf(&out, "%s %s: %s", time.Now().Format("15:04:05.000"), w.name, what)
	if other >= 0 {
		fmt.Fprintf(&out, " (%s)", in.walkers[other].name)
	}
	for _, who := range []int{viewer, other} {
		if who >= 0 {
			w := in.walkers[who]
			fmt.Fprintf(&out, "\n%s wants %+v\ndid:\n  %s\nsees: %s", w.name, w.wants(),
				strings.Join(w.past(), "\n  "), describe(w.client.Snapshot()))
			for source, quality := range w.client.Snapshot().Quality {
				said, _ := json.Marshal(quality)
				fmt.Fprintf(&out, "  told of %+v: %s\n", source, said)
			}
		}
	}
	in.faults = append(in.faults, out.String())
}
