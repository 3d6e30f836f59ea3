package e2e

import (
	"os"
	"strconv"
	"testing"
)

// loops is how often something is to be repeated, which a variable of the environment may say.
func loops(t *testing.T, variable string, usual int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, which is no number of times", variable, text)
	}
	return n
}
