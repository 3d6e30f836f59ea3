package feedback

import "github.com/pion/rtcp"

// How many packets a chunk speaks of (3.1.3 and 3.1.4).
const (
	maxRun  = 1<<13 - 1
	oneBit  = 14
	twoBits = 7
)

// chunks packs the status of packets: a run where that says most in two bytes, else a vector with one or two bits for
// each.
func chunks(symbols []uint16) []rtcp.PacketStatusChunk {
	var packed []rtcp.PacketStatusChunk
	for len(symbols) > 0 {
		run := runLength(symbols)
		vector, size := twoBits, uint16(rtcp.TypeTCCSymbolSizeTwoBit)
		if fitsOneBit(symbols[:min(oneBit, len(symbols))]) {
			vector, size = oneBit, rtcp.TypeTCCSymbolSizeOneBit
		}
		vector = min(vector, len(symbols))
		if run >= vector {
			packed = append(packed, &rtcp.RunLengthChunk{
				Type: rtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: symbols[0], RunLength: uint16(run),
			})
			symbols = symbols[run:]
			continue
		}
		packed = append(packed, &rtcp.StatusVectorChunk{
			Type: rtcp.TypeTCCStatusVectorChunk, SymbolSize: size,
			SymbolList: append([]uint16(nil), symbols[:vector]...),
		})
		symbols = symbols[vector:]
	}
	return packed
}

func runLength(symbols []uint16) int {
	run := 1
	for run < len(symbols) && run < maxRun && symbols[run] == symbols[0] {
		run++
	}
	return run
}

func fitsOneBit(symbols []uint16) bool {
	for _, symbol := range symbols {
		if symbol == rtcp.TypeTCCPacketReceivedLargeDelta {
			return false
		}
	}
	return true
}
