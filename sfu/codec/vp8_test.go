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
		"empty":               {nil, VP8{}, ErrShort},
		"no extension, inner": {[]byte{0x00, 1, 2, 3}, VP8{}, nil},
		"keyframe": {
			append([]byte{0x10}, keyframe...), VP8{Start: true, Keyframe: true, Width: 640, Height: 480}, nil,
		},
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
		"layer synchronization": {[]byte{0x90, 0x20, 0xa0, 0x01}, VP8{Start: true, HasTID: true, TID: 2, Sync: true}, nil},
		"ends in the flags":     {[]byte{0x80}, VP8{}, ErrShort},
		"ends in the id":        {[]byte{0x80, 0x80, 0x81}, VP8{}, ErrShort},
		"ends before tl0":       {[]byte{0x80, 0x40}, VP8{}, ErrShort},
		"ends before tid":       {[]byte{0x80, 0x20}, VP8{}, ErrShort},
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
