// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plant

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Source is the name of the stream that is consumed.
const Source = "ORDERS"

// subjects are those of the source, subject begins that of a key's messages.
const (
	subject  = "orders."
	subjects = "orders.>"
)

// patience bounds how long a part may take to start or to end.
const patience = 30 * time.Second

// directory is the variable that makes a process a server, and says where it keeps its files.
const directory = "CONVOY_PLANT_SERVER"

// Main is called first by a program that starts servers: it does not return in a process that is to be one. Such a process ends
// with its standard input.
func Main() {
	files := os.Getenv(directory)
	if files == "" {
		return
	}
	running, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: files, NoSigs: true, NoLog: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go running.Start()
	if running.ReadyForConnections(patience) {
		fmt.Println(running.ClientURL())
		_, _ = io.Copy(io.Discard, os.Stdin) // However it ends, it is over.
	}
	running.Shutdown()
	running.WaitForShutdown()
	os.Exit(0)
}

// Server is a nats-server with the source, in a process of its own, and a client of it.
type Server struct {
	// URL is where it listens.
	URL       string
	JetStream jetstream.JetStream

	process *exec.Cmd
	life    io.Closer
	client  *nats.Conn
}

// Serve starts a server that keeps its files in the directory. The program has called Main.
func Serve(ctx context.Context, files string) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	s := &Server{process: exec.CommandContext(ctx, self)}
	s.process.Env = append(os.Environ(), directory+"="+files)
	s.process.Stderr = os.Stderr
	if s.life, err = s.process.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting a server: %w", err)
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a server: %w", err)
	}
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("starting a server: %w", err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		s.URL = strings.TrimSpace(url)
		err = s.connect(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting a server: %w", err), s.Close())
	}
	return s, nil
}

func (s *Server) connect(ctx context.Context) error {
	var err error
	if s.client, err = nats.Connect(s.URL); err != nil {
		return err
	}
	if s.JetStream, err = jetstream.New(s.client, jetstream.WithPublishAsyncMaxPending(1<<14)); err != nil {
		return err
	}
	_, err = s.JetStream.CreateStream(ctx, jetstream.StreamConfig{Name: Source, Subjects: []string{subjects}, AllowDirect: true})
	return err
}

// Publish sends a message to the source and does not wait for the answer.
func (s *Server) Publish(to string, data []byte) error {
	_, err := s.JetStream.PublishAsync(subject+to, data, jetstream.WithStallWait(patience))
	return err
}

// Close ends the server.
func (s *Server) Close() error {
	if s.client != nil {
		s.client.Close()
	}
	return errors.Join(s.life.Close(), s.process.Wait())
}
