// Package bwe estimates, at the sender, how much bandwidth the path to a subscriber has, and sends probes for more.
//
// An [Estimator] hears of every packet that is sent and, from transport-wide feedback
// (draft-holmer-rmcat-transport-wide-cc-extensions-01), when it arrived. It is a pure machine with one owner: time is
// handed in. Its estimate is of what arrives, in bit/s, everything counted. It rests on these observations:
//
//   - Queueing delay (delays): one-way delay over the least one of the last 15 to 30 s. What counts is the least of the
//     packets of 160 ms, and of the newest 60 ms: bursts of frames make single packets late, a queue makes all of them.
//     That it grows, or stays above 40 ms, is congestion; the trend alone (draft-ietf-rmcat-gcc-02, 5.3) would be
//     set off by every keyframe.
//   - Noise: radio links let packets come late, in bunches, though nothing waits. While many come faster than the
//     bottleneck lets them, the least delay of the last 1.5 to 3 s, at most 15 ms, is no queue.
//   - Capacity (samples.busy): while packets come out of a queue that is never empty, they come at the rate of the
//     bottleneck. It is measured whenever there is a queue: in congestion, and by a probe that fills the path. It needs
//     about 80 ms and is exact to a percent on a wired link.
//   - Forecast: the queue that each packet should find if the capacity still were what was measured. If packets find
//     much less, there is more by now, and a probe is due at once. Without that sign probes can be rare.
//   - Loss (losses): packets lost next to others that waited as long as any are of a full queue; the rest is inherent
//     to the path and no reason to send less.
//   - The link's rate (link), by the distance of packets sent together: whether others send through it too. Who has
//     more than half of it then gives way, and who has less neither loses more nor waits long with the next probe, so
//     that shares become equal, which equal reactions to the same queue do not achieve.
//
// In congestion the estimate becomes the measured capacity, less a little that grows with its duration. It is the
// pacer, which knows the queue ([Estimator.Backlog]), that drains it, not a lower estimate. Afterwards it is 98.5 % of
// the capacity.
//
// Nothing but probes raises the estimate, apart from packets arriving at a higher rate: what an application does not
// send tells nothing. A [Prober] sends padding besides the media for 80 to 300 ms, so little that its harm is bounded.
// If the queue does not rise, the path carries the rate; if it does, it has measured the capacity, as well.
//
// Without feedback for 0.5 s nothing grows, after 1 s the estimate is halved, after 2 s only audio may be sent
// ([Estimator.Blind]; after RFC 8083, 4.1). With the first feedback a probe looks whether everything is as before.
// Where transport-wide feedback never comes, REMB (draft-alvestrand-rmcat-remb-03), or loss and round trip in receiver
// reports (RFC 3550, 6.4.1), are the fallback, without probes.
package bwe
