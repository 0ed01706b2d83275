// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asProgram makes this test binary be the program of an image.
const asProgram = "AGENT_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if err := program(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// program is what tests run in pods: it exits at once if it is told so, or serves what it knows.
//
//	/             anything
//	/self         its arguments and variables
//	/file?path=   a file that it sees
//	/exit?code=   ends it
//	/gate         is answered when /open was asked
func program(args []string) error {
	if len(args) > 0 && args[0] == "exit" {
		code, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		os.Exit(code)
	}
	if os.Getenv("IGNORE_TERM") != "" {
		signal.Ignore(syscall.SIGTERM)
	}
	gate := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/self", func(w http.ResponseWriter, _ *http.Request) {
		env := map[string]string{}
		for _, e := range os.Environ() {
			name, value, _ := strings.Cut(e, "=")
			env[name] = value
		}
		_ = json.NewEncoder(w).Encode(self{os.Args[1:], env}) // The test sees what is missing.
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, r.FormValue("path"))
	})
	mux.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.FormValue("code")) // Tests write numbers.
		os.Exit(code)
	})
	mux.HandleFunc("/gate", func(http.ResponseWriter, *http.Request) { <-gate })
	mux.HandleFunc("/open", func(http.ResponseWriter, *http.Request) { close(gate) })
	return http.ListenAndServe(os.Getenv("POD_IP")+":"+os.Getenv("PORT"), mux)
}

type self struct {
	Args []string
	Env  map[string]string
}
