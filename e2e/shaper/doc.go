// Package shaper is a bad network between clients and a media server: a UDP port that is announced in the server's
// place. Each client, told by its source address, has a path of its own, both directions of which are shaped apart: a
// bottleneck with a rate and a drop-tail queue, and behind it random loss, delay and jitter. What a path is like may
// change at any time, and each direction counts what it does.
//
// A client must know no other way to the server, nor the server to it: neither TURN, nor the client's own candidates.
//
//	link.go    one direction, pure          control.go  the same over HTTP, for tests in other languages
//	shaper.go  sockets and goroutines       cmd         the command
package shaper
