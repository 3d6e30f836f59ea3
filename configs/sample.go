package configs

import _ "embed"

//go:embed parley.yaml
var sample string // constant but for the embedding

// Sample is the shipped configuration file: every key with its default and a comment.
func Sample() string { return sample }
