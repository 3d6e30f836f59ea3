package codec

import (
	"bytes"
	"testing"
)

func TestParseVP8(t *testing.T) {
	keyframe := []byte{0x00, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0xe0, 0x01, 0xff} // 640 (scaled) x 480
	for name, test := range map[string]struct {
		payload []byte
		want    VP8
		err     error
	}{
		"empty":                {nil, VP8{}, ErrShort},
		"no extension, inner":  {[]byte{0x00, 1, 2, 3}, VP8{}, nil},
		"keyframe":             {append([]byte{0x10}, keyframe...), VP8{Start: true, Keyframe: true, Width: 640, Height: 480}, nil},
		"keyframe, cut header": {[]byte{0x10, 0x00}, VP8{Start: true, Keyframe: true}, nil},
		"second partition":     {append([]byte{0x11}, keyframe...), VP8{}, nil},
		"inter frame":          {[]byte{0x10, 0x01}, VP8{Start: true}, nil},
		"7-bit id": {
			[]byte{0x90, 0x80, 0x23, 0x01},
			VP8{Start: true, HasPictureID: true, PictureID: 0x23, pictureIDAt: 2}, nil,
		},
		"all fields": {
			[]byte{0x80, 0xf0, 0x81, 0x02, 0x99, 0x45},
			VP8{
				HasPictureID: true, LongPictureID: true, PictureID: 0x102, pictureIDAt: 2,
				HasTL0PicIdx: true, TL0PicIdx: 0x99, tl0PicIdxAt: 4,
				HasTID: true, TID: 1, HasKeyIdx: true, KeyIdx: 5, keyIdxAt: 5,
			}, nil,
		},
		"ends in the flags": {[]byte{0x80}, VP8{}, ErrShort},
		"ends in the id":    {[]byte{0x80, 0x80, 0x81}, VP8{}, ErrShort},
		"ends before tl0":   {[]byte{0x80, 0x40}, VP8{}, ErrShort},
		"ends before tid":   {[]byte{0x80, 0x20}, VP8{}, ErrShort},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseVP8(test.payload)
			if err != test.err { //nolint:errorlint // it is returned as it is
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestStartsKeyframe(t *testing.T) {
	for name, test := range map[string]struct {
		mimeType string
		payload  []byte
		want     bool
	}{
		"audio":                       {"audio/opus", []byte{1}, true},
		"VP8, any case":               {"video/vp8", []byte{0x10, 0x00}, true},
		"VP8 inter":                   {"video/VP8", []byte{0x10, 0x01}, false},
		"VP9 key":                     {"video/VP9", []byte{0x08}, true},
		"VP9 key with id":             {"video/VP9", []byte{0x88, 0x81, 0x02}, true},
		"VP9 inter":                   {"video/VP9", []byte{0x48}, false},
		"VP9 not a beginning":         {"video/VP9", []byte{0x00}, false},
		"VP9 key, base layer":         {"video/VP9", []byte{0xa8, 0x05, 0x00, 0x00}, true},
		"VP9 key, upper layer":        {"video/VP9", []byte{0xa8, 0x05, 0x02, 0x00}, false},
		"VP9 ends in the id":          {"video/VP9", []byte{0x88}, false},
		"VP9 empty":                   {"video/VP9", nil, false},
		"H264 IDR":                    {"video/H264", []byte{0x65, 1}, true},
		"H264 SPS alone":              {"video/H264", []byte{0x67, 1}, false},
		"H264 STAP-A of SPS and PPS":  {"video/H264", []byte{0x78, 0, 2, 0x67, 1, 0, 1, 0x68}, false},
		"H264 STAP-A with an IDR":     {"video/H264", []byte{0x78, 0, 2, 0x67, 1, 0, 1, 0x65}, true},
		"H264 STAP-A that lies":       {"video/H264", []byte{0x78, 0xff, 0xff, 0x67}, false},
		"H264 FU-A, start of an IDR":  {"video/H264", []byte{0x7c, 0x85}, true},
		"H264 FU-A, middle of an IDR": {"video/H264", []byte{0x7c, 0x05}, false},
		"H264 FU-A, cut":              {"video/H264", []byte{0x7c}, false},
		"AV1 new sequence":            {"video/AV1", []byte{0x18}, true},
		"AV1 inter":                   {"video/AV1", []byte{0x10}, false},
		"AV1 empty":                   {"video/AV1", nil, false},
	} {
		if got := StartsKeyframe(test.mimeType, test.payload); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestIsParameterSet(t *testing.T) {
	for name, test := range map[string]struct {
		payload []byte
		want    bool
	}{
		"SPS": {[]byte{0x67}, true}, "PPS": {[]byte{0x68}, true}, "IDR": {[]byte{0x65}, false},
		"STAP-A": {[]byte{0x78, 0, 1, 0x67}, true}, "STAP-A of slices": {[]byte{0x78, 0, 1, 0x61}, false},
		"empty": {nil, false}, "cut STAP-A": {[]byte{0x78, 0}, false},
	} {
		if got := IsParameterSet("video/H264", test.payload); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if IsParameterSet("video/VP8", []byte{0x67}) {
		t.Error("VP8 has no parameter sets")
	}
}

func FuzzVP8(f *testing.F) {
	f.Add([]byte{0x80, 0xf0, 0x81, 0x02, 0x99, 0x45, 0, 0})
	f.Add([]byte{0x10, 0x00, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01})
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, err := ParseVP8(payload)
		if err != nil {
			return
		}
		same := bytes.Clone(payload)
		d.Put(same)
		if !bytes.Equal(same, payload) {
			t.Fatalf("putting back what was read changed %x into %x", payload, same)
		}
		if d.HasPictureID {
			d.PictureID ^= 0x55
		}
		if d.HasTL0PicIdx {
			d.TL0PicIdx ^= 0xff
		}
		if d.HasKeyIdx {
			d.KeyIdx ^= 0x0a
		}
		d.Put(same)
		if again, err := ParseVP8(same); err != nil || again != d {
			t.Fatalf("wrote %+v, read %+v, %v", d, again, err)
		}
	})
}

func FuzzStartsKeyframe(f *testing.F) {
	f.Add([]byte{0x78, 0, 2, 0x67, 1, 0, 1, 0x65})
	f.Add([]byte{0xa8, 0x05, 0x00, 0x00})
	f.Fuzz(func(_ *testing.T, payload []byte) {
		for _, mimeType := range []string{"video/VP8", "video/VP9", "video/H264", "video/AV1", "audio/opus"} {
			StartsKeyframe(mimeType, payload)
			IsParameterSet(mimeType, payload)
		}
	})
}
