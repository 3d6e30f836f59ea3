package codec

// maxVP9References is how many references a picture may have (RFC 9628, 4.2).
const maxVP9References = 3

// VP9 is a VP9 payload descriptor (RFC 9628, 4.2).
type VP9 struct {
	HasPictureID  bool
	LongPictureID bool // 15 bits, else 7
	HasTL0PicIdx  bool
	Flexible      bool // F: References are told, else they follow from the scalability structure
	Predicted     bool // P: from earlier pictures
	InterLayer    bool // D: from the layer below in the same picture
	Begin, End    bool // B, E: of the frame of its layer
	SwitchUp      bool // U

	PictureID      uint16
	TL0PicIdx      uint8
	TID, SID       uint8
	References     [maxVP9References]uint8 // P_DIFF: how many pictures ago
	ReferenceCount uint8
}

// ParseVP9 reads the descriptor at the start of an RTP payload, and from its scalability structure, if there is one,
// the sizes of the spatial layers.
func ParseVP9(payload []byte) (VP9, [MaxSpatial]Size, error) {
	var d VP9
	var sizes [MaxSpatial]Size
	if len(payload) < 1 {
		return d, sizes, ErrShort
	}
	first, at := payload[0], 1
	d.Predicted, d.Flexible = first&0x40 != 0, first&0x10 != 0
	d.Begin, d.End = first&0x08 != 0, first&0x04 != 0
	var ok bool
	if first&0x80 != 0 { // I
		if at, ok = d.parsePictureID(payload, at); !ok {
			return VP9{}, sizes, ErrShort
		}
	}
	if first&0x20 != 0 { // L
		if at, ok = d.parseLayers(payload, at); !ok {
			return VP9{}, sizes, ErrShort
		}
	}
	if d.Predicted && d.Flexible {
		if at, ok = d.parseReferences(payload, at); !ok {
			return VP9{}, sizes, ErrShort
		}
	}
	if first&0x02 != 0 && !parseVP9Sizes(payload[at:], &sizes) { // V
		return VP9{}, sizes, ErrShort
	}
	return d, sizes, nil
}

func (d *VP9) parsePictureID(payload []byte, at int) (int, bool) {
	if len(payload) <= at {
		return 0, false
	}
	d.HasPictureID = true
	d.PictureID = uint16(payload[at] & 0x7f)
	if payload[at]&0x80 != 0 { // M
		at++
		if len(payload) <= at {
			return 0, false
		}
		d.LongPictureID = true
		d.PictureID = d.PictureID<<8 | uint16(payload[at])
	}
	return at + 1, true
}

func (d *VP9) parseLayers(payload []byte, at int) (int, bool) {
	if len(payload) <= at {
		return 0, false
	}
	layers := payload[at]
	d.TID, d.SwitchUp = layers>>5, layers&0x10 != 0
	d.SID, d.InterLayer = layers>>1&0x07, layers&0x01 != 0
	at++
	if d.Flexible {
		return at, true
	}
	if len(payload) <= at {
		return 0, false
	}
	d.HasTL0PicIdx, d.TL0PicIdx = true, payload[at]
	return at + 1, true
}

func (d *VP9) parseReferences(payload []byte, at int) (int, bool) {
	for more := true; more; at++ {
		if len(payload) <= at || d.ReferenceCount == maxVP9References {
			return 0, false
		}
		d.References[d.ReferenceCount], more = payload[at]>>1, payload[at]&0x01 != 0
		d.ReferenceCount++
	}
	return at, true
}

// parseVP9Sizes reads a scalability structure as far as it tells sizes.
func parseVP9Sizes(structure []byte, sizes *[MaxSpatial]Size) bool {
	if len(structure) < 1 {
		return false
	}
	layers, at := int(structure[0]>>5)+1, 1
	if structure[0]&0x10 == 0 { // Y
		return true
	}
	if len(structure) < at+4*layers {
		return false
	}
	for i := range min(layers, MaxSpatial) {
		entry := structure[at+4*i:]
		sizes[i] = Size{uint16(entry[0])<<8 | uint16(entry[1]), uint16(entry[2])<<8 | uint16(entry[3])}
	}
	return true
}

// Put writes the counters of d into payload: a copy of the one that d was read from, or one of the same layout.
func (d *VP9) Put(payload []byte) {
	at := 1
	if d.HasPictureID {
		if d.LongPictureID {
			payload[at] = 0x80 | byte(d.PictureID>>8)
			payload[at+1] = byte(d.PictureID)
			at++
		} else {
			payload[at] = byte(d.PictureID & 0x7f)
		}
		at++
	}
	if d.HasTL0PicIdx {
		payload[at+1] = d.TL0PicIdx
	}
}
