package sfu

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// line is an m-line that carries one track down. When its track ends it is parked for the next track of that codec; so
// the description grows with how many tracks there are at once, not with how many there ever were.
//
// Each track has a sender and an SSRC of its own: packets of the former one that are still on their way must not be
// taken for the next one's. A parked line is not inactive but carries an idle track, because a client built on pion
// never receives again on a line that was inactive in two descriptions in a row.
type line struct {
	transceiver *webrtc.RTPTransceiver
	codec       webrtc.RTPCodecCapability // that it offers, zero while it offers all that the client has
	sender      *webrtc.RTPSender
	down        *downTrack // nil while parked
	open        bool       // down is in the fan-out
	filled      bool       // down went on it with an answer of ours
	ended       bool       // down is no more, and the line is about to be parked
	left        string     // the stream of the last track, until the client knows that it has ended
}

// takes reports whether the line may carry a track.
func (l *line) takes(up *upTrack) bool {
	return l.transceiver.Kind() == up.kind && (l.codec.MimeType == "" || sameCodec(l.codec, up.codec))
}

// prefer has the line offer a codec, and behind it all others if asked for.
func (l *line) prefer(codec webrtc.RTPCodecCapability, others bool) error {
	l.codec = codec
	preferences := preferCodec(l.sender.GetParameters().Codecs, codec, others)
	if len(preferences) == 0 {
		return nil // not negotiated: Bind will find out
	}
	return l.transceiver.SetCodecPreferences(preferences)
}

// widen has the line offer all that the client has, since it has not what the line offered: without any codec left pion
// could not describe the line, and so make no offer and no answer any more.
func (l *line) widen() {
	l.codec = webrtc.RTPCodecCapability{}
	_ = l.transceiver.SetCodecPreferences(nil) // only a codec could be refused
}

// idleStream is the MediaStream of parked lines. No participant has that name.
const idleStream = "idle"

// idleTrack sends nothing. It implements webrtc.TrackLocal.
type idleTrack struct {
	kind webrtc.RTPCodecType
	mid  string
}

// Bind takes whatever codec the line has.
func (t idleTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	if codecs := ctx.CodecParameters(); len(codecs) > 0 {
		return codecs[0], nil
	}
	return webrtc.RTPCodecParameters{}, nil
}

// Unbind has nothing to undo.
func (idleTrack) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID tells lines apart.
func (t idleTrack) ID() string { return idleStream + "-" + t.mid }

// RID is empty.
func (idleTrack) RID() string { return "" }

// StreamID is that of all parked lines.
func (idleTrack) StreamID() string { return idleStream }

// Kind is audio or video.
func (t idleTrack) Kind() webrtc.RTPCodecType { return t.kind }

// lines are the m-lines of one connection that go down. They are owned by the peer's loop.
type lines struct {
	// Static after construction.
	api     *webrtc.API
	pc      *webrtc.PeerConnection
	ingress *ingress
	sender  *sender
	shown   func(up *upTrack) tileSize // by the receiver

	wanted      []*upTrack // in the order of their publication
	active      map[*upTrack]*line
	parked      []*line
	undecodable map[*upTrack]bool
	refused     []*upTrack // of those, what has to be told
	dirty       bool       // wanted and active differ
}

func newLines(
	api *webrtc.API, pc *webrtc.PeerConnection, s *sender, in *ingress, shown func(up *upTrack) tileSize,
) *lines {
	return &lines{
		api:         api,
		pc:          pc,
		ingress:     in,
		sender:      s,
		shown:       shown,
		active:      make(map[*upTrack]*line),
		undecodable: make(map[*upTrack]bool),
	}
}

// want adds a track to what the receiver should get.
func (ls *lines) want(up *upTrack) {
	if !slices.Contains(ls.wanted, up) {
		ls.wanted = append(ls.wanted, up)
		ls.dirty = true
	}
}

// unwant stops a track at once; the description follows with the next round.
func (ls *lines) unwant(up *upTrack) {
	ls.wanted = slices.DeleteFunc(ls.wanted, func(other *upTrack) bool { return other == up })
	delete(ls.undecodable, up)
	if l := ls.active[up]; l != nil {
		ls.detach(l)
		l.ended, ls.dirty = true, true
	}
}

// detach ends what goes down on a line.
func (ls *lines) detach(l *line) {
	l.down.detach(time.Now())
	ls.ingress.unsubscribe(l.down.ssrc)
}

// reconcile brings the transceivers in line with what is wanted. It must be followed by an offer at once: between the
// two pion must not see a remote offer, which would stop the transceivers that this revives.
func (ls *lines) reconcile() error {
	ls.dirty = false
	for up, l := range ls.active {
		if l.ended || ls.undecodable[up] || !slices.Contains(ls.wanted, up) {
			if err := ls.park(up, l); err != nil {
				return fmt.Errorf("park line %s: %w", l.transceiver.Mid(), err)
			}
		}
	}
	for _, up := range ls.wanted {
		if ls.active[up] != nil || ls.undecodable[up] {
			continue
		}
		if !ls.negotiated(up) {
			ls.undecodable[up] = true
			ls.refused = append(ls.refused, up)
			continue
		}
		if err := ls.carry(up); err != nil {
			return fmt.Errorf("carry %s: %w", up.id, err)
		}
	}
	ls.sender.share(time.Now())
	return nil
}

// negotiated reports whether the client may have the codec of a track, as far as its descriptions have told: a line
// without any codec of its kind could not even be offered.
func (ls *lines) negotiated(up *upTrack) bool {
	sender, err := ls.api.NewRTPSender(idleTrack{kind: up.kind}, ls.pc.SCTP().Transport())
	if err != nil {
		return true // what follows will tell
	}
	return slices.ContainsFunc(sender.GetParameters().Codecs, func(c webrtc.RTPCodecParameters) bool {
		return sameCodec(c.RTPCodecCapability, up.codec)
	})
}

// park takes the track off a line.
func (ls *lines) park(up *upTrack, l *line) error {
	ls.detach(l)
	l.down, l.open, l.filled, l.ended, l.left = nil, false, false, false, up.streamID
	delete(ls.active, up)
	ls.parked = append(ls.parked, l)
	return ls.replace(l, idleTrack{l.transceiver.Kind(), l.transceiver.Mid()})
}

// carry puts a track on a parked line that takes it, or on a new one.
func (ls *lines) carry(up *upTrack) error {
	at := slices.IndexFunc(ls.parked, func(l *line) bool { return l.takes(up) && l.left != up.streamID })
	if at < 0 {
		if slices.ContainsFunc(ls.parked, func(l *line) bool { return l.takes(up) }) {
			// That of the same person: without a round between the two, the client would see no change of its stream.
			ls.dirty = true
			return nil
		}
		l, err := ls.addLine(ls.sender.add(up, ls.shown(up)))
		if err != nil {
			return err
		}
		ls.active[up] = l
		return nil
	}
	return ls.put(up, ls.parked[at])
}

// put puts a track on a parked line.
func (ls *lines) put(up *upTrack, l *line) error {
	down := ls.sender.add(up, ls.shown(up))
	ls.parked = slices.DeleteFunc(ls.parked, func(other *line) bool { return other == l })
	ls.active[up], l.down = l, down
	if l.codec.MimeType == "" {
		if err := l.prefer(up.codec, false); err != nil {
			return err
		}
	}
	return ls.replace(l, down)
}

// replace gives a line a fresh sender. pion's AddTrack would not do: it leaves a line alone once the client has made an
// offer with it.
func (ls *lines) replace(l *line, track webrtc.TrackLocal) error {
	sender, err := ls.api.NewRTPSender(track, ls.pc.SCTP().Transport())
	if err != nil {
		return err
	}
	former := l.sender
	l.sender = sender
	if err := l.transceiver.SetSender(sender, track); err != nil || former == nil {
		return err
	}
	return former.Stop()
}

// addLine adds a transceiver. It is sendonly: a sendrecv one would be taken by the client's next own track.
func (ls *lines) addLine(down *downTrack) (*line, error) {
	first := !slices.ContainsFunc(ls.pc.GetTransceivers(), func(t *webrtc.RTPTransceiver) bool {
		return t.Kind() == down.Kind()
	})
	transceiver, err := ls.pc.AddTransceiverFromTrack(down,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	l := &line{transceiver: transceiver, sender: transceiver.Sender(), down: down}
	// The first line of a kind offers every codec, so that we learn what the client can decode; later ones only what
	// they carry, because pion's cost of a description is the matching of codecs on each line.
	return l, l.prefer(down.up.codec, first)
}

// preferCodec returns the codec with its retransmission format, and behind them all others if asked for.
func preferCodec(
	all []webrtc.RTPCodecParameters, codec webrtc.RTPCodecCapability, others bool,
) []webrtc.RTPCodecParameters {
	var chosen, rest []webrtc.RTPCodecParameters
	for _, candidate := range all {
		if strings.EqualFold(candidate.MimeType, webrtc.MimeTypeRTX) {
			continue
		}
		into := &rest
		if sameCodec(candidate.RTPCodecCapability, codec) || isOpusWithRED(candidate.RTPCodecCapability, codec) {
			into = &chosen
		}
		*into = append(*into, candidate)
		apt := fmt.Sprint(candidate.PayloadType)
		for _, rtx := range all {
			if strings.EqualFold(rtx.MimeType, webrtc.MimeTypeRTX) && formatParameter(rtx.RTPCodecCapability, "apt", "") == apt {
				*into = append(*into, rtx)
			}
		}
	}
	if others {
		return append(chosen, rest...)
	}
	return chosen
}

// isOpusWithRED reports whether a line for Opus should have candidate too.
func isOpusWithRED(candidate, codec webrtc.RTPCodecCapability) bool {
	return strings.EqualFold(candidate.MimeType, mimeTypeRED) && strings.EqualFold(codec.MimeType, webrtc.MimeTypeOpus)
}

// takeRefused returns the tracks that the client cannot decode, and has not been told of.
func (ls *lines) takeRefused() []*upTrack {
	refused := ls.refused
	ls.refused = nil
	return refused
}

// answered opens the lines that the client has accepted; rejected are the mids of those that it has not.
func (ls *lines) answered(rejected map[string]bool) {
	for _, l := range ls.parked {
		l.left = ""
	}
	var opened []*downTrack
	for up, l := range ls.active {
		opened = ls.settle(up, l, rejected[l.transceiver.Mid()], opened)
	}
	ls.open(opened)
}

// settle takes note of what the client has made of a line, and appends its track to opened if that may now go out.
func (ls *lines) settle(up *upTrack, l *line, rejected bool, opened []*downTrack) []*downTrack {
	refused, wanted := !l.down.decodable || rejected, slices.Contains(ls.wanted, up)
	if refused {
		l.widen()
	}
	if refused && wanted {
		ls.undecodable[up], ls.dirty = true, true
		ls.refused = append(ls.refused, up)
	}
	if refused || !wanted || l.open || l.ended {
		return opened
	}
	l.open = true
	ls.ingress.subscribe(l.down.ssrc, l.down)
	return append(opened, l.down)
}

// open has tracks go out from now on.
func (ls *lines) open(opened []*downTrack) {
	if len(opened) == 0 {
		return
	}
	ls.sender.open(opened, time.Now())
	for _, d := range opened {
		d.up.attach(d)
	}
}

// close ends all forwarding.
func (ls *lines) close() {
	ls.sender.close(time.Now())
	for _, l := range ls.active {
		ls.detach(l)
	}
}

// reports returns a sender report (RFC 3550, 6.4.1) of each track that has sent anything.
func (ls *lines) reports(now time.Time) []rtcp.Packet {
	var packets []rtcp.Packet
	for _, l := range ls.active {
		if l.open {
			if report := l.down.report(now); report != nil {
				packets = append(packets, report)
			}
		}
	}
	return packets
}
