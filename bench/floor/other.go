//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
)

var errUnsupported = errors.New("linux only")

func serveSink(Params, string, io.Reader, io.Writer) error { return errUnsupported }

func measure(context.Context, Params) (Report, error) { return Report{}, errUnsupported }
