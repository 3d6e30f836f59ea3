package rewrite

import (
	"testing"

	"parley/sfu/codec"
)

func TestTimestamp(t *testing.T) {
	var ts Timestamp
	ts.Switch(1000, 0)
	for in, want := range map[uint32]uint32{1000: 1000, 4000: 4000, 2500: 2500} {
		if got := ts.Next(in); got != want {
			t.Errorf("Next(%d) = %d, want %d", in, got, want)
		}
	}
	ts.Next(4000)
	ts.Switch(9_000_000, 3000) // 1/30 s later on another clock
	if got := ts.Next(9_000_000); got != 7000 {
		t.Errorf("after a switch: %d, want 7000", got)
	}
	ts.Switch(5, 0) // no time has passed, yet it moves on
	if got := ts.Next(5); got != 7001 {
		t.Errorf("after a switch at once: %d, want 7001", got)
	}
	ts.Switch(0xffff_fff0, 16)
	if got := ts.Next(0x10); got != 7049 {
		t.Errorf("across the wraparound: %d, want 7049", got)
	}
}

func TestVP8(t *testing.T) {
	descriptor := func(id uint16, tl0, key uint8) codec.VP8 {
		return codec.VP8{
			HasPictureID: true, LongPictureID: true, HasTL0PicIdx: true, HasKeyIdx: true,
			PictureID: id, TL0PicIdx: tl0, KeyIdx: key,
		}
	}
	var v VP8
	first := descriptor(0x7ffe, 250, 30)
	v.Switch(first)
	if got := v.Next(first); got != first {
		t.Errorf("the first source is changed: %+v", got)
	}
	v.Next(descriptor(0x7fff, 251, 31))
	v.Switch(descriptor(77, 3, 5))
	for _, test := range []struct{ in, want codec.VP8 }{
		{descriptor(77, 3, 5), descriptor(0, 252, 0)},
		{descriptor(78, 4, 5), descriptor(1, 253, 0)},
		{descriptor(77, 3, 5), descriptor(0, 252, 0)}, // late
	} {
		if got := v.Next(test.in); got != test.want {
			t.Errorf("Next(%+v) = %+v, want %+v", test.in, got, test.want)
		}
	}
	short := codec.VP8{HasPictureID: true, PictureID: 5}
	if got := v.Next(short); got.PictureID > 0x7f || got.HasTL0PicIdx {
		t.Errorf("a 7-bit id became %+v", got)
	}
}
