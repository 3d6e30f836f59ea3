package wire

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/pion/rtp"
)

// fixed is a header without CSRC and extension, but with the given first byte.
func fixed(first byte, rest ...byte) []byte {
	return append([]byte{first, 0x80 | 111, 0xff, 0xfe, 1, 2, 3, 4, 0xde, 0xad, 0xbe, 0xef}, rest...)
}

func TestParseHeader(t *testing.T) {
	want := func(change func(*Header)) Header {
		h := Header{
			Marker: true, PayloadType: 111, Sequence: 0xfffe, Timestamp: 0x01020304, SSRC: 0xdeadbeef, Size: 12,
		}
		if change != nil {
			change(&h)
		}
		return h
	}
	csrc := make([]byte, 15*4)
	for name, test := range map[string]struct {
		packet []byte
		want   Header
		bad    bool
	}{
		"plain":            {packet: fixed(0x80), want: want(nil)},
		"with payload":     {packet: fixed(0x80, 1, 2, 3), want: want(nil)},
		"padding":          {packet: fixed(0xa0, 1), want: want(func(h *Header) { h.Padding = true })},
		"15 CSRC":          {packet: fixed(0x8f, csrc...), want: want(func(h *Header) { h.Size = 72 })},
		"15 CSRC, cut":     {packet: fixed(0x8f, csrc[1:]...), bad: true},
		"CSRC without any": {packet: fixed(0x81), bad: true},
		"extension, empty": {packet: fixed(0x90, 0xbe, 0xde, 0, 0), want: want(func(h *Header) {
			h.Size, h.Extensions = 16, Extensions{oneByteForm, []byte{}}
		})},
		"extension after CSRC": {
			packet: fixed(0x91, 9, 9, 9, 9, 0x10, 0, 0, 1, 1, 0, 0, 0),
			want: want(func(h *Header) {
				h.Size, h.Extensions = 24, Extensions{twoByteForm, []byte{1, 0, 0, 0}}
			}),
		},
		"extension's head cut":      {packet: fixed(0x90, 0xbe, 0xde, 0), bad: true},
		"extension beyond the end":  {packet: fixed(0x90, 0xbe, 0xde, 0, 1, 0, 0, 0), bad: true},
		"extension of 256 kB":       {packet: fixed(0x90, 0xbe, 0xde, 0xff, 0xff, 0, 0, 0), bad: true},
		"extension where CSRC ends": {packet: fixed(0x91, 9, 9, 9, 9), bad: true},
		"empty":                     {bad: true},
		"one byte short":            {packet: fixed(0x80)[:11], bad: true},
		"version 1":                 {packet: fixed(0x40), bad: true},
		"version 3":                 {packet: fixed(0xc0), bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseHeader(test.packet)
			if test.bad {
				if !errors.Is(err, ErrHeader) {
					t.Fatalf("error %v, want %v", err, ErrHeader)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			same := got.Extensions.profile == test.want.Extensions.profile &&
				bytes.Equal(got.Extensions.elements, test.want.Extensions.elements)
			got.Extensions, test.want.Extensions = Extensions{}, Extensions{}
			if !same || got.Size != test.want.Size || !equal(got, test.want) {
				t.Errorf("got %+v, want %+v, the same extensions: %v", got, test.want, same)
			}
		})
	}
}

// equal compares what is not a slice.
func equal(a, b Header) bool {
	return a.Marker == b.Marker && a.Padding == b.Padding && a.PayloadType == b.PayloadType &&
		a.Sequence == b.Sequence && a.Timestamp == b.Timestamp && a.SSRC == b.SSRC && a.Size == b.Size
}

func TestPayload(t *testing.T) {
	for name, test := range map[string]struct {
		packet []byte
		want   []byte
		err    error
	}{
		"none":                   {packet: fixed(0x80), want: []byte{}},
		"without padding":        {packet: fixed(0x80, 1, 2, 0), want: []byte{1, 2, 0}},
		"one byte of padding":    {packet: fixed(0xa0, 1, 2, 1), want: []byte{1, 2}},
		"nothing but padding":    {packet: fixed(0xa0, 0, 0, 3), want: []byte{}},
		"count of zero":          {packet: fixed(0xa0, 1, 2, 0), err: ErrPadding},
		"one more than there is": {packet: fixed(0xa0, 1, 2, 4), err: ErrPadding},
		"count of 255":           {packet: fixed(0xa0, 1, 2, 255), err: ErrPadding},
		"padding of nothing":     {packet: fixed(0xa0), err: ErrPadding},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := ParseHeader(test.packet)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Payload(h, test.packet)
			if !errors.Is(err, test.err) || !bytes.Equal(got, test.want) || (got == nil) != (test.err != nil) {
				t.Errorf("got %v, %v, want %v, %v", got, err, test.want, test.err)
			}
			if got != nil && cap(got) != len(got) {
				t.Errorf("what is appended to the payload would overwrite %d bytes behind it", cap(got)-len(got))
			}
		})
	}
	if _, err := Payload(Header{Size: 13}, fixed(0x80)); !errors.Is(err, ErrHeader) {
		t.Errorf("a packet shorter than its header gives %v, want %v", err, ErrHeader)
	}
}

func TestIsRTCP(t *testing.T) {
	for second := range 256 {
		want := second >= 192 && second <= 223
		if got := IsRTCP([]byte{0x80, byte(second)}); got != want {
			t.Errorf("second byte %d: %v, want %v", second, got, want)
		}
	}
	if IsRTCP(nil) || IsRTCP([]byte{0x80}) {
		t.Error("a packet without a second byte is RTCP")
	}
}

func TestExtensionsGet(t *testing.T) {
	const absent = "absent"
	for name, test := range map[string]struct {
		profile  uint16
		elements []byte
		id       uint8
		want     string
	}{
		"first":                             {oneByteForm, []byte{0x31, 'a', 'b', 0x50, 'c', 0, 0, 0}, 3, "ab"},
		"second":                            {oneByteForm, []byte{0x31, 'a', 'b', 0x50, 'c', 0, 0, 0}, 5, "c"},
		"after padding":                     {oneByteForm, []byte{0, 0, 0, 0x50, 'c', 0, 0, 0}, 5, "c"},
		"16 bytes":                          {oneByteForm, []byte("\xef0123456789abcdef"), 14, "0123456789abcdef"},
		"not there":                         {oneByteForm, []byte{0x31, 'a', 'b', 0}, 4, absent},
		"of the same id, the first":         {oneByteForm, []byte{0x30, 'a', 0x30, 'b'}, 3, "a"},
		"beyond the extension":              {oneByteForm, []byte{0x33, 'a', 'b', 'c'}, 3, absent},
		"head alone":                        {oneByteForm, []byte{0, 0, 0, 0x30}, 3, absent},
		"behind one beyond":                 {oneByteForm, []byte{0x3f, 0x50, 'a', 0}, 5, absent},
		"15 ends it":                        {oneByteForm, []byte{0xf0, 'x', 0x50, 'a'}, 5, absent},
		"15 itself":                         {oneByteForm, []byte{0xf0, 'x', 0, 0}, 15, absent},
		"0 with a length ends it":           {oneByteForm, []byte{0x01, 'x', 'x', 0x50, 'a'}, 5, absent},
		"0 itself":                          {oneByteForm, []byte{0x00, 0x00}, 0, absent},
		"an id too large for the form":      {oneByteForm, []byte{0x31, 'a', 'b', 0}, 19, absent},
		"two bytes: first":                  {twoByteForm, []byte{200, 1, 'a', 15, 2, 'b', 'c', 0}, 200, "a"},
		"two bytes: 15 is an id":            {twoByteForm, []byte{200, 1, 'a', 15, 2, 'b', 'c', 0}, 15, "bc"},
		"two bytes: empty":                  {twoByteForm, []byte{7, 0, 0, 0}, 7, ""},
		"two bytes: empty at the end":       {twoByteForm, []byte{0, 0, 7, 0}, 7, ""},
		"two bytes: appbits":                {twoByteForm | 0xf, []byte{7, 1, 'a', 0}, 7, "a"},
		"two bytes: 0 has no length":        {twoByteForm, []byte{0, 7, 1, 'a'}, 7, "a"},
		"two bytes: beyond the extension":   {twoByteForm, []byte{7, 3, 'a', 'b'}, 7, absent},
		"two bytes: head cut":               {twoByteForm, []byte{0, 0, 0, 7}, 7, absent},
		"two bytes: of 255":                 {twoByteForm, []byte{7, 255, 0, 0}, 7, absent},
		"neither form":                      {0x1234, []byte{0x31, 'a', 'b', 0}, 3, absent},
		"encrypted, one byte (RFC 9335)":    {0xc0de, []byte{0x31, 'a', 'b', 0}, 3, absent},
		"two bytes, not there":              {twoByteForm, []byte{7, 1, 'a', 0}, 8, absent},
		"two bytes: nothing but the reader": {twoByteForm, nil, 8, absent},
	} {
		t.Run(name, func(t *testing.T) {
			got := Extensions{test.profile, test.elements}.Get(test.id)
			if (got == nil) != (test.want == absent) || got != nil && string(got) != test.want {
				t.Errorf("got %q (nil: %v), want %q", got, got == nil, test.want)
			}
			if cap(got) != len(got) {
				t.Error("what is appended to the data would overwrite the packet")
			}
		})
	}
	if got := (Extensions{}).Get(1); got != nil {
		t.Errorf("no extensions have %v", got)
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte{})
	f.Add(fixed(0x80, 1, 2, 3))
	f.Add(fixed(0xa0, 1, 2, 2))
	f.Add(fixed(0xb2, 9, 9, 9, 9, 9, 9, 9, 9, 0xbe, 0xde, 0, 2, 0x31, 'a', 'b', 0x50, 'c', 0, 0, 0, 7, 1))
	f.Add(fixed(0x90, 0x10, 0, 0, 2, 0x31, 1, 'b', 0x50, 0, 0, 0, 0, 7, 1))
	f.Add(fixed(0x90, 0xbe, 0xde, 0, 1, 0xf0, 1, 0x3f, 0, 1))
	f.Add(fixed(0x90, 0xbe, 0xde, 0, 1, 0x01, 1, 0x3f, 0, 1))
	f.Fuzz(func(t *testing.T, packet []byte) {
		before := slices.Clone(packet)
		got, err := ParseHeader(packet)
		var header rtp.Header
		size, pionErr := header.Unmarshal(slices.Clone(packet))
		if err != nil {
			if pionErr == nil && header.Version == 2 {
				t.Fatalf("%v, where pion reads %v", err, header)
			}
			return
		}
		profile := got.Extensions.profile
		for id := range 256 {
			data := got.Extensions.Get(uint8(id))
			// pion knows no appbits, and has an extension of neither form under id 0.
			if pionErr != nil || id == 0 || profile&0xfff0 == twoByteForm && profile != twoByteForm {
				continue
			}
			if want := header.GetExtension(uint8(id)); !bytes.Equal(data, want) || (data == nil) != (want == nil) {
				t.Fatalf("extension %d is %v, pion's %v", id, data, want)
			}
		}
		payload, payloadErr := Payload(got, packet)
		if !bytes.Equal(before, packet) {
			t.Fatal("reading has changed the packet")
		}
		if pionErr != nil {
			if len(got.Extensions.elements) == 0 {
				t.Fatalf("pion refuses what we read as %+v: %v", got, pionErr)
			}
			return
		}
		want := Header{
			Marker: header.Marker, Padding: header.Padding, PayloadType: header.PayloadType,
			Sequence: header.SequenceNumber, Timestamp: header.Timestamp, SSRC: header.SSRC, Size: size,
		}
		if !equal(got, want) {
			t.Fatalf("got %+v, pion %+v", got, want)
		}
		var p rtp.Packet
		pionErr = p.Unmarshal(slices.Clone(packet))
		if (payloadErr == nil) != (pionErr == nil) || payloadErr == nil && !bytes.Equal(payload, p.Payload) {
			t.Fatalf("payload %v, %v, pion's %v, %v", payload, payloadErr, p.Payload, pionErr)
		}
	})
}

func TestParseAllocatesNothing(t *testing.T) {
	packet := fixed(0x90, 0xbe, 0xde, 0, 2, 0x31, 'a', 'b', 0x50, 'c', 0, 0, 0, 7, 1)
	var found int
	allocations := testing.AllocsPerRun(100, func() {
		h, err := ParseHeader(packet)
		if err != nil {
			t.Fatal(err)
		}
		payload, _ := Payload(h, packet)
		found += len(h.Extensions.Get(5)) + len(payload)
	})
	if allocations != 0 || found == 0 {
		t.Errorf("%v allocations per packet, found %d", allocations, found)
	}
}

func BenchmarkParse(b *testing.B) {
	packet := fixed(0x90, 0xbe, 0xde, 0, 2, 0x31, 'a', 'b', 0x50, 'c', 0, 0, 0, 7, 1)
	b.ReportAllocs()
	for b.Loop() {
		h, err := ParseHeader(packet)
		if err != nil || h.Extensions.Get(5) == nil {
			b.Fatal(err)
		}
	}
}
