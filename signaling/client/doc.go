// Package client takes part in calls as a browser does, without one: it logs in over HTTP, speaks the contract of
// docs/protocol.md on the websocket, publishes a small synthetic picture and tone, and counts what it receives. It
// shares message types with the server and none of its code.
//
// [LogIn] gives an [Account], [Account.Dial] a [Client], which is one websocket and, while it is in a room, one
// RTCPeerConnection. A Client is one loop that owns all of that; its methods only post to it. What it has seen so far
// is in [Client.Snapshot], and [Client.Await] waits for it to become something.
//
// pion has no rollback. So, as the contract asks of such a client, all that will ever be sent is in the first offer,
// there is no second one, and a collision of that offer with one of the server is answered by a reset.
package client
