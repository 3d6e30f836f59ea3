package selection

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/sfu/codec"
)

// The files in testdata hold what Chromium sent, with retransmissions as they came: for each packet its encoding,
// sequence number, timestamp, marker, the beginning of its payload, and its dependency descriptor. Chromium sends that
// for VP9 and AV1 alike, so it tells of both what a frame refers to.

// recording reads one of them.
func recording(t *testing.T, path string) (kind codec.Kind, packets []wirePacket) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	format, _, _ := strings.Cut(filepath.Base(path), "-")
	kind = codec.KindOf("video/" + format)
	encodings := map[string]uint32{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if encodings[fields[0]] == 0 {
			encodings[fields[0]] = uint32(len(encodings) + 1)
		}
		sequence, err1 := strconv.ParseUint(fields[1], 10, 16)
		timestamp, err2 := strconv.ParseUint(fields[2], 10, 32)
		payload, err3 := hex.DecodeString(fields[4])
		var dependency []byte
		var err4 error
		if fields[5] != "-" {
			dependency, err4 = hex.DecodeString(fields[5])
		}
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		packets = append(packets, wirePacket{
			Packet: Packet{
				Encoding: encodings[fields[0]], Sequence: uint16(sequence), Timestamp: uint32(timestamp),
				Marker: fields[3] == "1", Arrived: start.Add(time.Duration(len(packets)) * 5 * time.Millisecond),
			},
			payload: payload, dependency: dependency,
		})
	}
	return kind, packets
}

// TestBrowser has everything that a browser sent read, and sent on at changing targets.
func TestBrowser(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) < 10 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			for seed := range uint64(5) {
				kind, packets := recording(t, path)
				passOn(t, kind, packets, rand.New(rand.NewPCG(seed, 9)))
			}
		})
	}
}

// frameOf is a frame by its encoding and number.
type frameOf struct {
	encoding uint32
	number   uint16
}

func passOn(t *testing.T, kind codec.Kind, packets []wirePacket, random *rand.Rand) {
	t.Helper()
	parsers, truths := make([]codec.Parser, 4), make([]codec.Parser, 4)
	for i := range parsers {
		parsers[i].Kind, truths[i].Kind = kind, codec.KindAV1
	}
	receiver := codec.Parser{Kind: kind}
	s := New(kind, 90000)
	s.SetTarget(Target{Encoding: 1, Spatial: 2, Temporal: 2})
	sent := make(map[frameOf]bool)
	layers := make(map[string]int)
	last := -1
	for i := range packets {
		p := &packets[i]
		if random.IntN(20) == 0 && i > 20 {
			s.SetTarget(Target{Encoding: 1 + uint32(random.IntN(2)), Spatial: uint8(random.IntN(3)),
				Temporal: uint8(random.IntN(3)), Hold: true})
		}
		frame, err := parsers[p.Encoding].Parse(p.payload, p.dependency, p.Marker)
		if err != nil {
			t.Fatalf("packet %d, %x: %v", i, p.payload, err)
		}
		var truth codec.Frame
		if len(p.dependency) > 0 {
			if truth, err = truths[p.Encoding].Parse([]byte{0}, p.dependency, p.Marker); err != nil {
				t.Fatalf("packet %d, %x: %v", i, p.dependency, err)
			}
			if frame.First != truth.First || frame.Last != truth.Last || frame.Keyframe != truth.Keyframe ||
				frame.Spatial != truth.Spatial || frame.Temporal != truth.Temporal {
				t.Fatalf("packet %d: %+v, but its descriptor says %+v", i, frame, truth)
			}
		}
		p.Frame = &frame
		if frame.Keyframe && (frame.Width%160 != 0 || frame.Height%90 != 0 || frame.Width*9 != frame.Height*16) {
			t.Fatalf("packet %d: %dx%d", i, frame.Width, frame.Height)
		}
		out, ok := s.Next(&p.Packet)
		if !ok {
			continue
		}
		if ahead := out.Sequence - uint16(last); last >= 0 && ahead != 1 {
			t.Fatalf("packet %d goes out as %d after %d", i, out.Sequence, last)
		}
		last = int(out.Sequence)
		payload := append([]byte(nil), p.payload...)
		out.Fields.Put(&frame, payload)
		var dependency []byte
		if out.Fields.Described {
			room := make([]byte, MaxDependency)
			dependency = room[:out.Fields.PutDependency(p.dependency, room)]
		}
		got, err := receiver.Parse(payload, dependency, out.Marker)
		if err != nil {
			t.Fatalf("packet %d cannot be read by the receiver: %v", i, err)
		}
		if got.Spatial != frame.Spatial || got.Temporal != frame.Temporal || got.Keyframe != frame.Keyframe {
			t.Fatalf("packet %d was %+v and became %+v", i, frame, got)
		}
		if d := &got.Dependency; d.Structure != nil && d.Present&d.Active == 0 {
			t.Fatalf("packet %d is of no active decode target", i)
		}
		if truth.Dependency.Structure != nil {
			d := &truth.Dependency
			for _, ago := range d.References[:d.ReferenceCount] {
				if !sent[frameOf{p.Encoding, d.FrameNumber - ago}] {
					t.Fatalf("packet %d, layer %d.%d, came without the frame %d before", i, frame.Spatial, frame.Temporal, ago)
				}
			}
			sent[frameOf{p.Encoding, d.FrameNumber}] = true
		}
		layers[fmt.Sprint(p.Encoding, frame.Spatial, frame.Temporal)]++
	}
	if last < 0 {
		t.Fatal("nothing went out")
	}
}
