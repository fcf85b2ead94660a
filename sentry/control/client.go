package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrGone says that the sandbox ended, or never listened: its socket is closed.
var ErrGone = errors.New("the sandbox is not running")

// Client is one connection to a sandbox: one call at a time.
type Client struct{ stream Stream }

// NewClient speaks the protocol on stream.
func NewClient(stream Stream) *Client { return &Client{stream} }

// Close ends the connection.
func (c *Client) Close() { c.stream.Close() }

// Call asks m of the sandbox and waits for the answer. The files are sent along; the caller
// keeps its own. A refusal is an *Error; a sandbox that died is ErrGone.
func Call[A, R any](c *Client, m Method[A, R], args A, files ...*os.File) (R, error) {
	var result R
	raw, err := json.Marshal(args)
	if err != nil {
		return result, err
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	if err := send(c.stream, &request{m.Name, raw, len(fds)}, fds); err != nil {
		return result, fmt.Errorf("%s: %w (%v)", m.Name, ErrGone, err)
	}
	var rep reply
	got, err := recv(c.stream, &rep)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return result, fmt.Errorf("%s: %w: it ended before it answered", m.Name, ErrGone)
		}
		return result, fmt.Errorf("%s: %w", m.Name, err)
	}
	closeFDs(c.stream, got)
	if rep.Error != "" {
		return result, &Error{rep.Error, rep.Code}
	}
	if err := json.Unmarshal(rep.Result, &result); err != nil {
		return result, fmt.Errorf("%s: malformed answer: %w", m.Name, err)
	}
	return result, nil
}
