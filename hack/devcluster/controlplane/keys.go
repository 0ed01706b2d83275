// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"time"
)

// validity of the certificates: longer than any development cluster runs. They begin an hour ago for skewed clocks.
const validity = 365 * 24 * time.Hour

// keySet holds PEM blocks. The certificate authority's own key is forgotten when all is signed.
type keySet struct {
	caCert            []byte
	servingCert       []byte
	servingKey        []byte
	kubeletClientCert []byte
	kubeletClientKey  []byte
	serviceAccountKey []byte
}

// generateKeys makes what an API server needs that is reached at the given address and at loopback.
func generateKeys(at netip.Addr) (keySet, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keySet{}, err
	}
	authority := authority{caTemplate(), caKey}
	keys := keySet{}
	if keys.caCert, err = authority.sign(authority.certificate, caKey); err != nil {
		return keySet{}, err
	}
	if keys.servingCert, keys.servingKey, err = authority.issue(servingTemplate(at)); err != nil {
		return keySet{}, err
	}
	if keys.kubeletClientCert, keys.kubeletClientKey, err = authority.issue(kubeletClientTemplate()); err != nil {
		return keySet{}, err
	}
	serviceAccountKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keySet{}, err
	}
	if keys.serviceAccountKey, err = encodeKey(serviceAccountKey); err != nil {
		return keySet{}, err
	}
	return keys, nil
}

func caTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "devcluster-ca"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(validity),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
}

func servingTemplate(at netip.Addr) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "kube-apiserver"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), at.AsSlice(), firstServiceAddress()},
		DNSNames:     []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
	}
}

// kubeletClientTemplate names the API server as a kubelet sees it. The group may do everything, which includes the
// kubelet's API.
func kubeletClientTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(3),
		Subject:      pkix.Name{CommonName: "kube-apiserver", Organization: []string{"system:masters"}},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// firstServiceAddress is the address of the service "kubernetes": the API server gives it the first one.
func firstServiceAddress() net.IP {
	return netip.MustParsePrefix(ServiceCIDR).Addr().Next().AsSlice()
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue makes a key and a certificate for it.
func (a authority) issue(certificate *x509.Certificate) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if certPEM, err = a.sign(certificate, key); err != nil {
		return nil, nil, err
	}
	keyPEM, err = encodeKey(key)
	return certPEM, keyPEM, err
}

func (a authority) sign(certificate *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, certificate, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
