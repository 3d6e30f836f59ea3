package feedback

import (
	"slices"
	"testing"

	"github.com/pion/rtcp"
)

func TestChunks(t *testing.T) {
	const (
		lost  = rtcp.TypeTCCPacketNotReceived
		small = rtcp.TypeTCCPacketReceivedSmallDelta
		large = rtcp.TypeTCCPacketReceivedLargeDelta
	)
	repeat := func(n int, symbols ...uint16) []uint16 { return slices.Repeat(symbols, n) }
	for name, test := range map[string]struct {
		symbols []uint16
		chunks  int
	}{
		"none":                   {nil, 0},
		"one":                    {repeat(1, small), 1},
		"a run":                  {repeat(8191, small), 1},
		"a longer run":           {repeat(8192, lost), 2},
		"14 mixed":               {repeat(7, lost, small), 1},
		"15 mixed":               {append(repeat(7, lost, small), lost), 2},
		"7 with a large":         {append(repeat(3, lost, small), large), 1},
		"a large in the 8th":     {append(repeat(7, small), large), 2},
		"a large in the 14th":    {append(append(repeat(6, lost, small), small), large), 2},
		"large ones":             {repeat(100, large), 1},
		"a run between":          {slices.Concat(repeat(7, lost, small), repeat(99, lost), repeat(7, small, lost)), 3},
		"a run of 13 and others": {append(repeat(13, small), lost), 1},
	} {
		t.Run(name, func(t *testing.T) {
			var got []uint16
			packed := chunks(test.symbols)
			for _, chunk := range packed {
				raw, err := chunk.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				if run := new(rtcp.RunLengthChunk); raw[0]&0x80 == 0 {
					if err := run.Unmarshal(raw); err != nil {
						t.Fatal(err)
					}
					got = append(got, repeat(int(run.RunLength), run.PacketStatusSymbol)...)
					continue
				}
				vector := new(rtcp.StatusVectorChunk)
				if err := vector.Unmarshal(raw); err != nil {
					t.Fatal(err)
				}
				got = append(got, vector.SymbolList...)
			}
			if len(got) < len(test.symbols) || !slices.Equal(got[:len(test.symbols)], test.symbols) {
				t.Errorf("%v became %v", test.symbols, got)
			}
			if len(packed) != test.chunks {
				t.Errorf("%d chunks, want %d", len(packed), test.chunks)
			}
		})
	}
}
