package sfu

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"
)

// description reads one out of testdata: the offer of a browser that sends a microphone, a camera in three sizes, and
// in Chromium's case a screen.
func description(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile("testdata/" + name + ".sdp")
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// expected is what a test looks at of a line.
type expected struct {
	mid, kind, stream, track string
	extensions               extensionIDs
	ssrcs                    []uint32
	repairs                  map[uint32]uint32
	formats                  map[uint8]string // name/clock rate/channels/apt
}

// check compares lines; of the formats only those that are wanted.
func check(t *testing.T, lines []sendingLine, want []expected) {
	t.Helper()
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d: %+v", len(lines), len(want), lines)
	}
	for i, w := range want {
		line := lines[i]
		if w.repairs == nil {
			w.repairs = map[uint32]uint32{}
		}
		got := expected{
			line.mid, line.kind, line.stream, line.track, line.extensions, line.ssrcs, line.repairs, w.formats,
		}
		if len(got.ssrcs) == 0 {
			got.ssrcs = nil
		}
		if !reflect.DeepEqual(got, w) {
			t.Errorf("line %d:\n got %+v\nwant %+v", i, got, w)
		}
		for pt, name := range w.formats {
			f := line.formats[pt]
			text := fmt.Sprintf("%s/%d/%d/%d", f.codec.MimeType, f.codec.ClockRate, f.codec.Channels, f.repairs)
			if text != name {
				t.Errorf("line %d, payload type %d: %s, want %s", i, pt, text, name)
			}
		}
	}
}

func TestSendingLinesOfChromium(t *testing.T) {
	text := description(t, "chromium")
	const camera, screen = "289d985a-d39b-4383-b576-641cb2b2718c", "01722391-49d7-4d58-a3db-909406bd450b"
	video := map[uint8]string{
		96: "video/VP8/90000/0/0", 97: "video/rtx/90000/0/96", 98: "video/VP9/90000/0/0", 99: "video/rtx/90000/0/98",
		118: "video/red/90000/0/0",
	}
	ids := extensionIDs{mid: 4, rid: 10, repairedRID: 11, transport: 3, dependency: 12}
	want := []expected{
		{
			mid: "0", kind: "audio", stream: camera, track: "4a71062c-8706-407d-97f9-f6c3ad55171d",
			extensions: extensionIDs{mid: 4, transport: 3, level: 1}, ssrcs: []uint32{934780579},
			formats: map[uint8]string{111: "audio/opus/48000/2/0", 63: "audio/red/48000/2/0"},
		},
		{
			mid: "1", kind: "video", stream: camera, track: "8f95fb35-8239-4dfc-b257-c4a1306b85a7",
			extensions: ids, formats: video,
		},
		{
			mid: "3", kind: "video", stream: screen, track: "046b3a54-0faa-4447-b99b-42ca8c34036f",
			extensions: ids, ssrcs: []uint32{1650689081}, repairs: map[uint32]uint32{1300266257: 1650689081},
			formats: video,
		},
	}
	lines := parseSending(text)
	check(t, lines, want)
	if fmtp := lines[0].formats[111].codec.SDPFmtpLine; fmtp != "minptime=10;useinbandfec=1" {
		t.Errorf("parameters of Opus: %q", fmtp)
	}
	if !lines[0].formats[63].isRED() || lines[1].formats[118].isRED() || !lines[1].formats[97].isRepair() {
		t.Error("kinds of formats")
	}
	check(t, parseSending(strings.TrimSuffix(text, "\r\n")), want)
	check(t, parseSending(strings.ReplaceAll(text, "sendonly", "sendrecv")), want)
	for _, other := range []string{"recvonly", "inactive"} {
		check(t, parseSending(strings.ReplaceAll(text, "sendonly", other)), nil)
	}
	// The one attribute that changes when a screen share ends.
	last := strings.LastIndex(text, "sendonly")
	check(t, parseSending(text[:last]+"inactive"+text[last+len("sendonly"):]), want[:2])
	// A rejected line.
	check(t, parseSending(strings.Replace(text, "m=audio 55182", "m=audio 0", 1)), want[1:])
	// What is only said in the lines of SSRCs.
	check(t, parseSending(strings.ReplaceAll(text, "a=msid:"+screen, "a=x-msid:")), want)
	// A direction for all, and one line that has another.
	for fallback, n := range map[string]int{"recvonly": 1, "inactive": 1, "sendonly": 3, "sendrecv": 3} {
		all := strings.Replace(text, "a=sendonly\r\n", "", 2)
		all = strings.Replace(all, "a=extmap-allow-mixed\r\n", "a="+fallback+"\r\n", 1)
		if got := len(parseSending(all)); got != n {
			t.Errorf("%s for all: %d lines, want %d", fallback, got, n)
		}
	}
	// Ids of the two-byte form (RFC 8285, 4.3).
	wide := strings.NewReplacer("a=extmap:10 ", "a=extmap:210/sendonly ", "a=extmap:4 ", "a=extmap:255 ").Replace(text)
	ids.mid, ids.rid = 255, 210
	if got := parseSending(wide)[1].extensions; got != ids {
		t.Errorf("ids %+v", got)
	}
}

// TestSendingLinesOfPion has the clients of this repository's tests, and their screen share.
func TestSendingLinesOfPion(t *testing.T) {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pc.Close() }()
	var want []expected
	for i, mimeType := range []string{webrtc.MimeTypeOpus, webrtc.MimeTypeVP8, webrtc.MimeTypeVP8} {
		kind, _, _ := strings.Cut(mimeType, "/")
		track, err := webrtc.NewTrackLocalStaticSample(
			webrtc.RTPCodecCapability{MimeType: mimeType}, fmt.Sprint("track", i), fmt.Sprint("stream", i))
		if err != nil {
			t.Fatal(err)
		}
		transceiver, err := pc.AddTransceiverFromTrack(track,
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			t.Fatal(err)
		}
		encoding := transceiver.Sender().GetParameters().Encodings[0]
		expect := expected{
			mid: fmt.Sprint(i), kind: kind, stream: track.StreamID(), track: track.ID(), ssrcs: []uint32{uint32(encoding.SSRC)},
		}
		if kind == "video" {
			expect.repairs = map[uint32]uint32{uint32(encoding.RTX.SSRC): uint32(encoding.SSRC)}
		}
		want = append(want, expect)
	}
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := parseSending(offer.SDP)
	for i := range min(len(lines), len(want)) {
		want[i].extensions = lines[i].extensions
		if ids := lines[i].extensions; ids.transport == 0 {
			t.Errorf("ids %+v", ids)
		}
	}
	check(t, lines, want)
}

// TestSendingLinesOfNonsense has what nobody sends: it is left out, and the rest is read.
func TestSendingLinesOfNonsense(t *testing.T) {
	const head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
	for name, test := range map[string]struct {
		lines string
		want  []expected
	}{
		"nothing":             {"", nil},
		"no mid":              {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendonly\r\n", nil},
		"an empty mid":        {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:\r\n", nil},
		"another kind":        {"m=text 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n", nil},
		"no formats":          {"m=audio 9 UDP/TLS/RTP/SAVPF\r\na=mid:0\r\n", nil},
		"an empty line":       {"m=\r\na=mid:0\r\n", nil},
		"of the default kind": {"m=audio 9 X 0\r\na=mid:0\r\n", []expected{{mid: "0", kind: "audio"}}},
		"numbers": {
			"m=video 9 X 96\r\na=mid:0\r\na=rtpmap:128 VP8/90000\r\na=rtpmap:x VP8/90000\r\na=rtpmap:97\r\n" +
				"a=rtpmap:98 VP8/99999999999\r\na=rtpmap:96 VP8/90000/70000\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=128\r\n" +
				"a=fmtp:100\r\na=extmap:256 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:x\r\n" +
				"a=ssrc:4294967296 cname:x\r\na=ssrc:-1 cname:x\r\na=ssrc\r\na=ssrc:5\r\na=ssrc:5 msid\r\n" +
				"a=ssrc-group:FID 1\r\na=ssrc-group:FID 1 2 3\r\na=ssrc-group:SIM 1 2\r\na=ssrc-group:FID x 2\r\n",
			[]expected{{
				mid: "0", kind: "video", ssrcs: []uint32{5}, formats: map[uint8]string{
					96: "video/VP8/90000/0/0", 97: "/0/0/0", 98: "/0/0/0", 99: "video/rtx/90000/0/0", 128: "/0/0/0",
				},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) { check(t, parseSending(head+test.lines), test.want) })
	}
}

func FuzzParseSending(f *testing.F) {
	for _, name := range []string{"chromium", "firefox"} {
		text := description(f, name)
		f.Add(text)
		f.Add(strings.ReplaceAll(text, "\r\n", "\n"))
	}
	f.Add("m=audio 9 X 0\na=mid:0\nm=video")
	f.Add("\nm=\nm=audio 9 X 0\na=mid:0\na=ssrc:1 msid:\na=ssrc-group:FID 1 1\na=rtpmap:0 /\na=fmtp:0 apt=0")
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range parseSending(text) {
			if line.mid == "" || line.kind != "audio" && line.kind != "video" {
				t.Fatalf("%+v", line)
			}
			if line.formats == nil || line.repairs == nil {
				t.Fatalf("%+v", line)
			}
			for pt, f := range line.formats {
				if pt > 127 || f.repairs > 127 || !strings.HasPrefix(f.codec.MimeType, line.kind+"/") {
					t.Fatalf("payload type %d: %+v", pt, f)
				}
			}
			for _, ssrc := range line.ssrcs {
				if _, repair := line.repairs[ssrc]; repair {
					t.Fatalf("%d is media and retransmission", ssrc)
				}
			}
			if !strings.Contains(text, line.mid) || !strings.Contains(text, line.stream) {
				t.Fatalf("mid %q or stream %q is not in there", line.mid, line.stream)
			}
		}
	})
}
