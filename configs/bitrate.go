package configs

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Bitrate is in bits per second. In text it may end in k, M or G, which stand for 10^3, 10^6 and 10^9.
type Bitrate int64

// maxBitrate is more than any machine sends, 1 Pbit/s, and an exact float64.
const maxBitrate = 1e15

// errBitrate says what a bitrate looks like.
var errBitrate = errors.New("bits per second, such as 800k, 500M or 2.5G")

// ParseBitrate reads a bitrate, to the bit.
func ParseBitrate(text string) (Bitrate, error) {
	number, factor := text, 1.0
	for suffix, f := range bitrateSuffixes() {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			number, factor = rest, f
		}
	}
	if number == "" || strings.Trim(number, "0123456789.") != "" {
		return 0, errBitrate
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || value*factor > maxBitrate {
		return 0, errBitrate
	}
	return Bitrate(math.Round(value * factor)), nil
}

// String is the inverse of ParseBitrate.
func (b Bitrate) String() string {
	suffix, factor := "", 1.0
	for s, f := range bitrateSuffixes() {
		if f > factor && b >= Bitrate(f) {
			suffix, factor = s, f
		}
	}
	return strconv.FormatFloat(float64(b)/factor, 'f', -1, 64) + suffix
}

func bitrateSuffixes() map[string]float64 { return map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9} }
