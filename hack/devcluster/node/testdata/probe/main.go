// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command probe is what the node's test runs in pods. Its first argument says what it does:
//
//	serve      asks the API server who it is, by its service account; then answers on port 8080 until it is told to end
//	call URL   prints what the URL answers, as soon as it does
//	fail       exits with 3
//	stubborn   lives on when it is told to end
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(what string, args []string) error {
	switch what {
	case "serve":
		return serve()
	case "call":
		return call(args[0])
	case "fail":
		os.Exit(3)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("I stay")
		select {}
	}
	return fmt.Errorf("%q is nothing I can do", what)
}

// call asks until there is an answer: a service gets its endpoints some time after its pod is ready.
func call(url string) error {
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get(url)
		if err == nil || time.Now().After(end) {
			return show(answer, err)
		}
		fmt.Println(err)
	}
}

func serve() error {
	if err := askAPI(); err != nil {
		return err
	}
	go func() {
		err := http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "served from ", os.Getenv("HOSTNAME"))
		}))
		fmt.Println(err)
	}()
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	return nil
}

func askAPI() error {
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	api := "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	question := []byte(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`)
	request, err := http.NewRequest(http.MethodPost, api+"/apis/authentication.k8s.io/v1/selfsubjectreviews", bytes.NewReader(question))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	return show(answer, err)
}

func show(answer *http.Response, err error) error {
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(body))
	return errors.Join(err, answer.Body.Close())
}
