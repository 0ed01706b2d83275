// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"convoy.dev/convoy/api/v1alpha1"
)

// login is one way to prove who one is: what the server demands, what the pool says, and what is in the Secret "login".
type login struct {
	server func(*server.Options)
	pool   func(*v1alpha1.NATSSource)
	files  map[string]string
	// silent must not appear in any error or log.
	silent []string
}

// kinds are all ways to log in. What a kind returns makes another login of the kind at each call.
var kinds = map[string]func(*testing.T) func() login{
	"userPassword": each(userPassword), "token": each(token), "nkey": each(nkey), "creds": creds, "tls": each(serverTLS), "mutualTLS": each(mutualTLS),
}

// each makes a kind whose logins have nothing in common.
func each(kind func(*testing.T) login) func(*testing.T) func() login {
	return func(t *testing.T) func() login {
		t.Helper()
		return func() login { return kind(t) }
	}
}

func secret(t *testing.T) string {
	t.Helper()
	return rand.Text()
}

func userPassword(t *testing.T) login {
	t.Helper()
	user, password := secret(t), secret(t)
	return login{
		server: func(o *server.Options) { o.Username, o.Password = user, password },
		pool: func(s *v1alpha1.NATSSource) {
			s.Auth = &v1alpha1.NATSAuth{UserPassword: &v1alpha1.NATSUserPassword{SecretName: "login", PasswordKey: new("pass")}}
		},
		files: map[string]string{"username": user, "pass": password + "\n"}, silent: []string{password},
	}
}

func token(t *testing.T) login {
	t.Helper()
	text := secret(t)
	return login{
		server: func(o *server.Options) { o.Authorization = text },
		pool: func(s *v1alpha1.NATSSource) {
			s.Auth = &v1alpha1.NATSAuth{Token: &v1alpha1.SecretKey{SecretName: "login", Key: "token"}}
		},
		files: map[string]string{"token": text}, silent: []string{text},
	}
}

// pair makes a key pair and returns its seed and public key.
func pair(t *testing.T, create func() (nkeys.KeyPair, error)) (key nkeys.KeyPair, seed, public string) {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err = key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, string(text), public
}

func nkey(t *testing.T) login {
	t.Helper()
	_, seed, public := pair(t, nkeys.CreateUser)
	return login{
		server: func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} },
		pool: func(s *v1alpha1.NATSSource) {
			s.Auth = &v1alpha1.NATSAuth{NKey: &v1alpha1.SecretKey{SecretName: "login", Key: "seed"}}
		},
		files: map[string]string{"seed": seed + "\n"}, silent: []string{seed},
	}
}

// unlimited lets an account use JetStream.
var unlimited = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}

// creds makes an operator and an account, which stay, since streams belong to an account. Each login has a signing key of
// its own, and the server knows that one alone.
func creds(t *testing.T) func() login {
	t.Helper()
	operator, _, operatorKey := pair(t, nkeys.CreateOperator)
	_, _, accountKey := pair(t, nkeys.CreateAccount)
	_, _, systemKey := pair(t, nkeys.CreateAccount)
	trusted := jwt.NewOperatorClaims(operatorKey)
	trusted.SystemAccount = systemKey
	encoded := func(claims jwt.Claims, by nkeys.KeyPair) string {
		t.Helper()
		text, err := claims.Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return func() login {
		signer, _, signerKey := pair(t, nkeys.CreateAccount)
		account := jwt.NewAccountClaims(accountKey)
		account.Limits.JetStreamLimits = unlimited
		account.SigningKeys.Add(signerKey)
		accounts := &server.MemAccResolver{}
		for key, text := range map[string]string{accountKey: encoded(account, operator), systemKey: encoded(jwt.NewAccountClaims(systemKey), operator)} {
			if err := accounts.Store(key, text); err != nil {
				t.Fatal(err)
			}
		}
		_, seed, public := pair(t, nkeys.CreateUser)
		user := jwt.NewUserClaims(public)
		user.IssuerAccount = accountKey
		file, err := jwt.FormatUserConfig(encoded(user, signer), []byte(seed))
		if err != nil {
			t.Fatal(err)
		}
		return login{
			server: func(o *server.Options) {
				o.TrustedOperators, o.AccountResolver, o.SystemAccount = []*jwt.OperatorClaims{trusted}, accounts, systemKey
			},
			pool: func(s *v1alpha1.NATSSource) {
				s.Auth = &v1alpha1.NATSAuth{Creds: &v1alpha1.SecretKey{SecretName: "login", Key: "user.creds"}}
			},
			files: map[string]string{"user.creds": string(file)}, silent: []string{seed},
		}
	}
}

// authority is a certificate authority.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	_, a.pem, a.key = a.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	block, _ := pem.Decode([]byte(a.pem))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a.certificate = certificate
	return a
}

// issue signs a certificate; the first one is the authority's own.
func (a *authority) issue(t *testing.T, template *x509.Certificate) (pair tls.Certificate, text string, key *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.NotBefore, template.NotAfter = time.Unix(0, 0), time.Unix(1<<33, 0)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func serverTLS(t *testing.T) login {
	t.Helper()
	a := newAuthority(t)
	certificate, _, _ := a.issue(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	return login{
		server: func(o *server.Options) {
			o.TLS, o.TLSConfig = true, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		},
		pool: func(s *v1alpha1.NATSSource) {
			s.TLS = &v1alpha1.NATSTLS{CA: &v1alpha1.SecretKey{SecretName: "login", Key: "ca.crt"}}
		},
		files: map[string]string{"ca.crt": a.pem},
	}
}

func mutualTLS(t *testing.T) login {
	t.Helper()
	l := serverTLS(t)
	clients := newAuthority(t)
	_, certificate, key := clients.issue(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	outer, pool := l.server, l.pool
	l.server = func(o *server.Options) {
		outer(o)
		o.TLSVerify, o.TLSConfig.ClientAuth, o.TLSConfig.ClientCAs = true, tls.RequireAndVerifyClientCert, clients.pool()
	}
	l.pool = func(s *v1alpha1.NATSSource) {
		pool(s)
		s.TLS.ClientCertSecretName = new("login")
	}
	l.files["tls.crt"], l.files["tls.key"] = certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	l.silent = []string{l.files["tls.key"]}
	return l
}

// mount writes the Secret's files.
func (l *login) mount(t *testing.T, directory string) {
	t.Helper()
	for name, text := range l.files {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
