package configs

import "testing"

func TestParseBitrate(t *testing.T) {
	for text, want := range map[string]Bitrate{
		"0": 0, "1": 1, "800k": 800_000, "500M": 500_000_000, "2.5G": 2_500_000_000, ".5M": 500_000, "0.0001k": 0,
		"1000000G": 1e15, "123456789": 123_456_789,
	} {
		if got, err := ParseBitrate(text); err != nil || got != want {
			t.Errorf("%q gave %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "k", "M", ".", "-1", "+1", "1m", "1K", "1 M", " 1M", "1Mbit", "1e6", "0x10", "inf", "nan", "1_000", "1..5",
		"1MM", "1000001G", "99999999999999999999999",
	} {
		if got, err := ParseBitrate(text); err == nil {
			t.Errorf("%q gave %d", text, got)
		}
	}
}

func TestBitrateText(t *testing.T) {
	for rate, want := range map[Bitrate]string{
		0: "0", 999: "999", 800_000: "800k", 1_500_000: "1.5M", 2_500_000_000: "2.5G", 1_000_001: "1.000001M",
	} {
		if got := rate.String(); got != want {
			t.Errorf("%d is %q, want %q", rate, got, want)
		}
	}
}

func FuzzParseBitrate(f *testing.F) {
	for _, seed := range []string{"0", "800k", "500M", "2.5G", ".5", "5.", "-1", "1e6", "", "k"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rate, err := ParseBitrate(text)
		if err != nil {
			if rate != 0 {
				t.Fatalf("%q is refused but gives %d", text, rate)
			}
			return
		}
		if rate < 0 || rate > maxBitrate {
			t.Fatalf("%q gives %d", text, rate)
		}
		if again, err := ParseBitrate(rate.String()); err != nil || again != rate {
			t.Fatalf("%q gives %d, written again %q gives %d, %v", text, rate, rate, again, err)
		}
	})
}
