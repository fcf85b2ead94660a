package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Request is what a handler learns beside its argument.
type Request struct {
	// FDs are the descriptors that came along. The handler takes the ones it wants with
	// Take; the rest are closed when it returns.
	FDs []int

	stream Stream
	hangup chan struct{}
	atEnd  *[]func()
}

// AtEnd has f called when the connection ends, whoever ends it and after whatever else it serves.
func (r *Request) AtEnd(f func()) { *r.atEnd = append(*r.atEnd, f) }

// Hangup returns a channel that is closed when the caller goes away. After a request that
// asked, the connection serves no other.
func (r *Request) Hangup() <-chan struct{} {
	if r.hangup == nil {
		r.hangup = make(chan struct{})
		go func() {
			// Whatever arrives while a request is being answered ends the connection.
			_, fds, _ := r.stream.Recv(make([]byte, 1))
			closeFDs(r.stream, fds)
			close(r.hangup)
		}()
	}
	return r.hangup
}

// Take hands the descriptors over to the caller, which closes them one day.
func (r *Request) Take() []int {
	fds := r.FDs
	r.FDs = nil
	return fds
}

// Server is a table of handlers. Fill it with Handle, then Serve each connection on a
// goroutine of its own. Handlers of different connections run side by side.
type Server struct {
	handlers map[string]func(*Request, json.RawMessage) (any, error)
	answers  sync.RWMutex // read-locked by each request until it is answered
}

// NewServer returns a server that refuses everything.
func NewServer() *Server {
	return &Server{handlers: make(map[string]func(*Request, json.RawMessage) (any, error))}
}

// Handle makes f answer m. An error of type *Error reaches the caller with its exit code,
// any other as text.
func Handle[A, R any](s *Server, m Method[A, R], f func(r *Request, args *A) (R, error)) {
	if s.handlers[m.Name] != nil {
		panic("control: second handler for " + m.Name)
	}
	s.handlers[m.Name] = func(r *Request, raw json.RawMessage) (any, error) {
		args := new(A)
		if len(raw) != 0 {
			if err := json.Unmarshal(raw, args); err != nil {
				return nil, fmt.Errorf("%s: malformed arguments: %w", m.Name, err)
			}
		}
		return f(r, args)
	}
}

// Serve answers the requests of one connection until the other side closes it or breaks the
// protocol, and closes it.
func (s *Server) Serve(stream Stream) {
	var atEnd []func()
	defer func() {
		stream.Close()
		for _, f := range atEnd {
			f()
		}
	}()
	for {
		var req request
		fds, err := recv(stream, &req)
		if err != nil {
			return
		}
		r := &Request{FDs: fds, stream: stream, atEnd: &atEnd}
		s.answers.RLock()
		out := s.answer(r, &req)
		closeFDs(stream, r.FDs)
		err = send(stream, out, nil)
		s.answers.RUnlock()
		if err != nil || r.hangup != nil {
			return
		}
	}
}

// Finish returns when every request that has come is answered, or when that has taken so long. No other is answered.
func (s *Server) Finish(most time.Duration) {
	answered := make(chan struct{})
	go func() {
		s.answers.Lock()
		close(answered)
	}()
	select {
	case <-answered:
	case <-time.After(most):
	}
}

func (s *Server) answer(r *Request, req *request) *reply {
	h := s.handlers[req.Method]
	if h == nil {
		return &reply{Error: fmt.Sprintf("the sandbox does not support %q", req.Method)}
	}
	if req.Files != len(r.FDs) {
		return &reply{Error: fmt.Sprintf("%s: %d descriptors announced, %d arrived", req.Method, req.Files, len(r.FDs))}
	}
	result, err := h(r, req.Args)
	if err != nil {
		out := &reply{Error: err.Error()}
		var e *Error
		if errors.As(err, &e) {
			out.Code = e.Code
		}
		return out
	}
	b, err := json.Marshal(result)
	if err != nil {
		return &reply{Error: err.Error()}
	}
	return &reply{Result: b}
}
