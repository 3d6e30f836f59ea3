// Package dtlssrtp protects RTP and RTCP with the keys of a DTLS handshake (RFC 5764), beside pion rather than inside
// it: pion makes the handshake, a [Handshake] sees what the keys follow from, and a [Session] seals and opens packets
// in the buffers where they lie.
//
// Packets that come in are opened by pion's SRTP, with its replay protection. Packets that go out are sealed here, one
// AEAD for all streams of a session and the state of each stream with whoever sends it. Every SSRC gets one [Stream],
// and a stream seals every index once, so no nonce is ever used twice under a key (RFC 7714, 8.1): a second one is
// refused, whatever the callers do.
package dtlssrtp
