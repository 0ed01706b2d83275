// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// longest is how much of an answer is read, in bytes: more than a worker with every lane of a pool has to say of a key.
const longest = 16 << 20

// Key asks the worker of a pod what it has of a key.
func (a *Asker) Key(ctx context.Context, pod client.ObjectKey, key string) ([]v1alpha1.KeyPeek, error) {
	connection, err := a.forward(ctx, pod)
	if err != nil {
		return nil, fmt.Errorf("reaching worker %s: %w", pod.Name, err)
	}
	asking, done := context.WithCancel(ctx)
	defer done()
	context.AfterFunc(asking, func() { _ = connection.Close() }) // Whoever reads from it hears of it.
	found, err := peek(ctx, connection, key)
	if err != nil {
		return nil, fmt.Errorf("asking worker %s: %w", pod.Name, cmp.Or(ctx.Err(), err))
	}
	return found, nil
}

// peek asks over a connection that forwards ports.
func peek(ctx context.Context, connection httpstream.Connection, key string) ([]v1alpha1.KeyPeek, error) {
	refusal, err := stream(connection, corev1.StreamTypeError)
	if err != nil {
		return nil, err
	}
	data, err := stream(connection, corev1.StreamTypeData)
	if err != nil {
		return nil, err
	}
	address := "http://convoy-worker" + v1alpha1.PeekPath + "?" + url.Values{v1alpha1.PeekParameter: {key}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Close = true
	if err := request.Write(data); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(data), request)
	if err != nil {
		return nil, unanswered(refusal, err)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, longest))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	var found []v1alpha1.KeyPeek
	return found, json.Unmarshal(text, &found)
}

// stream opens one of the two streams that a forwarded connection consists of: what is sent, and why it was refused.
func stream(connection httpstream.Connection, kind string) (httpstream.Stream, error) {
	headers := http.Header{}
	headers.Set(corev1.StreamType, kind)
	headers.Set(corev1.PortHeader, strconv.Itoa(v1alpha1.WorkerPort))
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	opened, err := connection.CreateStream(headers)
	if err == nil && kind == corev1.StreamTypeError {
		err = opened.Close() // Nothing is said on it from here.
	}
	return opened, err
}

// unanswered is why there is no answer: the kubelet's words, if it has any.
func unanswered(refusal io.Reader, err error) error {
	words, failed := io.ReadAll(io.LimitReader(refusal, longest))
	if failed != nil || len(words) == 0 {
		return err
	}
	return errors.New(strings.TrimSpace(string(words)))
}
