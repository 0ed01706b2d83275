// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	client "github.com/nats-io/nats.go"

	"convoy.dev/convoy/api/v1alpha1"
)

// credentials reads secrets from their files, each time that a connection is made: Kubernetes changes the files when a
// Secret changes. Errors name the Secret and the key, never what is in it.
type credentials struct {
	settings *v1alpha1.WorkerSettings
	// trouble is what could not be read last, nil when everything could. The client library tells nobody.
	trouble atomic.Pointer[error]
}

// options are the options of the client library by which it asks for what it needs at each connection.
func (c *credentials) options() []client.Option {
	source := c.settings.Source.NATS
	var options []client.Option
	if auth := source.Auth; auth != nil {
		switch {
		case auth.UserPassword != nil:
			options = append(options, client.UserInfoHandler(c.userPassword))
		case auth.Token != nil:
			options = append(options, client.TokenHandler(c.token))
		case auth.Creds != nil:
			options = append(options, c.creds)
		case auth.NKey != nil:
			options = append(options, c.nkey)
		}
	}
	if source.TLS != nil {
		options = append(options, c.tls)
	}
	return options
}

// read returns one key of a Secret.
func (c *credentials) read(secret, key string) ([]byte, error) {
	file, err := c.settings.File(secret, key)
	if err != nil {
		return nil, c.note(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, c.note(fmt.Errorf("reading the Secret %q: %w", secret, err))
	}
	return text, nil
}

// note keeps an error for whoever asks why there is no connection.
func (c *credentials) note(err error) error {
	c.trouble.Store(&err)
	return err
}

// unfit is the error for a key whose content is not what it should be.
func (c *credentials) unfit(secret, key, what string) error {
	return c.note(fmt.Errorf("reading the Secret %q: key %q has no %s", secret, key, what))
}

// line is a secret of one line; editors like to end it. One that cannot be read is empty: the server refuses it, and the
// trouble is told with that.
func (c *credentials) line(secret, key string) string {
	text, err := c.read(secret, key)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(text), "\r\n")
}

func (c *credentials) userPassword() (user, password string) {
	from := c.settings.Source.NATS.Auth.UserPassword
	return c.line(from.SecretName, *from.UsernameKey), c.line(from.SecretName, *from.PasswordKey)
}

func (c *credentials) token() string {
	from := c.settings.Source.NATS.Auth.Token
	return c.line(from.SecretName, from.Key)
}
