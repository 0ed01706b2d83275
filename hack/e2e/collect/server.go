// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/shop"
)

// Server owns a book and takes the reports of handlers.
type Server struct {
	listener net.Listener
	now      func() time.Time
	done     sync.WaitGroup

	// mu orders what is told: it is held for each request as a whole.
	mu       sync.Mutex
	book     *checker.Book
	sessions map[string]*session
	// count numbers the connections that there were.
	count  uint64
	closed bool
}

// session is one connection, which stands for one process.
type session struct {
	name string
	conn net.Conn
	// write orders replies; a question may come between the answers.
	write sync.Mutex
	out   *json.Encoder
}

func (s *session) send(r reply) error {
	s.write.Lock()
	defer s.write.Unlock()
	return s.out.Encode(r)
}

// Serve takes reports at the listener until Close. A handler's call is over callTime after its start.
func Serve(listener net.Listener, callTime time.Duration) *Server {
	s := &Server{listener: listener, now: time.Now, book: checker.NewBook(callTime), sessions: map[string]*session{}}
	s.done.Go(s.accept)
	return s
}

// Address is where handlers report to.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Publish is told of a message before it is published.
func (s *Server) Publish(event shop.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.Publish(event, s.now())
}

// Phase names what comes, for the pauses in it.
func (s *Server) Phase(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.Phase(name)
}

// Reject names the keys whose messages handlers are to reject from now on.
func (s *Server) Reject(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.Reject(keys...)
}

// Discard is told of a key whose parked messages are about to be discarded.
func (s *Server) Discard(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.Discard(key)
}

// Report is the present state.
func (s *Server) Report() checker.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.Report()
}

// Finish judges what can only be judged at the end, and reports.
func (s *Server) Finish() checker.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.Close(s.now())
	return s.book.Report()
}

// Close ends every connection.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for _, session := range s.sessions {
		err = errors.Join(err, session.conn.Close())
	}
	s.mu.Unlock()
	s.done.Wait()
	if err != nil {
		return fmt.Errorf("closing the collector: %w", err)
	}
	return nil
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // Closed, and nobody else would be accepted either.
		}
		if session := s.enter(conn); session != nil {
			s.done.Go(func() { s.attend(session) })
		}
	}
}

// enter makes a connection's session; nil when the server is closed.
func (s *Server) enter(conn net.Conn) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close() // Nothing was said on it.
		return nil
	}
	s.count++
	session := &session{name: fmt.Sprintf("process %d", s.count), conn: conn, out: json.NewEncoder(conn)}
	s.sessions[session.name] = session
	return session
}

// attend answers a process until it is gone.
func (s *Server) attend(session *session) {
	defer s.leave(session)
	in := json.NewDecoder(bufio.NewReader(session.conn))
	for {
		var r request
		if in.Decode(&r) != nil {
			return
		}
		if session.send(s.take(session, r)) != nil {
			return
		}
	}
}

func (s *Server) leave(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.Leave(session.name)
	delete(s.sessions, session.name)
	_ = session.conn.Close() // The peer is gone, or is to be.
}

// take enters a request into the book.
func (s *Server) take(session *session, r request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Start != nil:
		decision := s.book.Start(session.name, *r.Start, s.now())
		s.ask(decision)
		return reply{Started: &started{r.Start.ID, decision}}
	case r.End != nil:
		return reply{Ended: &ended{r.End.ID, s.book.End(session.name, r.End.ID, r.End.Outcome, s.now())}}
	case r.Alive != nil:
		s.book.Answer(session.name, r.Alive.Number)
	}
	return reply{}
}

// ask asks a process whether it lives. One that cannot be asked has its connection ended by whoever attends to it.
func (s *Server) ask(decision checker.Decision) {
	asked := s.sessions[decision.Ask]
	if asked == nil {
		return
	}
	// Beside the lock: a process that was stopped does not read, and the question would wait with everybody's news.
	s.done.Go(func() { _ = asked.send(reply{Alive: &alive{decision.Number}}) })
}
