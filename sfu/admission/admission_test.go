package admission

import (
	"net"
	"testing"
	"time"
)

// fake is a connection that notes what happens to it.
type fake struct {
	closed   bool
	deadline time.Time
}

func (f *fake) Close() error {
	f.closed = true
	return nil
}

func (f *fake) SetReadDeadline(t time.Time) error {
	f.deadline = t
	return nil
}

func TestAdmission(t *testing.T) {
	counted := 0
	s := NewSet[*fake](Limits{Connections: 3, Pending: 2, PendingFor: time.Minute})
	add := func(wantEvicted, wantOK bool) *fake {
		t.Helper()
		f := new(fake)
		if evicted, ok := s.Add(f, func() { counted++ }); evicted != wantEvicted || ok != wantOK {
			t.Errorf("evicted %v, ok %v", evicted, ok)
		}
		return f
	}
	first, second := add(false, true), add(false, true)
	if first.deadline.IsZero() {
		t.Error("a pending connection has all the time")
	}
	third := add(true, true) // in the place of the first, also among all
	if !first.closed || second.closed || s.Size() != 2 {
		t.Errorf("closed %v and %v; %d there", first.closed, second.closed, s.Size())
	}
	s.Settle(second)
	if !second.deadline.IsZero() {
		t.Error("a settled connection has a deadline")
	}
	fourth := add(false, true)
	add(false, false) // full
	if s.Release(first) || !s.Release(third) || third.closed || !third.deadline.IsZero() {
		t.Error("released wrongly")
	}
	s.Unsettle(second)
	s.Unsettle(first) // which is gone
	if second.deadline.IsZero() || s.Size() != 2 {
		t.Errorf("%v, %d there", second.deadline, s.Size())
	}
	s.Remove(fourth)
	if !fourth.closed || s.Size() != 1 {
		t.Errorf("%v, %d there", fourth.closed, s.Size())
	}
	s.Close()
	if !second.closed || third.closed || s.Size() != 0 {
		t.Error("closed wrongly")
	}
	add(false, false)
	if counted != 4 {
		t.Errorf("%d counted", counted)
	}
}

// flaky is a listener that fails now and then.
type flaky struct {
	net.Listener
	errs []error
}

func (f *flaky) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return nil, net.ErrClosed
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	if err != nil {
		return nil, err
	}
	c, _ := net.Pipe()
	return c, nil
}

func TestAcceptGoesOnAfterAFault(t *testing.T) {
	served := 0
	Accept(&flaky{errs: []error{nil, net.ErrWriteToConnected, net.ErrWriteToConnected, nil}}, func(c net.Conn) {
		served++
		_ = c.Close()
	})
	if served != 2 {
		t.Errorf("%d served", served)
	}
}
