// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// dialTimeout bounds one attempt at a connection; it is the client library's own.
const dialTimeout = 2 * time.Second

// creds is the option for a credentials file: a JWT, and the seed of the key that it names.
func (c *credentials) creds(o *client.Options) error {
	from := c.settings.Source.NATS.Auth.Creds
	o.UserJWT = func() (string, error) {
		text, err := c.read(from.SecretName, from.Key)
		if err != nil {
			return "", err
		}
		jwt, err := nkeys.ParseDecoratedJWT(text)
		if err != nil {
			return "", c.unfit(from.SecretName, from.Key, "user JWT")
		}
		return jwt, nil
	}
	o.SignatureCB = func(nonce []byte) ([]byte, error) {
		text, err := c.read(from.SecretName, from.Key)
		if err != nil {
			return nil, err
		}
		pair, err := nkeys.ParseDecoratedUserNKey(text)
		if err != nil {
			return nil, c.unfit(from.SecretName, from.Key, "user seed")
		}
		defer pair.Wipe()
		return pair.Sign(nonce)
	}
	return nil
}

// nkey is the option for the seed of an NKey. The client library wants the public key before it connects, and another
// seed has another public key, so it is found again whenever the library dials.
func (c *credentials) nkey(o *client.Options) error {
	o.Nkey = c.publicKey()
	o.SignatureCB = func(nonce []byte) ([]byte, error) {
		pair, err := c.seed()
		if err != nil {
			return nil, err
		}
		defer pair.Wipe()
		return pair.Sign(nonce)
	}
	o.CustomDialer = &seedDialer{credentials: c}
	return nil
}

func (c *credentials) seed() (nkeys.KeyPair, error) {
	from := c.settings.Source.NATS.Auth.NKey
	text, err := c.read(from.SecretName, from.Key)
	if err != nil {
		return nil, err
	}
	pair, err := nkeys.FromSeed(bytes.TrimSpace(text))
	if err != nil {
		return nil, c.unfit(from.SecretName, from.Key, "seed of an NKey")
	}
	return pair, nil
}

// publicKey is "" when there is no seed; the trouble is noted.
func (c *credentials) publicKey() string {
	pair, err := c.seed()
	if err != nil {
		return ""
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err != nil {
		return ""
	}
	return public
}

// seedDialer dials, and finds the public key again before.
type seedDialer struct {
	credentials *credentials
	// conn is the connection whose options follow the seed; nil until the client library has returned it.
	conn atomic.Pointer[client.Conn]
}

// Dial implements the client library's CustomDialer. The library holds the lock of the connection's options meanwhile,
// and reads the key only later, in the same goroutine.
func (d *seedDialer) Dial(network, address string) (net.Conn, error) {
	if conn := d.conn.Load(); conn != nil {
		conn.Opts.Nkey = d.credentials.publicKey()
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	return new(net.Dialer).DialContext(ctx, network, address)
}
