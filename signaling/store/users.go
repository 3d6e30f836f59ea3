package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"parley/auth"
)

// Create implements auth.Users. When it returns nil the user is on the disk.
func (s *Store) Create(ctx context.Context, user auth.User) error {
	value, err := json.Marshal(user)
	if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	_, err = s.users.Create(ctx, encode(user.Name), value)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return auth.ErrUserExists
	}
	if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	return nil
}

// Get implements auth.Users.
func (s *Store) Get(ctx context.Context, name string) (auth.User, error) {
	entry, err := s.users.Get(ctx, encode(name))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return auth.User{}, auth.ErrNoUser
	}
	if err != nil {
		return auth.User{}, fmt.Errorf("get user: %w", err)
	}
	var user auth.User
	if err := json.Unmarshal(entry.Value(), &user); err != nil {
		return auth.User{}, fmt.Errorf("get user: %w", err)
	}
	return user, nil
}
