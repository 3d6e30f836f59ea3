// Package auth decides who somebody is and what they may do: logging in with two names and no password, the session
// that follows from it, the credentials for the TURN server, and which origins may open a socket.
//
// It imports no sibling. Users and revocations are kept by whoever implements [Users] and [Revocations].
package auth
