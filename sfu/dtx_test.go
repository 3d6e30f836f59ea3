package sfu

import (
	"strings"
	"testing"
)

func TestDiscontinuous(t *testing.T) {
	const audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\n"
	const red = "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
	const video = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\n" +
		"a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
	for name, test := range map[string]struct{ parameters, want string }{
		"asked for":           {"a=fmtp:111 useinbandfec=1\r\n", "a=fmtp:111 useinbandfec=1;usedtx=1\r\n"},
		"the client has said": {"a=fmtp:111 usedtx=0\r\n", "a=fmtp:111 usedtx=0\r\n"},
		"no parameters":       {"", ""},
	} {
		got := discontinuous("v=0\r\n" + audio + test.parameters + red + video + audio + test.parameters)
		want := "v=0\r\n" + audio + test.want + red + video + audio + test.want
		if got != want {
			t.Errorf("%s: got\n%s", name, strings.ReplaceAll(got, "\r", ""))
		}
	}
}
