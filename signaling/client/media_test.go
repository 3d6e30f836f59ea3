package client

import "testing"

func TestClips(t *testing.T) {
	clips, err := loadClips()
	if err != nil {
		t.Fatal(err)
	}
	if len(clips.audio) < 50 {
		t.Errorf("%d audio frames", len(clips.audio))
	}
	for _, frame := range clips.audio {
		if len(frame) == 0 || len(frame) > 200 || frame[0]>>3 == 0 {
			t.Errorf("audio frame of %d bytes", len(frame))
		}
	}
	for _, rid := range rids() {
		frames := clips.video[rid]
		if len(frames) != 2*framesPerSecond {
			t.Errorf("%s: %d frames", rid, len(frames))
		}
		for i, frame := range frames {
			if key := frame[0]&1 == 0; key != (i == 0) { // RFC 6386, 9.1
				t.Errorf("%s: frame %d is a keyframe: %v", rid, i, key)
			}
		}
	}
}

func TestLostPackets(t *testing.T) {
	for _, tt := range []struct {
		name      string
		sequences []uint16
		want      int64
	}{
		{"in order", []uint16{10, 11, 12}, 0},
		{"over the end", []uint16{65534, 65535, 0, 1}, 0},
		{"two missing", []uint16{10, 13}, 2},
		{"missing over the end", []uint16{65535, 2}, 2},
		{"late", []uint16{10, 13, 11, 12}, 0},
		{"late over the end", []uint16{65535, 1, 0}, 0},
		{"one late, one lost", []uint16{10, 13, 11, 14}, 1},
	} {
		var track inTrack
		var got int64
		for _, sequence := range tt.sequences {
			got += track.advance(sequence)
		}
		if got != tt.want {
			t.Errorf("%s: %d lost, want %d", tt.name, got, tt.want)
		}
	}
}
