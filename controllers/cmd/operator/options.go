// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// options is the command line.
type options struct {
	namespaces   string
	image        string
	spans        string
	leaderElect  bool
	leaderSpace  string
	metrics      string
	metricsCerts string
	metricsOpen  bool
	probes       string
	kubeconfig   string
	logLevel     slog.Level
	version      bool
}

func bindFlags(flags *flag.FlagSet) *options {
	o := &options{}
	flags.StringVar(&o.namespaces, "watch-namespaces", "", "Namespaces whose pools to run, separated by commas. Default: all.")
	flags.StringVar(&o.image, "worker-image", "", "Image of the container convoy-worker, for pools that name none.")
	flags.StringVar(&o.spans, "worker-otlp-endpoint", "",
		"Where workers send the spans of messages: OTLP over HTTP, such as http://collector:4318. Default: nowhere. A change rolls every pool out.")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "Wait until no other operator leads.")
	flags.StringVar(&o.leaderSpace, "leader-election-namespace", "",
		"Namespace of the Lease by which operators elect a leader. Default: the operator's own.")
	flags.StringVar(&o.metrics, "metrics-bind-address", ":8443", "Address of the metrics endpoint; 0 turns it off.")
	flags.StringVar(&o.metricsCerts, "metrics-cert-dir", "",
		"Directory with tls.crt and tls.key for the metrics endpoint. Default: a certificate made at the start.")
	flags.BoolVar(&o.metricsOpen, "metrics-insecure", false,
		"Serve metrics over HTTP to everybody who can reach the endpoint. For development.")
	flags.StringVar(&o.probes, "health-probe-bind-address", ":8081", "Address of /healthz and /readyz; 0 turns them off.")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "File that says how to reach the API server. Default: as a pod does, else what KUBECONFIG names.")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "Least level to log: debug, info, warn or error.")
	flags.BoolVar(&o.version, "version", false, "Print the version and end.")
	return o
}

func (o *options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("what is %q? The operator takes flags only", rest[0])
	case o.metricsOpen && o.metricsCerts != "":
		return errors.New("--metrics-insecure needs no certificate: leave out one of --metrics-insecure and --metrics-cert-dir")
	}
	if at, err := url.Parse(o.spans); o.spans != "" && (err != nil || (at.Scheme != "http" && at.Scheme != "https") || at.Host == "" || at.User != nil) {
		return fmt.Errorf("--worker-otlp-endpoint is %q: write http://host:port or https://host:port, without a login", o.spans)
	}
	for _, namespace := range o.watched() {
		if namespace == "" {
			return errors.New("--watch-namespaces has an empty name: separate names by single commas")
		}
	}
	return nil
}

// watched is the namespaces to watch, nil for all.
func (o *options) watched() []string {
	if o.namespaces == "" {
		return nil
	}
	return strings.Split(o.namespaces, ",")
}
