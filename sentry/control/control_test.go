package control

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// pipeStream is a Stream over two pipes; descriptors travel beside the bytes.
type pipeStream struct {
	r      io.ReadCloser
	w      io.WriteCloser
	fdIn   chan []int
	fdOut  chan []int
	closed []int
}

func newPair() (*pipeStream, *pipeStream) {
	ar, bw := io.Pipe()
	br, aw := io.Pipe()
	ab, ba := make(chan []int, 16), make(chan []int, 16)
	return &pipeStream{r: ar, w: aw, fdIn: ba, fdOut: ab}, &pipeStream{r: br, w: bw, fdIn: ab, fdOut: ba}
}

func (p *pipeStream) Recv(b []byte) (int, []int, error) {
	n, err := p.r.Read(b)
	if err == io.EOF {
		err = nil
	}
	var fds []int
	select {
	case fds = <-p.fdIn:
	default:
	}
	return n, fds, err
}

func (p *pipeStream) Send(b []byte, fds []int) error {
	if len(fds) > 0 {
		p.fdOut <- fds
	}
	_, err := p.w.Write(b)
	return err
}

func (p *pipeStream) CloseFD(fd int) { p.closed = append(p.closed, fd) }
func (p *pipeStream) Close()         { p.r.Close(); p.w.Close() }

func TestCall(t *testing.T) {
	a, b := newPair()
	s := NewServer()
	var taken []int
	Handle(s, Exec, func(r *Request, args *ExecArgs) (ExecResult, error) {
		if args.ID != "box" || args.Process.Args[0] != "ls" {
			t.Errorf("args = %+v", args)
		}
		taken = r.Take()
		return ExecResult{PID: 7}, nil
	})
	Handle(s, Wait, func(r *Request, args *WaitArgs) (WaitResult, error) {
		return WaitResult{}, &Error{"no such thing", 127}
	})
	Handle(s, Start, func(r *Request, args *Container) (Empty, error) { return Empty{}, nil })
	go s.Serve(b)
	c := NewClient(a)
	defer c.Close()

	got, err := Call(c, Exec, ExecArgs{ID: "box", Process: &specs.Process{Args: []string{"ls"}}}, os.Stdin, os.Stdout)
	if err != nil || got.PID != 7 {
		t.Fatalf("exec: %v, %v", got, err)
	}
	if len(taken) != 2 || len(b.closed) != 0 {
		t.Errorf("taken %v, closed %v", taken, b.closed)
	}
	var e *Error
	if _, err := Call(c, Wait, WaitArgs{}); !errors.As(err, &e) || e.Code != 127 {
		t.Errorf("wait: %v", err)
	}
	if _, err := Call(c, Start, Container{}, os.Stdin); err != nil {
		t.Errorf("start: %v", err)
	}
	if len(b.closed) != 1 {
		t.Errorf("a descriptor nobody took was not closed: %v", b.closed)
	}
	if _, err := Call(c, Pause, Container{}); err == nil || !strings.Contains(err.Error(), "does not support") {
		t.Errorf("pause: %v", err)
	}
}

// TestFinish: the end waits until those who have asked are answered, but not for ever.
func TestFinish(t *testing.T) {
	a, b := newPair()
	s := NewServer()
	asked, goOn := make(chan bool), make(chan bool)
	Handle(s, Start, func(r *Request, args *Container) (Empty, error) {
		asked <- true
		<-goOn
		return Empty{}, nil
	})
	go s.Serve(b)
	answered := make(chan error)
	go func() {
		_, err := Call(NewClient(a), Start, Container{})
		answered <- err
	}()
	<-asked
	finished := make(chan bool)
	go func() {
		s.Finish(time.Hour)
		close(finished)
	}()
	select {
	case <-finished:
		t.Error("the end does not wait")
	case <-time.After(10 * time.Millisecond):
	}
	goOn <- true
	if err := <-answered; err != nil {
		t.Error(err)
	}
	<-finished
	s = NewServer()
	s.answers.RLock()
	s.Finish(time.Millisecond)
}

func TestGone(t *testing.T) {
	a, b := newPair()
	go func() {
		buf := make([]byte, 4096)
		b.Recv(buf)
		b.Close()
	}()
	if _, err := Call(NewClient(a), State, Container{}); !errors.Is(err, ErrGone) {
		t.Errorf("err = %v, want ErrGone", err)
	}
}

// FuzzServe feeds a server bytes; it must return and never panic.
func FuzzServe(f *testing.F) {
	frame := func(s string) []byte { return append(binary.LittleEndian.AppendUint32(nil, uint32(len(s))), s...) }
	f.Add(frame(`{"Method":"start","Args":{"ID":"x"}}`))
	f.Add(frame(`{"Method":"exec","Args":{"Process":null},"Files":3}`))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		s := NewServer()
		Handle(s, Start, func(r *Request, args *Container) (Empty, error) { return Empty{}, nil })
		Handle(s, Exec, func(r *Request, args *ExecArgs) (ExecResult, error) { return ExecResult{}, nil })
		s.Serve(&bytesStream{in: bytes.NewReader(in)})
	})
}

// bytesStream reads from a slice and swallows what is sent.
type bytesStream struct{ in *bytes.Reader }

func (b *bytesStream) Recv(p []byte) (int, []int, error) { n, _ := b.in.Read(p); return n, nil, nil }
func (b *bytesStream) Send([]byte, []int) error          { return nil }
func (b *bytesStream) CloseFD(int)                       {}
func (b *bytesStream) Close()                            {}

func TestParseConfig(t *testing.T) {
	good := Config{ID: "x", Spec: &specs.Spec{Process: &specs.Process{}}}
	good.FD.Stdio = []int{0, 1, 2}
	b, err := good.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseConfig(b); err != nil {
		t.Errorf("good config: %v", err)
	}
	bad := good
	bad.Mounts = []Mount{{Destination: "/a", Type: "gofer", Attach: NoAttach}}
	b, _ = bad.Marshal()
	if _, err := ParseConfig(b); err == nil {
		t.Error("gofer mount without attach point accepted")
	}
	if _, err := ParseConfig(bytes.Replace(b, []byte(`"Version":1`), []byte(`"Version":9`), 1)); err == nil {
		t.Error("wrong version accepted")
	}
}
