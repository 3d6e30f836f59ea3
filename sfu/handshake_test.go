package sfu_test

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
	"github.com/pion/webrtc/v4"

	"parley/sfu/sfutest"
)

// record is what can be seen of a DTLS record (RFC 6347, 4.1): of one that is encrypted, that it is part of the
// handshake.
type record struct {
	handshake, encrypted bool
	hello                bool // of the client
	piece                bool // of a message that did not fit into one record
	offset               int  // in that message
}

// records reads the DTLS records of a packet, none where it is something else.
func records(packet []byte) (all []record) {
	const head = 13
	for len(packet) >= head && packet[0] >= 20 && packet[0] <= 63 { // RFC 7983
		length := int(binary.BigEndian.Uint16(packet[11:]))
		if len(packet) < head+length {
			return all
		}
		body := packet[head : head+length]
		r := record{handshake: packet[0] == 22, encrypted: binary.BigEndian.Uint16(packet[3:]) > 0}
		if r.handshake && !r.encrypted && length >= 12 {
			whole := int(body[1])<<16 | int(binary.BigEndian.Uint16(body[2:]))
			r.offset = int(body[6])<<16 | int(binary.BigEndian.Uint16(body[7:]))
			r.hello, r.piece = body[0] == 1, whole > length-12
		}
		all = append(all, r)
		packet = packet[head+length:]
	}
	return all
}

// once gives the first packets that are meant, so many, a fate.
func once(times int, what fate, meant func(toServer bool, r record) bool) judgement {
	return func(toServer bool, packet []byte, _ netip.Addr) fate {
		for _, r := range records(packet) {
			if times > 0 && meant(toServer, r) {
				times--
				return what
			}
		}
		return passes
	}
}

// large makes a client hello as large as those with post-quantum keys: it takes two packets.
func large(settings *webrtc.SettingEngine) {
	settings.SetDTLSClientHelloMessageHook(func(hello handshake.MessageClientHello) handshake.Message {
		var names []string
		for range 7 {
			names = append(names, strings.Repeat("x", 200))
		}
		hello.Extensions = append(hello.Extensions, &extension.ALPN{ProtocolNameList: names})
		return &hello
	})
}

// TestHandshakeOnABadPath has clients connect while parts of the handshake get lost or come in another order.
func TestHandshakeOnABadPath(t *testing.T) {
	var networks sfutest.Networks
	finished := func(ofClient bool) func(bool, record) bool {
		return func(toServer bool, r record) bool { return toServer == ofClient && r.handshake && r.encrypted }
	}
	first := func(toServer bool, r record) bool { return toServer && r.hello && r.piece && r.offset == 0 }
	second := func(toServer bool, r record) bool { return toServer && r.hello && r.piece && r.offset > 0 }
	anyPart := func(_ bool, r record) bool { return r.handshake }
	for name, test := range map[string]struct {
		large bool // the client's hello
		judge judgement
	}{
		"MTU of 1200": {true, func(toServer bool, packet []byte, _ netip.Addr) fate {
			if ip := 20 + 8; !toServer && len(packet)+ip > 1200 {
				return lost
			}
			return passes
		}},
		"Finished of the client is lost":        {false, once(1, lost, finished(true))},
		"Finished of the client is lost thrice": {false, once(3, lost, finished(true))},
		"Finished of the server is lost":        {false, once(1, lost, finished(false))},
		"Finished of the server is lost thrice": {false, once(3, lost, finished(false))},
		"hello in two":                          {true, once(0, lost, first)},
		"hello in two, swapped":                 {true, once(2, overtaken, first)},
		"hello in two, the first is lost":       {true, once(1, lost, first)},
		"hello in two, the second is lost":      {true, once(2, lost, second)},
		"the beginning is lost":                 {false, once(4, lost, anyPart)},
		"a tenth is lost":                       {true, atRandom(10)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBadWorld(t, &networks, func(t *testing.T, w *badWorld) {
				pieces := 0
				w.wire.set(func(toServer bool, packet []byte, client netip.Addr) fate {
					for _, r := range records(packet) {
						if r.piece && r.hello {
							pieces++
						}
					}
					return test.judge(toServer, packet, client)
				})
				both, adjust := sfutest.Options{Publish: []string{"audio", "video"}}, func(*webrtc.SettingEngine) {}
				if test.large {
					adjust = large
				}
				a, b := w.joinWith("a", both, adjust), w.joinWith("b", both, adjust)
				a.AwaitMedia("b/video", 5)
				b.AwaitMedia("a/audio", 5)
				if test.large == (pieces == 0) {
					t.Errorf("%d pieces of hellos came", pieces)
				}
			})
		})
	}
}
