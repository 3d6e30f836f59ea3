package sfu

import "errors"

var (
	// ErrDescription wraps what is wrong with a description from the participant.
	ErrDescription = errors.New("bad description")
	// ErrCandidate wraps what is wrong with a candidate from the participant.
	ErrCandidate = errors.New("bad candidate")
	// ErrLimit wraps of what the participant has more than one may.
	ErrLimit = errors.New("limit")
	// ErrClosed is returned by operations on a closed SFU or peer.
	ErrClosed = errors.New("closed")
)
