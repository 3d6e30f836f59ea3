// Package load puts a server under load and measures what it does: participants log in, join rooms and speak the
// contract of docs/protocol.md like any other client, publish synthetic media whose every packet says when it was
// sent, and count what comes.
//
// [Run] is one run: everyone joins at a steady rate, then comes a time to warm up, then the measured window. With
// [Options.FindLimit] the number of people grows from step to step until the server cannot carry them.
//
// The receiving side is lean, so that one core of load can fill several of a server: each participant has a socket of
// its own, and a tap on it reads in batches and counts media by the headers in the clear. pion gets STUN, DTLS and
// RTCP, and of the media only samples, which it decrypts for the latency; with [Options.Verify] they are all.
//
//	options.go            what a run is           participant.go          one client, from log-in to leaving
//	engine.go, people.go  who joins when          sends.go, media.go      what it sends, in time
//	window.go, watch.go   what is measured        tap.go, stream.go       what it receives, by the headers
//	limit.go              the search              stamp.go                what is in the payloads
//	later.go              joins into a call       feedback.go             what it reports back
//	report.go             the figures             wall.go, pager.go       what its page shows, and how that goes
//	text.go, page.go      how they are shown      signals.go              what its websocket carries
package load
