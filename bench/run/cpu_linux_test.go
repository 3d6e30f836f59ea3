package main

import (
	"os"
	"testing"
	"time"
)

func TestUsedCPU(t *testing.T) {
	before, err := usedCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; { // work until it shows
		after, err := usedCPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after > before {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("no CPU time is used")
		}
	}
	if _, err := usedCPU(1 << 24); err == nil { // beyond what Linux numbers
		t.Error("a process that does not exist has used CPU time")
	}
}
