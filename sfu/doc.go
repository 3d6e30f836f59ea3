// Package sfu forwards media between the people in a room. It knows rooms, peers and RTP; who may be where, and how
// descriptions reach a browser, is for others to know.
//
// A participant has one [Peer]: one pion PeerConnection that carries all they send and all they receive. What comes up
// is an upTrack with one layer per encoding; everybody else gets it as a downTrack on a line (an m-line) of their own
// connection. The Peer's only output is a stream of [Event] values. Who asked for audio slots gets, in place of others'
// microphones, some lines that bring whoever is to be heard.
//
// # Who owns what
//
//	state                                   owner                               others
//	a PeerConnection, its lines, offers     the peer's loop (Peer.run)          post an action to its mailbox
//	members, tracks, features of a room     room.mu                             posts under it keep one order for all
//	rooms                                   SFU.mu
//	a client's streams, their accounts      ingress.mu: whoever holds it reads
//	who receives a track                    fanOut, copied on change            one atomic load per packet
//	who speaks, whom each slot brings       voices.mu, per room                 one atomic load per packet
//	what a participant wants to see         the peer's loop (interest)
//	what a microphone's packets tell        ingress.mu
//	how much is held back for want of box   paceClock.squeeze, atomic           read at each review
//	which layers a track has                upTrack.mu
//	all that goes down to one client        sender.mu: whoever forwards to it, or has its turn
//	who wants a layer                       layerDemand.mu
//	layers of a track, what they take       ingress.mu; receivers see a snapshot, the ladder
//	packets that can be had again           sourceCache.mu, per layer
//	keys and path of a connection           transport, atomic
//
// Pion's callbacks only post. Posting never blocks, so it is allowed under a lock, and so is sealing a packet into the
// batch of the goroutine that has it, which never waits either; nothing else is, with one exception: where a publisher
// has very many receivers, whoever holds its ingress.mu has a crew seal and send, and waits for them. They take
// sender.mu and what it uses, so they never wait for the publisher. Locks are taken in the order of a packet's way:
// ingress.mu, voices.mu (of who speaks), sender.mu, then those of what they use; room.mu comes before voices.mu.
// Whoever starts a goroutine waits for it: connection.close for the one that reads features, Peer.finish for former
// connections, [SFU.Close] for the peers, the clocks and the crew.
//
// # A packet's way
//
// socket (sfu/egress) - ingress.Receive, on the goroutine that reads the socket: opened (sfu/dtlssrtp) and parsed
// (sfu/wire) once - layer.take - at the end of the read batch upTrack.forward, downTrack.forward: dropped, or its
// numbers mapped (sfu/selection) and sealed into the batch, or one of the crew's, or held back until the pace clock
// gives its sender a turn - socket. Of a room's locks only that of its voices is on the way, of the packets of who
// speaks, and nobody waits for the network: a receiver that is too slow loses packets and asks for them, or for a
// keyframe.
//
// # Negotiation
//
// The server is the impolite side of perfect negotiation. The client offers first; from then on the server offers
// whenever the tracks that a peer wants and those that its lines carry differ. One offer is in flight at most; what
// changes meanwhile goes into the next, and rounds in quick succession are spaced. An offer that crosses ours is
// dropped. A connection that fails is replaced by a fresh one on both sides: a reset.
package sfu
