// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"crypto/tls"
	"crypto/x509"

	client "github.com/nats-io/nats.go"
)

// tls is the option for TLS: whom to trust, and who we are.
func (c *credentials) tls(o *client.Options) error {
	o.Secure = true
	o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	from := c.settings.Source.NATS.TLS
	if from.CA != nil {
		o.RootCAsCB = func() (*x509.CertPool, error) { return c.authorities(from.CA.SecretName, from.CA.Key) }
	}
	if secret := from.ClientCertSecretName; secret != nil {
		o.TLSCertCB = func() (tls.Certificate, error) { return c.certificate(*secret) }
	}
	return nil
}

func (c *credentials) authorities(secret, key string) (*x509.CertPool, error) {
	text, err := c.read(secret, key)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, c.unfit(secret, key, "certificate in PEM form")
	}
	return pool, nil
}

// certificate reads a Secret of type kubernetes.io/tls.
func (c *credentials) certificate(secret string) (tls.Certificate, error) {
	certificate, err := c.read(secret, "tls.crt")
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := c.read(secret, "tls.key")
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, c.unfit(secret, "tls.crt", "certificate that fits the key tls.key")
	}
	return pair, nil
}
