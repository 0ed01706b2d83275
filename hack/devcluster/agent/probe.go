// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// maxAnswer bounds what is read of a probe's or a hook's answer.
const maxAnswer = 10 << 10

// caller asks the processes of one pod.
type caller struct {
	ip string
	// ports are a container's by their names.
	ports map[string]int32
	http  *http.Client
}

// newCaller makes a caller for one container. Certificates are not verified, as the kubelet does not.
func newCaller(ip string, c corev1.Container) *caller {
	ports := map[string]int32{}
	for _, port := range c.Ports {
		ports[port.Name] = port.ContainerPort
	}
	return &caller{ip, ports, &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}}
}

func (c *caller) address(host string, port intstr.IntOrString) string {
	if host == "" {
		host = c.ip
	}
	number := port.IntVal
	if port.Type == intstr.String {
		number = c.ports[port.StrVal]
	}
	return net.JoinHostPort(host, fmt.Sprint(number))
}

// get asks by HTTP; anything but 2xx and 3xx is an error.
func (c *caller) get(ctx context.Context, action *corev1.HTTPGetAction) error {
	url := fmt.Sprintf("%s://%s/%s", strings.ToLower(string(action.Scheme)), c.address(action.Host, action.Port), strings.TrimPrefix(action.Path, "/"))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	for _, header := range action.HTTPHeaders {
		request.Header.Add(header.Name, header.Value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("%s is answered with %s", url, response.Status)
	}
	return nil
}

// ask makes one probe.
func (c *caller) ask(ctx context.Context, probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, seconds(max(probe.TimeoutSeconds, 1)))
	defer cancel()
	if probe.HTTPGet != nil {
		return c.get(ctx, probe.HTTPGet)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.address(probe.TCPSocket.Host, probe.TCPSocket.Port))
	if err != nil {
		return err
	}
	return conn.Close()
}

// watch probes until ctx ends, and tells each verdict: success or failure that has lasted for as many probes as the
// thresholds say. It tells only changes.
func (c *caller) watch(ctx context.Context, probe *corev1.Probe, tell func(error)) {
	timer := time.NewTimer(seconds(probe.InitialDelaySeconds))
	defer timer.Stop()
	var good, bad int32
	told, lastTold := false, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := c.ask(ctx, probe)
		if err == nil {
			good, bad = good+1, 0
		} else {
			good, bad = 0, bad+1
		}
		if passed := err == nil; (good >= max(probe.SuccessThreshold, 1) || bad >= max(probe.FailureThreshold, 1)) && (!told || passed != lastTold) {
			told, lastTold = true, passed
			tell(err)
		}
		timer.Reset(seconds(max(probe.PeriodSeconds, 1)))
	}
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
