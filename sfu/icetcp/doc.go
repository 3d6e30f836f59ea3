// Package icetcp is ICE over TCP (RFC 6544): clients whose network lets no UDP through connect to the SFU, and send
// packets framed by their length (RFC 4571).
//
// A connection is to the media port what a relay is (see parley/sfu/egress): it has a made-up address, from which its
// packets are injected and to which the SFU sends. So pion, which knows the path as one of UDP, and everything that
// forwards need not know of TCP; and a client that does not read loses packets, while nobody waits for it.
package icetcp
