package load

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

const testDescription = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n" +
	"a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"

func newTestEnvironment() *environment {
	e := &environment{clock: clock{time.Now()}, batches: newBatches()}
	e.naps.set(1)
	return e
}

// testTap is a tap that is given packets by hand.
func testTap(t testing.TB, options Options) *tap {
	t.Helper()
	e := newTestEnvironment()
	e.options = options
	tap, err := newTap(netip.MustParseAddr("127.0.0.1"), e, nil, func(time.Time) {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tap.Close() })
	tap.describe(testDescription)
	return tap
}

func rtpPacket(payloadType byte, ssrc uint32, number, transport uint16) []byte {
	p := []byte{0x90, payloadType, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x51, 0, 0, 0}
	binary.BigEndian.PutUint16(p[2:], number)
	binary.BigEndian.PutUint32(p[8:], ssrc)
	binary.BigEndian.PutUint16(p[17:], transport)
	return append(p, make([]byte, 80)...)
}

func TestTapCounts(t *testing.T) {
	tap := testTap(t, Options{Verify: true})
	for _, number := range []uint16{65534, 65535, 0, 2, 1, 1, 5} {
		if !tap.take(rtpPacket(96, 7, number, number), tap.clock.now()) {
			t.Errorf("packet %d is not looked into", number)
		}
	}
	inChannel := append([]byte{0x40, 0, 0, 100}, rtpPacket(111, 8, 1, 10)...)
	if !tap.take(inChannel, tap.clock.now()) {
		t.Error("audio in ChannelData is not looked into")
	}
	for _, other := range [][]byte{{0, 1, 2}, {22, 254}, {0x80, 200, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}, {}} {
		if !tap.take(other, tap.clock.now()) {
			t.Errorf("% x is kept from pion", other)
		}
	}
	m := tap.total()
	want := meter{packets: 8, bytes: m.bytes, audio: 1, missing: 2, duplicated: 1, reordered: 1, rtcp: 1}
	if m != want || m.bytes < 8*80 {
		t.Errorf("counted %+v", m)
	}
	select {
	case <-tap.first:
	default:
		t.Error("the first packet was not told")
	}
}

func TestTapAsksAgain(t *testing.T) {
	tap := testTap(t, Options{})
	now := tap.clock.now()
	take := func(payloadType byte, ssrc uint32, number uint16) {
		tap.take(rtpPacket(payloadType, ssrc, number, number), now)
	}
	take(96, 7, 10)
	take(96, 7, 13)
	packets, more := tap.requests(now, true)
	if len(packets) != 1 || !more {
		t.Fatalf("at first %v", packets)
	}
	if pli, ok := packets[0].(*rtcp.PictureLossIndication); !ok || pli.MediaSSRC != 7 {
		t.Errorf("at first %v", packets)
	}
	now += int64(nackFirst)
	packets, _ = tap.requests(now, true)
	if nack, ok := packets[0].(*rtcp.TransportLayerNack); !ok || len(nack.Nacks) != 1 || nack.Nacks[0].PacketID != 11 ||
		nack.Nacks[0].LostPackets != 1 {
		t.Fatalf("then %v", packets)
	}
	take(96, 7, 12)
	take(97, 9, 1) // a retransmission stands for the other
	if m := tap.total(); m.missing != 0 || m.recovered != 2 || m.reordered != 0 || m.resent != 1 {
		t.Errorf("counted %+v", m)
	}
	if packets, more := tap.requests(now+int64(time.Minute), true); len(packets) != 0 || more {
		t.Errorf("all is there, yet %v", packets)
	}
	// What never comes is given up.
	take(96, 7, 15)
	asked := 0
	for more := true; more; now += int64(time.Second) {
		packets, more = tap.requests(now, true)
		asked += len(packets)
	}
	if asked != nackTimes {
		t.Errorf("asked %d times", asked)
	}
}

// TestTapTakesNoPaddingForMedia probes the path: that is told in the feedback, and is nothing that was asked for.
func TestTapTakesNoPaddingForMedia(t *testing.T) {
	tap := testTap(t, Options{})
	now := tap.clock.now()
	tap.take(rtpPacket(96, 7, 10, 1), now)
	tap.take(rtpPacket(96, 7, 12, 2), now)
	tap.requests(now+int64(nackFirst), true)
	for number := range uint16(3) {
		padding := rtpPacket(97, 9, 100+number, 3+number)
		padding[0] |= 0x20
		if tap.take(padding, now) {
			t.Error("pion is given padding")
		}
	}
	tap.take(rtpPacket(97, 9, 103, 6), now) // the one that was asked for
	m := tap.total()
	if m.packets != 2 || m.padding != 3 || m.resent != 1 || m.missing != 0 || m.recovered != 1 {
		t.Errorf("counted %+v", m)
	}
	packets := tap.feedback(now+int64(time.Second), true)
	if len(packets) != 2 {
		t.Fatalf("%v", packets)
	}
	feedback, ok := packets[0].(*rtcp.TransportLayerCC)
	if !ok || feedback.PacketStatusCount != 6 || len(feedback.RecvDeltas) != 6 {
		t.Errorf("feedback %v", packets[0])
	}
	if report, ok := packets[1].(*rtcp.ReceiverReport); !ok || len(report.Reports) != 1 || report.Reports[0].SSRC != 7 {
		t.Errorf("report %v", packets[1])
	}
}

func TestTapReports(t *testing.T) {
	tap := testTap(t, Options{})
	now := tap.clock.now()
	for _, number := range []uint16{1, 2, 3, 5} {
		tap.take(rtpPacket(111, 7, number, number), now)
	}
	tap.heard([]rtcp.Packet{&rtcp.SenderReport{SSRC: 7, NTPTime: 0x0123456789abcdef}}, now)
	packets := tap.feedback(now+int64(time.Second), true)
	if len(packets) != 2 {
		t.Fatalf("%v", packets)
	}
	feedback, ok := packets[0].(*rtcp.TransportLayerCC)
	if !ok || feedback.BaseSequenceNumber != 1 || feedback.PacketStatusCount != 5 || len(feedback.RecvDeltas) != 4 {
		t.Errorf("feedback %v", packets[0])
	}
	report, ok := packets[1].(*rtcp.ReceiverReport)
	if !ok || len(report.Reports) != 1 {
		t.Fatalf("report %v", packets[1])
	}
	want := rtcp.ReceptionReport{
		SSRC: 7, FractionLost: 51, TotalLost: 1, LastSequenceNumber: 5, LastSenderReport: 0x456789ab, Delay: 65536,
	}
	if report.Reports[0] != want {
		t.Errorf("report %+v", report.Reports[0])
	}
	if packets := tap.feedback(now, false); len(packets) != 0 {
		t.Errorf("nothing came, yet %v", packets)
	}
}

func TestTapSamples(t *testing.T) {
	tap := testTap(t, Options{})
	packet := rtpPacket(96, 7, 0, 0)
	now, number, passed := tap.clock.now(), uint16(0), 0
	take := func() {
		number++
		now += int64(3 * time.Millisecond)
		binary.BigEndian.PutUint16(packet[2:], number)
		if tap.take(packet, now) {
			passed++
		}
	}
	take()
	tap.bind(7)
	tap.adapt(samplesEach, now)
	for range 4000 {
		take()
	}
	tap.adapt(samplesEach, now)
	passed = 0
	for range 40_000 { // two minutes
		take()
	}
	if perSecond := float64(passed) / 120; perSecond < samplesEach*0.8 || perSecond > samplesEach*1.2 {
		t.Errorf("%.1f samples/s", perSecond)
	}
	tap.feed.recorder = nil
	tap.layout.transportID = 0
	if allocations := testing.AllocsPerRun(1000, take); allocations != 0 {
		t.Errorf("%v allocations per packet", allocations)
	}
	tap.every.Store(1)
	passed = 0
	for range 1000 {
		now -= int64(3 * time.Millisecond) // all at once
		take()
	}
	if passed > maxPassed {
		t.Errorf("%d passed on in a second", passed)
	}
	tap.end()
	passed = 0
	if take(); passed != 0 {
		t.Error("passed on at the end")
	}
}

// TestTapFollows compares what payloads say with the numbers of their packets.
func TestTapFollows(t *testing.T) {
	tap := testTap(t, Options{Verify: true})
	f := newFiller()
	send := func(number uint16, publisher, counter uint32, damage bool) (time.Duration, bool) {
		now := tap.clock.now()
		tap.take(rtpPacket(96, 7, number, number), now+int64(time.Second))
		payload := make([]byte, 100)
		f.put(payload[4:], stamp{at: now, publisher: publisher, track: 1, counter: counter})
		if damage {
			payload[50]++
		}
		return tap.decrypted(7, number, payload, true)
	}
	for _, p := range []struct {
		number             uint16
		publisher, counter uint32
		damaged            bool
	}{
		{1, 1, 100, false}, {2, 1, 101, false}, {4, 1, 103, false}, {3, 1, 102, false}, // reordered, which the tap counts
		{5, 1, 104, false}, {6, 1, 104, false}, // the same payload again
		{7, 1, 107, false},                  // two left out
		{8, 2, 9, false}, {9, 2, 10, false}, // somebody else
		{10, 2, 11, true},
		{11, 2, 12, false}, {12, 2, 11, false}, // back
	} {
		took, ok := send(p.number, p.publisher, p.counter, p.damaged)
		if ok == p.damaged || ok && took != time.Second {
			t.Errorf("%+v: %v, %v", p, took, ok)
		}
	}
	m := tap.total()
	want := meter{
		packets: 12, bytes: m.bytes, duplicated: 1, reordered: 2, skipped: 2, corrupted: 1,
	}
	if m != want {
		t.Errorf("counted %+v", m)
	}
}
