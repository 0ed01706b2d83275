// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// NATSAuth is how a pool proves to NATS servers who it is. Exactly one member is set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.userPassword), has(self.token), has(self.nkey), has(self.creds)].exists_one(set, set)",message="set exactly one of userPassword, token, nkey and creds; leave auth out for servers that ask for nothing"
type NATSAuth struct {
	// userPassword is a user name with its password. Example: {secretName: nats-login}.
	// +optional
	UserPassword *NATSUserPassword `json:"userPassword,omitempty"`

	// token is a shared token. Example: {secretName: nats-token, key: token}.
	// +optional
	Token *SecretKey `json:"token,omitempty"`

	// nkey is the seed of an NKey, a text that begins with SU. Example: {secretName: nats-nkey, key: seed}.
	// +optional
	NKey *SecretKey `json:"nkey,omitempty"`

	// creds is a credentials file (user JWT and seed) as `nsc generate creds` writes it.
	// Example: {secretName: nats-orders, key: orders.creds}.
	// +optional
	Creds *SecretKey `json:"creds,omitempty"`
}

// NATSUserPassword is a Secret with a user name and a password; Secrets of type kubernetes.io/basic-auth fit as they
// are.
type NATSUserPassword struct {
	// secretName is the name of the Secret in the pool's namespace, up to 253 characters. Example: nats-login.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,message="a Secret's name is of lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit: copy it from `kubectl get secrets`"
	SecretName string `json:"secretName,omitempty"`

	// usernameKey is the key of the user name in the Secret, up to 253 characters. Default: username. Example: user.
	// +optional
	// +default="username"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')`,message="a key of a Secret is of letters, digits, '-', '_' and '.', and does not begin with '..': copy it from `kubectl describe secret`"
	UsernameKey *string `json:"usernameKey,omitempty"`

	// passwordKey is the key of the password in the Secret, up to 253 characters. Default: password. Example: pass.
	// +optional
	// +default="password"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')`,message="a key of a Secret is of letters, digits, '-', '_' and '.', and does not begin with '..': copy it from `kubectl describe secret`"
	PasswordKey *string `json:"passwordKey,omitempty"`
}

// NATSTLS demands TLS and says whom to trust.
type NATSTLS struct {
	// ca is a bundle of certificate authorities in PEM form, which are then the only ones trusted. Default: the system's.
	// Example: {secretName: nats-ca, key: ca.crt}.
	// +optional
	CA *SecretKey `json:"ca,omitempty"`

	// clientCertSecretName is the name of a Secret of type kubernetes.io/tls in the pool's namespace, up to 253
	// characters: the certificate with which the pool proves who it is. Default: none. May be combined with auth.
	// Example: nats-client.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,message="a Secret's name is of lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit: copy it from `kubectl get secrets`"
	ClientCertSecretName *string `json:"clientCertSecretName,omitempty"`
}

// SecretKey is one key of a Secret in the pool's namespace.
type SecretKey struct {
	// secretName is the name of the Secret, up to 253 characters. A Secret that does not exist yet is waited for.
	// Example: nats-orders.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,message="a Secret's name is of lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit: copy it from `kubectl get secrets`"
	SecretName string `json:"secretName,omitempty"`

	// key is the key in the Secret, up to 253 characters. Example: orders.creds.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')`,message="a key of a Secret is of letters, digits, '-', '_' and '.', and does not begin with '..': copy it from `kubectl describe secret`"
	Key string `json:"key,omitempty"`
}
