// Package signaling is the websocket of a participant and the rooms that tie participants together.
//
// One [Session] is one participant, on a websocket or on several, of which each resumes what the former had to leave
// (link.go). Three goroutines serve it, and whoever runs the session waits for all of them:
//
//	reader  size, rate and shape of what the client sends      reader.go, envelope.go
//	loop    the session's state, rights, the apps              session.go
//	writer  a queue bounded in bytes, with write deadlines     outbox.go
//
// The loop owns the state; everybody else posts to its mailbox, which never blocks and has a ceiling. A client that
// does not keep up with what it is told is cut off before it costs memory, and nobody waits for it.
//
// The [Hub] holds the sessions and the rooms. A room's mutex covers a change of its members together with the posts
// that announce it, so everybody sees the same joins and leaves in one order and nobody is told of somebody who has
// left. Each stay in a room is a member of its own, and the loop drops what a former one is still told. Who may do what
// there is decided by the room's [floor.Floor], under the same mutex; rights.go makes it true. Newcomers, raised hands
// and the header are told to all at most a few times a second (newcomers.go, pulse.go).
//
// A frame is an envelope of several apps: each key is an app, registered with [Hub.Register]. The keys hangup, join,
// signal and room are the session's own. In one frame hangup comes first, then join, then the apps in order of
// appearance. The app "rtc" (rtc.go) is built on the same seam: it asks a [Media] for a [Peer] when its session enters
// a room, and passes descriptions and candidates between the two. So is "chat" (chat.go): the room keeps the last of
// what was said, in a [chat.Chat] under its mutex. Who waits before a room is told who is in it by the hub's porch
// (porch.go).
//
// What a room is outlasts the process: its tick gives its floor and its chat to a [Memory] when they have changed, and
// it recalls them when it opens (kept.go).
//
// Nothing here assumes that the person it tells is connected to this process: telling one person or a room goes through
// [Session.Tell], [Session.TellRoom] and the room's own methods, and through nothing else.
package signaling
