package main

import (
	"context"
	"errors"
	"log/slog"

	"parley/configs"
)

// run stands in for the wiring.
func run(context.Context, configs.Config, *slog.Logger, func(url string)) error {
	return errors.New("nothing is wired up yet")
}
