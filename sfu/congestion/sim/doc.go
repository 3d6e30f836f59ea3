// Package sim lets congestion control happen in virtual time: a bottleneck with its queue, three cameras in three
// encodings each and three voices, an SFU that drives a [congestion.Controller] just as package sfu does, and receivers
// that decode by dependency, ask for what is missing and send transport-wide feedback. 120 seconds take a fraction of
// one, and a seed makes all of it come out the same, bit by bit.
//
// [Cases] are the scenarios of the acceptance with their limits. To print all of them, or to watch one:
//
//	go run ./sfu/congestion/report -table -seeds 5
//	go run ./sfu/congestion/report -table -seeds 5 -only 2,3,7
//	go run ./sfu/congestion/report -trace 2a -seed 3
//	TRACE=1 go test -run TestAcceptance02 -v ./sfu/congestion
//
// The oracle's greedy ladder, the score and the other measures are methods of [Result]. Times of a queue include the
// packet's own sending.
package sim
