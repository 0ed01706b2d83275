// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Crdgen finishes the CRDs that controller-gen has made from api/.
//
// A ConvoyPool embeds a whole pod template. With its descriptions the CRD is larger than the 262,144 bytes that an
// annotation may have, and `kubectl apply` keeps the last applied object in one. So descriptions below spec.template are
// taken off; the schema itself stays, so that unknown fields are refused there and server-side apply merges containers
// by name. What rules on the template go through is bounded. Descriptions above it lose the line breaks of the source.
// Everything else passes through.
//
//	crdgen -in DIR -out DIR
//
// It fails, and writes nothing, if a CRD has no schema where the template is expected.
package main
