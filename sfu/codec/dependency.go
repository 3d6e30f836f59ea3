package codec

import "errors"

// Limits of the dependency descriptor (AV1 RTP, appendix A).
const (
	MaxSpatial    = 4
	maxTemporal   = 8
	maxTemplates  = 64
	maxTargets    = 32
	mandatorySize = 3
	maxReferences = 8 // more than an encoder uses; of a frame with more, none is known
	maxChains     = 8 // likewise
)

// ErrStructure is returned for a packet whose template dependency structure is not known: the keyframe that brought it
// was lost, and another one is needed.
var ErrStructure = errors.New("unknown template dependency structure")

// Structure is a template dependency structure. It is never changed once it is made.
type Structure struct {
	Targets int // how many decode targets there are
	Chains  int
	Sizes   [MaxSpatial]Size // of the spatial layers, zero if not told

	id        uint8 // of the first template
	count     int   // of templates
	templates [maxTemplates]template
	chainOf   [maxTargets]uint8 // the chain that protects a decode target
	targets   [maxTargets]layers
	spatial   [MaxSpatial]uint32  // decode targets of no more than so many spatial layers, a bit each
	temporal  [maxTemporal]uint32 // likewise
}

type layers struct{ spatial, temporal uint8 }

// template is what frames are made after.
type template struct {
	layers
	dependencies
}

// dependencies is what a frame depends on, and who depends on it.
type dependencies struct {
	Present        uint32                // decode targets that it is part of, a bit each
	Switch         uint32                // decode targets that can be gone over to with it
	References     [maxReferences]uint16 // how many frames ago
	ReferenceCount uint8                 // above maxReferences: not known
	ChainDiffs     [maxChains]uint8      // how many frames ago the last of each chain was; 0: a chain begins
}

// Dependency is a dependency descriptor (AV1 RTP, appendix A).
type Dependency struct {
	Structure   *Structure // in force; nil if there is no descriptor
	Attached    bool       // the structure came with this packet
	FrameNumber uint16
	Active      uint32 // decode targets that the source sends, a bit each
	dependencies
}

// Within returns the decode targets that need no more than these layers, a bit each.
func (s *Structure) Within(spatial, temporal uint8) uint32 {
	return s.spatial[min(spatial, MaxSpatial-1)] & s.temporal[min(temporal, maxTemporal-1)]
}

// All returns all decode targets, a bit each.
func (s *Structure) All() uint32 { return uint32(1<<s.Targets - 1) }

// Target tells the highest layers of a decode target.
func (s *Structure) Target(target int) (spatial, temporal uint8) {
	return s.targets[target].spatial, s.targets[target].temporal
}

// Chain returns the chain that protects a decode target, false if there is none.
func (s *Structure) Chain(target int) (chain int, ok bool) {
	chain = int(s.chainOf[target])
	return chain, chain < s.Chains && chain < maxChains
}

// descriptors reads the dependency descriptors of one encoding.
type descriptors struct {
	current, former *Structure
	since           uint16     // frame number that current holds from
	scratch         *Structure // to read the next one into
	active          uint32
	newest          uint16 // frame number that active is of
}

// parse reads a descriptor.
func (d *descriptors) parse(data []byte, f *Frame) error {
	if len(data) < mandatorySize {
		return ErrShort
	}
	b := bits{data: data}
	f.First, f.Last = b.flag(), b.flag()
	id := uint8(b.read(6))
	number := uint16(b.read(16))
	f.Dependency.FrameNumber = number
	var extended struct{ structure, active, dtis, fdiffs, chains bool }
	if len(data) > mandatorySize {
		extended.structure, extended.active = b.flag(), b.flag()
		extended.dtis, extended.fdiffs, extended.chains = b.flag(), b.flag(), b.flag()
	}
	structure := d.find(number)
	if extended.structure {
		var err error
		if structure, err = d.attached(&b, number); err != nil {
			return err
		}
	}
	if structure == nil {
		return ErrStructure
	}
	index := (id - structure.id) % maxTemplates
	if int(index) >= structure.count {
		return ErrStructure
	}
	active := structure.All()
	if extended.active {
		active = b.read(structure.Targets)
	}
	of := &structure.templates[index]
	f.Spatial, f.Temporal = of.spatial, of.temporal
	f.Dependency.dependencies = of.dependencies
	if extended.dtis {
		f.Dependency.Present, f.Dependency.Switch = readIndications(&b, structure.Targets)
	}
	if extended.fdiffs {
		f.Dependency.readReferences(&b)
	}
	if extended.chains {
		f.Dependency.readChains(&b, structure.Chains, 8)
	}
	if b.over {
		return ErrShort
	}
	if structure == d.current {
		if extended.structure || extended.active {
			d.keepActive(active, number)
		} else {
			active = d.active
		}
	}
	f.Dependency.Structure, f.Dependency.Attached, f.Dependency.Active = structure, extended.structure, active
	f.Keyframe = f.First && extended.structure && f.Dependency.ReferenceCount == 0
	return nil
}

// find returns the structure that a frame was made by, nil if it is not known.
func (d *descriptors) find(number uint16) *Structure {
	if d.current == nil {
		return nil
	}
	age := int16(number - d.since) // the wraparound is the point
	if age < 0 {
		return d.former
	}
	if age > 1<<14 { // keep clear of the wraparound
		d.since, d.former = number-1<<13, nil
	}
	return d.current
}

// attached reads a structure that came with a frame, and puts it in force if it is news.
func (d *descriptors) attached(b *bits, number uint16) (*Structure, error) {
	if d.scratch == nil {
		d.scratch = new(Structure)
	}
	*d.scratch = Structure{}
	if !d.scratch.read(b) || b.over {
		return nil, ErrStructure
	}
	switch age := int16(number - d.since); {
	case d.current != nil && age == 0 && *d.current == *d.scratch:
		return d.current, nil // another packet of the same frame
	case d.current != nil && age < 0 && age > -1<<10: // late
		if d.former == nil || *d.former != *d.scratch {
			d.former, d.scratch = d.scratch, nil
		}
		return d.former, nil
	}
	d.former, d.current, d.since = d.current, d.scratch, number
	d.scratch = nil
	return d.current, nil
}

// keepActive remembers which decode targets are active, until it is told anew.
func (d *descriptors) keepActive(active uint32, number uint16) {
	if number == d.since || int16(number-d.newest) >= 0 {
		d.active, d.newest = active, number
	}
}

func (s *Structure) read(b *bits) bool {
	s.id = uint8(b.read(6))
	s.Targets = int(b.read(5)) + 1
	if !s.readLayers(b) {
		return false
	}
	for i := range s.count {
		s.templates[i].Present, s.templates[i].Switch = readIndications(b, s.Targets)
	}
	for i := range s.count {
		s.templates[i].readTemplateReferences(b)
	}
	s.readChains(b)
	if b.flag() {
		for i := range int(s.templates[s.count-1].spatial) + 1 {
			s.Sizes[i] = Size{uint16(b.read(16) + 1), uint16(b.read(16) + 1)}
		}
	}
	s.summarize()
	return true
}

// readLayers reads which layer each template is of; they come in order.
func (s *Structure) readLayers(b *bits) bool {
	var of layers
	for s.count < maxTemplates {
		s.templates[s.count].layers = of
		s.count++
		switch b.read(2) {
		case 1:
			of.temporal++
		case 2:
			of.temporal, of.spatial = 0, of.spatial+1
		case 3:
			return true
		}
		if of.temporal >= maxTemporal || of.spatial >= MaxSpatial || b.over {
			return false
		}
	}
	return false
}

// readIndications reads for each decode target what a frame is to it: nothing, discardable, a switching point, or
// required.
func readIndications(b *bits, targets int) (present, switching uint32) {
	for i := range targets {
		indication := b.read(2)
		if indication != 0 {
			present |= 1 << i
		}
		if indication == 2 {
			switching |= 1 << i
		}
	}
	return present, switching
}

func (d *dependencies) readTemplateReferences(b *bits) {
	for b.flag() {
		d.addReference(uint16(b.read(4) + 1))
	}
}

func (d *dependencies) readReferences(b *bits) {
	d.ReferenceCount = 0
	d.References = [maxReferences]uint16{}
	for size := b.read(2); size != 0; size = b.read(2) {
		d.addReference(uint16(b.read(int(4*size)) + 1))
	}
}

func (d *dependencies) addReference(diff uint16) {
	if d.ReferenceCount < maxReferences {
		d.References[d.ReferenceCount] = diff
	}
	d.ReferenceCount = min(d.ReferenceCount+1, maxReferences+1)
}

func (d *dependencies) readChains(b *bits, chains, width int) {
	for i := range chains {
		if diff := b.read(width); i < maxChains {
			d.ChainDiffs[i] = uint8(diff)
		}
	}
}

func (s *Structure) readChains(b *bits) {
	s.Chains = int(b.nonSymmetric(uint32(s.Targets) + 1))
	if s.Chains == 0 {
		return
	}
	for i := range s.Targets {
		s.chainOf[i] = uint8(b.nonSymmetric(uint32(s.Chains)))
	}
	for i := range s.count {
		s.templates[i].readChains(b, s.Chains, 4)
	}
}

// summarize finds the layers of each decode target: the highest of the frames that are part of it.
func (s *Structure) summarize() {
	for target := range s.Targets {
		of := &s.targets[target]
		for i := range s.count {
			if t := &s.templates[i]; t.Present&(1<<target) != 0 {
				of.spatial, of.temporal = max(of.spatial, t.spatial), max(of.temporal, t.temporal)
			}
		}
		for i := int(of.spatial); i < MaxSpatial; i++ {
			s.spatial[i] |= 1 << target
		}
		for i := int(of.temporal); i < maxTemporal; i++ {
			s.temporal[i] |= 1 << target
		}
	}
}

// PutDependency writes the descriptor original into room with another frame number and, unless targets is 0, with
// active as its active decode targets, of which there are targets. It returns its length, 0 if original is no
// descriptor or room too small.
func PutDependency(original, room []byte, number uint16, active uint32, targets int) int {
	if len(original) < mandatorySize || len(room) < len(original) {
		return 0
	}
	if targets == 0 {
		copy(room, original)
		room[1], room[2] = byte(number>>8), byte(number)
		return len(original)
	}
	room = room[:min(len(room), len(original)+5)] // five flags and 32 decode targets at most are added
	clear(room)
	b, w := bits{data: original}, bitWriter{data: room}
	w.copyBits(&b, 8)
	b.skip(16)
	w.write(uint32(number), 16)
	if len(original) == mandatorySize {
		w.write(0b01000, 5)
		w.write(active, targets)
	} else {
		flags := b.read(5)
		w.write(flags|0b01000, 5)
		if flags&0b10000 != 0 {
			from := b
			var structure Structure
			if !structure.read(&b) || structure.Targets != targets {
				return 0
			}
			w.copyBits(&from, b.at-from.at)
		}
		if flags&0b01000 != 0 {
			b.skip(targets)
		}
		w.write(active, targets)
		w.copyBits(&b, b.left())
	}
	if b.over || w.over {
		return 0
	}
	return (w.at + 7) / 8
}
