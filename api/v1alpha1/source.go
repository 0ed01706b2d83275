// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Source is what a pool consumes. Exactly one member is set; each is named for its broker.
//
// +kubebuilder:validation:XValidation:rule="[has(self.nats)].exists_one(set, set)",message="set exactly one source: nats"
type Source struct {
	// nats consumes a JetStream stream. Example: {servers: ["nats://nats:4222"], stream: ORDERS}.
	// +optional
	NATS *NATSSource `json:"nats,omitempty"`
}

// NATSSource is a JetStream stream: one shard, read in stream order. Stream, subjects and startFrom are fixed while
// lanes hold messages; servers, auth and tls may change at any time.
type NATSSource struct {
	// servers are the URLs of the NATS servers, in no order: 1 to 16, each scheme://host:port with the scheme nats, tls,
	// ws or wss; the port defaults to the scheme's. Any one that answers is used, the others are learned from it.
	// Credentials do not belong here but in auth. Example: ["nats://nats-0.nats:4222", "nats://nats-1.nats:4222"].
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^(nats|tls|ws|wss)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?)(:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))?/?$')`,message="write a server as scheme://host:port with the scheme nats, tls, ws or wss, for example nats://nats:4222; a port is 1 to 65535; credentials belong in auth"
	// +kubebuilder:validation:XValidation:rule="self.all(s, s.startsWith('ws')) || !self.exists(s, s.startsWith('ws'))",message="servers are reached either all by WebSocket (ws, wss) or none: give one kind"
	Servers []string `json:"servers,omitempty"`

	// stream is the name of the stream, up to 255 characters. It must exist: Convoy never makes, changes or deletes a
	// source. Example: ORDERS.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[^\s.*>/\\]+$')`,message="a stream name has no spaces, dots, '*', '>', '/' or '\\': copy it from `nats stream ls`"
	Stream string `json:"stream,omitempty"`

	// subjects narrows the pool to messages with these subjects, up to 8 of up to 128 characters each; wildcards are
	// allowed, but subjects must not overlap. Default: none, that is, every message of the stream. Only with Routed lanes:
	// Native lanes have subjects of their own. A message outside them is left alone and is no part of the backlog.
	// Example: ["orders.eu.>", "orders.us.>"].
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^(([^\s.*>]+|\*)(\.([^\s.*>]+|\*))*(\.>)?|>)$')`,message="write a subject as tokens with dots between them; '*' stands for one token, '>' for all that follow and comes last, for example orders.*.created or orders.>"
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.all(b, a == b || a.split('.').exists(i, t, i < size(b.split('.')) && !(t in ['*', '>']) && !(b.split('.')[i] in ['*', '>', t])) || (size(a.split('.')) < size(b.split('.')) && !a.endsWith('>')) || (size(b.split('.')) < size(a.split('.')) && !b.endsWith('>'))))",message="subjects overlap, which the broker refuses: remove the narrower ones"
	Subjects []string `json:"subjects,omitempty"`

	// startFrom says where a pool begins of which the broker holds no progress in this stream: a pool that has never read
	// it. As soon as there is progress that decides, after a change of fixed fields too (status.claim.state Empty): the
	// pool goes on behind what it has completed, and only for another stream startFrom is looked at again.
	// Default: {type: All}. Example: {type: New}.
	// +optional
	// +default={}
	StartFrom *StartFrom `json:"startFrom,omitempty"`

	// auth says how the pool proves who it is: exactly one member, each naming a Secret in the pool's namespace. Default:
	// none, for servers that ask for nothing. A changed Secret is used at the next connection, without a restart.
	// Example: {creds: {secretName: nats-orders, key: orders.creds}}.
	// +optional
	Auth *NATSAuth `json:"auth,omitempty"`

	// tls demands TLS and says whom to trust. Default: TLS only where the URL's scheme or the server demands it, with the
	// system's certificate authorities; an empty object demands it for every URL.
	// Example: {ca: {secretName: nats-ca, key: ca.crt}}.
	// +optional
	TLS *NATSTLS `json:"tls,omitempty"`
}

// StartFrom is where a pool begins of which the broker holds no progress.
//
// +kubebuilder:validation:XValidation:rule="(self.?type.orValue('All') == 'Time') == has(self.time)",message="time goes with type Time: set both, or remove time"
type StartFrom struct {
	// type is All (the oldest message that the source still has), New (messages that come after the claim) or Time (the
	// first message at or after time). Default: All. Example: New.
	// +optional
	// +default="All"
	Type *StartType `json:"type,omitempty"`

	// time is the instant to start from, in RFC 3339, compared with the broker's time of each message. Only with type
	// Time. A time before the oldest message means All, one in the future waits. Example: "2026-01-01T00:00:00Z".
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
}

// StartType says where a pool begins.
// +kubebuilder:validation:Enum=All;New;Time
type StartType string

const (
	// StartAll begins at the oldest message that the source still has.
	StartAll StartType = "All"
	// StartNew begins with messages that come after the claim.
	StartNew StartType = "New"
	// StartTime begins at the first message at or after a given time.
	StartTime StartType = "Time"
)
