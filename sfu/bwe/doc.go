// Package bwe estimates, at the sender, how much bandwidth the path to a subscriber has.
package bwe
