package address

import (
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Of an IPv6 address, see linux/if_addr.h.
const (
	flagTemporary  = 0x01
	flagDADFailed  = 0x08
	flagDeprecated = 0x20
	flagTentative  = 0x40
)

// states tells how it stands with the machine's IPv6 addresses.
func states() map[netip.Addr]Own {
	list, err := os.ReadFile("/proc/net/if_inet6")
	if err != nil {
		return nil // IPv6 is switched off
	}
	return parseStates(string(list))
}

// parseStates reads lines of six fields: address, interface, length of the prefix, scope and flags in hexadecimal, name
// of the interface.
func parseStates(list string) map[netip.Addr]Own {
	states := make(map[netip.Addr]Own)
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		bytes, err := hex.DecodeString(fields[0])
		addr, ok := netip.AddrFromSlice(bytes)
		flags, flagsErr := strconv.ParseUint(fields[4], 16, 32)
		if err != nil || !ok || flagsErr != nil {
			continue
		}
		states[addr] = Own{
			Tentative:  flags&(flagTentative|flagDADFailed) != 0,
			Deprecated: flags&flagDeprecated != 0,
			Temporary:  flags&flagTemporary != 0,
		}
	}
	return states
}
