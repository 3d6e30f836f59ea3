package codec

import (
	"bytes"
	"testing"
)

func TestPrimaryRED(t *testing.T) {
	for name, test := range map[string]struct {
		payload []byte
		want    string
		ok      bool
	}{
		"primary alone":         {[]byte{111, 'a', 'b'}, "ab", true},
		"one redundant":         {[]byte{0x80 | 111, 0x0f, 0x00, 2, 111, 'o', 'l', 'n'}, "n", true},
		"two redundant":         {[]byte{0x80 | 111, 0, 0, 2, 0x80 | 111, 0, 0, 1, 111, 'o', 'l', 'x', 'n'}, "n", true},
		"an empty redundant":    {[]byte{0x80 | 111, 0xff, 0xfc, 0, 111, 'n'}, "n", true},
		"length over two bytes": {append([]byte{0xff, 0, 0xfd, 1, 111}, append(make([]byte, 257), 'n')...), "n", true},
		"empty":                 {nil, "", false},
		"header alone":          {[]byte{111}, "", false},
		"cut within a header":   {[]byte{0x80 | 111, 0, 0}, "", false},
		"no primary header":     {[]byte{0x80 | 111, 0, 0, 0}, "", false},
		"redundant cut":         {[]byte{0x80 | 111, 0, 0, 3, 111, 'o', 'l'}, "", false},
		"no primary block":      {[]byte{0x80 | 111, 0, 0, 2, 111, 'o', 'l'}, "", false},
		"headers without end":   {bytes.Repeat([]byte{0xff}, 1000), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := PrimaryRED(test.payload)
			if ok != test.ok || string(got) != test.want {
				t.Errorf("got %q, %v, want %q, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

// FuzzPrimaryRED compares with a reader that goes through the blocks one by one.
func FuzzPrimaryRED(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{111, 'a'})
	f.Add([]byte{0x80 | 111, 0, 0, 2, 0x80 | 111, 0, 0, 1, 111, 'o', 'l', 'x', 'n'})
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, ok := PrimaryRED(payload)
		want := naivePrimary(payload)
		if ok != (len(want) > 0) || !bytes.Equal(got, want) {
			t.Fatalf("got %v, %v, want %v", got, ok, want)
		}
	})
}

func naivePrimary(payload []byte) []byte {
	var lengths []int
	at := 0
	for ; ; at += 4 {
		if at >= len(payload) {
			return nil
		}
		if payload[at] < 0x80 {
			break
		}
		if at+4 > len(payload) {
			return nil
		}
		word := uint32(payload[at])<<24 | uint32(payload[at+1])<<16 | uint32(payload[at+2])<<8 | uint32(payload[at+3])
		lengths = append(lengths, int(word%1024))
	}
	at++
	for _, length := range lengths {
		at += length
	}
	if at > len(payload) {
		return nil
	}
	return payload[at:]
}

func TestPrimaryREDAllocatesNothing(t *testing.T) {
	payload := []byte{0x80 | 111, 0, 0, 2, 111, 'o', 'l', 'n'}
	allocations := testing.AllocsPerRun(100, func() {
		if _, ok := PrimaryRED(payload); !ok {
			t.Fatal("no primary block")
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
