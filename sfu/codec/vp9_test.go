package codec

import (
	"bytes"
	"testing"
)

func TestParseVP9(t *testing.T) {
	for name, test := range map[string]struct {
		payload []byte
		want    VP9
		err     error
	}{
		"empty":   {nil, VP9{}, ErrShort},
		"nothing": {[]byte{0x00}, VP9{}, nil},
		"7-bit id": {
			[]byte{0x8c, 0x23}, VP9{HasPictureID: true, PictureID: 0x23, Begin: true, End: true}, nil,
		},
		"not flexible": {
			[]byte{0xe8, 0x81, 0x02, 0x53, 0x99},
			VP9{
				HasPictureID: true, LongPictureID: true, PictureID: 0x102, Predicted: true, Begin: true,
				TID: 2, SwitchUp: true, SID: 1, InterLayer: true, HasTL0PicIdx: true, TL0PicIdx: 0x99,
			}, nil,
		},
		"flexible": {
			[]byte{0xf4, 0x81, 0x02, 0x20, 0x03, 0x04},
			VP9{
				HasPictureID: true, LongPictureID: true, PictureID: 0x102, Predicted: true, End: true, Flexible: true,
				TID: 1, References: [3]uint8{1, 2}, ReferenceCount: 2,
			}, nil,
		},
		"ends in the id":              {[]byte{0x88}, VP9{}, ErrShort},
		"ends in the long id":         {[]byte{0x88, 0x80}, VP9{}, ErrShort},
		"ends before the layers":      {[]byte{0x28}, VP9{}, ErrShort},
		"ends before TL0":             {[]byte{0x28, 0x00}, VP9{}, ErrShort},
		"ends in the references":      {[]byte{0x50, 0x03}, VP9{}, ErrShort},
		"four references":             {[]byte{0x50, 0x03, 0x03, 0x03, 0x02}, VP9{}, ErrShort},
		"ends before the structure":   {[]byte{0x02}, VP9{}, ErrShort},
		"ends in the structure":       {[]byte{0x02, 0x10, 1, 2, 3}, VP9{}, ErrShort},
		"structure without the sizes": {[]byte{0x02, 0x00}, VP9{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := ParseVP9(test.payload)
			if err != test.err { //nolint:errorlint // it is returned as it is
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func FuzzVP9(f *testing.F) {
	f.Add([]byte{0xe8, 0x81, 0x02, 0x53, 0x99, 1})
	f.Add([]byte{0xf4, 0x81, 0x02, 0x20, 0x03, 0x04})
	// As Chromium begins a picture of two spatial layers.
	f.Add([]byte{0xbe, 0xae, 0x84, 0x10, 0x30, 0x14, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0x83, 0x49, 0x83, 0x42})
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, _, err := ParseVP9(payload)
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
		d.Put(same)
		if again, _, err := ParseVP9(same); err != nil || again != d {
			t.Fatalf("wrote %+v, read %+v, %v", d, again, err)
		}
	})
}
