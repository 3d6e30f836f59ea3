package codec

import "testing"

func TestKindOf(t *testing.T) {
	for mimeType, want := range map[string]Kind{
		"video/VP8": KindVP8, "video/vp9": KindVP9, "video/H264": KindH264, "VIDEO/AV1": KindAV1, "audio/opus": KindOpus,
		"audio/PCMU": KindOpus, "video/H265": KindOther, "": KindOther,
	} {
		if got := KindOf(mimeType); got != want {
			t.Errorf("%s: %v, want %v", mimeType, got, want)
		}
	}
}

func TestKeyframe(t *testing.T) {
	for name, test := range map[string]struct {
		kind    Kind
		payload []byte
		want    bool
	}{
		"audio":                       {KindOpus, []byte{1}, true},
		"unknown":                     {KindOther, []byte{1}, true},
		"VP8":                         {KindVP8, []byte{0x10, 0x00}, true},
		"VP8 inter":                   {KindVP8, []byte{0x10, 0x01}, false},
		"VP9 key":                     {KindVP9, []byte{0x08}, true},
		"VP9 key with id":             {KindVP9, []byte{0x88, 0x81, 0x02}, true},
		"VP9 inter":                   {KindVP9, []byte{0x48}, false},
		"VP9 not a beginning":         {KindVP9, []byte{0x00}, false},
		"VP9 key, base layer":         {KindVP9, []byte{0xa8, 0x05, 0x00, 0x00}, true},
		"VP9 key, upper layer":        {KindVP9, []byte{0xa8, 0x05, 0x03, 0x00}, false},
		"VP9 key, lowest of what is":  {KindVP9, []byte{0xa8, 0x05, 0x02, 0x00}, true},
		"H264 IDR":                    {KindH264, []byte{0x65, 0x88}, true},
		"H264 IDR, a later slice":     {KindH264, []byte{0x65, 0x48}, false},
		"H264 IDR of nothing":         {KindH264, []byte{0x65}, false},
		"H264 other slice":            {KindH264, []byte{0x61, 0x88}, false},
		"H264 SPS alone":              {KindH264, []byte{0x67, 1}, false},
		"H264 STAP-A of SPS and PPS":  {KindH264, []byte{0x78, 0, 2, 0x67, 1, 0, 1, 0x68}, false},
		"H264 STAP-A with an IDR":     {KindH264, []byte{0x78, 0, 2, 0x67, 1, 0, 2, 0x65, 0x88}, true},
		"H264 STAP-A, both slices":    {KindH264, []byte{0x78, 0, 2, 0x65, 0x88, 0, 2, 0x65, 0x48}, true},
		"H264 STAP-A, a later slice":  {KindH264, []byte{0x78, 0, 2, 0x65, 0x48}, false},
		"H264 STAP-A that lies":       {KindH264, []byte{0x78, 0xff, 0xff, 0x67}, false},
		"H264 STAP-A of nothing":      {KindH264, []byte{0x78, 0, 0, 0, 0, 0, 0}, false},
		"H264 FU-A, start of an IDR":  {KindH264, []byte{0x7c, 0x85, 0x88}, true},
		"H264 FU-A, a later slice":    {KindH264, []byte{0x7c, 0x85, 0x48}, false},
		"H264 FU-A of nothing":        {KindH264, []byte{0x7c, 0x85}, false},
		"H264 FU-A, middle of an IDR": {KindH264, []byte{0x7c, 0x05, 0x88}, false},
		"H264 FU-A, cut":              {KindH264, []byte{0x7c}, false},
		"AV1 new sequence":            {KindAV1, []byte{0x18}, true},
		"AV1 inter":                   {KindAV1, []byte{0x10}, false},
	} {
		p := Parser{Kind: test.kind}
		f, err := p.Parse(test.payload, nil, false)
		if err != nil || f.Keyframe != test.want {
			t.Errorf("%s: %v, %v, want %v", name, f.Keyframe, err, test.want)
		}
	}
}

func TestEmptyPayload(t *testing.T) {
	for kind := KindOther; kind <= KindAV1; kind++ {
		p := Parser{Kind: kind}
		if _, err := p.Parse(nil, nil, true); err != ErrShort { //nolint:errorlint // it is returned as it is
			t.Errorf("%d: %v", kind, err)
		}
	}
}

func TestParameterSet(t *testing.T) {
	for name, test := range map[string]struct {
		payload []byte
		want    bool
	}{
		"SPS": {[]byte{0x67}, true}, "PPS": {[]byte{0x68}, true}, "IDR": {[]byte{0x65, 0x88}, false},
		"SEI": {[]byte{0x06, 5}, true}, "delimiter": {[]byte{0x09, 0xf0}, true},
		"slice":  {[]byte{0x61, 0x88}, false},
		"prefix": {[]byte{0x6e, 0}, true}, "end of the sequence": {[]byte{0x0a}, false}, "filler": {[]byte{0x0c}, false},
		"later slice of an IDR": {[]byte{0x65, 0x48}, false},
		"fragment of a SEI":     {[]byte{0x1c, 0x06, 1}, true}, "fragment of a slice": {[]byte{0x7c, 0x01, 1}, false},
		"STAP-A of a delimiter and a slice": {[]byte{0x78, 0, 2, 0x09, 0xf0, 0, 2, 0x61, 0x88}, false},
		"STAP-A":                            {[]byte{0x78, 0, 1, 0x67}, true},
		"STAP-A of slices":                  {[]byte{0x78, 0, 1, 0x61}, false},
		"STAP-A with its IDR":               {[]byte{0x78, 0, 1, 0x67, 0, 2, 0x65, 0x88}, false},
		"after a delimiter":                 {[]byte{0x78, 0, 2, 0x09, 0xf0, 0, 1, 0x67}, true},
		"cut STAP-A":                        {[]byte{0x78, 0}, false},
	} {
		p := Parser{Kind: KindH264}
		if f, err := p.Parse(test.payload, nil, false); err != nil || f.ParameterSet != test.want {
			t.Errorf("%s: %v, %v, want %v", name, f.ParameterSet, err, test.want)
		}
	}
}

// TestSizes has the beginnings of keyframes as browsers send them.
func TestSizes(t *testing.T) {
	for name, test := range map[string]struct {
		kind    Kind
		payload []byte
		want    []Size
	}{
		// 42 c0 1f: constrained baseline, 3.1; 640x360 is 40 by 23 macroblocks, of which 8 lines are cropped.
		"H264 baseline": {
			KindH264, []byte{0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb3, 0xc2, 0x21, 0x1a, 0x80},
			[]Size{{640, 360}},
		},
		"AV1 after the length": {
			KindAV1, append([]byte{0x28, 10}, av1Header(0x0a, 640, 360)...), []Size{{640, 360}},
		},
		"AV1, one unit": {KindAV1, append([]byte{0x18}, av1Header(0x08, 1280, 720)...), []Size{{1280, 720}}},
		"AV1, no header": {
			KindAV1, []byte{0x18, 0x32, 1, 2, 3}, nil,
		},
		"VP9": {
			KindVP9, []byte{0x8a, 0x05, 0x30, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0},
			[]Size{{320, 180}, {640, 360}},
		},
		"VP9, cut":      {KindVP9, []byte{0x8a, 0x05, 0x30, 0x01, 0x40, 0x00, 0xb4, 0x02}, nil},
		"VP9, no sizes": {KindVP9, []byte{0x8a, 0x05, 0x08, 0x01}, nil},
	} {
		p := Parser{Kind: test.kind}
		f, _ := p.Parse(test.payload, nil, false)
		var want [MaxSpatial]Size
		copy(want[:], test.want)
		if f.Sizes != want {
			t.Errorf("%s: %v, want %v", name, f.Sizes, want)
		}
		largest := Size{}
		if len(test.want) > 0 {
			largest = test.want[len(test.want)-1]
		}
		if (Size{f.Width, f.Height}) != largest {
			t.Errorf("%s: %dx%d", name, f.Width, f.Height)
		}
	}
}

// av1Header makes an OBU with a sequence header.
func av1Header(first byte, width, height int) []byte {
	w := &writer{}
	w.put(0, 3+1+1+1+1) // profile 0, no reduced header, no timing, no delays
	w.put(0, 5)         // one operating point
	w.put(0, 12)
	w.put(8, 5) // level, with a tier
	w.put(0, 1)
	w.put(10, 4)
	w.put(9, 4)
	w.put(width-1, 11)
	w.put(height-1, 10)
	if first&0x02 != 0 {
		return append([]byte{first, byte(len(w.bytes))}, w.bytes...)
	}
	return append([]byte{first}, w.bytes...)
}

// writer writes bits one by one.
type writer struct {
	bytes []byte
	count int
}

func (w *writer) put(value, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.count%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		if value>>i&1 != 0 {
			w.bytes[w.count/8] |= 0x80 >> (w.count % 8)
		}
		w.count++
	}
}

func FuzzParse(f *testing.F) {
	f.Add(uint8(KindH264), []byte{0x78, 0, 2, 0x67, 1, 0, 2, 0x65, 0x88}, []byte{})
	f.Add(uint8(KindH264),
		[]byte{0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb3, 0xc2, 0x21, 0x1a, 0x80}, []byte{})
	f.Add(uint8(KindH264), []byte{0x67, 100, 0, 31, 0xac, 0xb4, 0x05, 0xa1, 0xed, 0xff, 0xff, 0xff}, []byte{})
	f.Add(uint8(KindVP9), []byte{0xa8, 0x05, 0x00, 0x00}, []byte{})
	f.Add(uint8(KindVP8), []byte{0x80, 0xf0, 0x81, 0x02, 0x99, 0x45, 0, 0}, []byte{})
	f.Add(uint8(KindAV1), append([]byte{0x18}, av1Header(0x08, 1280, 720)...), []byte{})
	f.Add(uint8(KindAV1), []byte{0x10}, captured[0])
	f.Fuzz(func(t *testing.T, kind uint8, payload, dependency []byte) {
		p := Parser{Kind: Kind(kind) % (KindAV1 + 1)}
		for range 2 {
			frame, err := p.Parse(payload, dependency, true)
			if err == nil && (frame.Width == 0) != (frame.Height == 0) && p.Kind != KindVP8 && p.Kind != KindVP9 {
				t.Fatalf("%d by %d", frame.Width, frame.Height)
			}
		}
	})
}
