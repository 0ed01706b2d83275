// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// SetDefaults fills in every optional field that is absent and has a default, members of unions included: a reader then
// finds lanes.routed with Routed lanes, delivery.http with HTTP, and delivery.onFailure.park with Park. What is set stays.
// A store's name, replicas and size have no default here: they are the broker's to say.
func (s *WorkerSettings) SetDefaults() {
	if s.Source.NATS != nil {
		s.Source.NATS.setDefaults()
	}
	setDefault(&s.Key.OnMissing, MissingDeadLetter)
	s.Lanes.setDefaults()
	s.Delivery.setDefaults()
	setDefault(&s.Handoff.DrainTimeoutSeconds, DefaultDrainTimeoutSeconds)
	setDefault(&s.Handoff.FenceSeconds, DefaultFenceSeconds)
	setDefault(&s.LogLevel, LogInfo)
}

func (n *NATSSource) setDefaults() {
	setDefault(&n.StartFrom, StartFrom{})
	setDefault(&n.StartFrom.Type, StartAll)
	if n.Auth != nil && n.Auth.UserPassword != nil {
		setDefault(&n.Auth.UserPassword.UsernameKey, DefaultUsernameKey)
		setDefault(&n.Auth.UserPassword.PasswordKey, DefaultPasswordKey)
	}
}

func (l *Lanes) setDefaults() {
	setDefault(&l.Type, LanesRouted)
	if *l.Type != LanesRouted {
		return
	}
	setDefault(&l.Routed, RoutedLanes{})
	setDefault(&l.Routed.Count, DefaultLaneCount)
	setDefault(&l.Routed.MaxBacklogPerLane, DefaultMaxBacklogPerLane)
	setDefault(&l.Routed.Store, LaneStore{})
	setDefault(&l.Routed.Store.Management, DefaultStoreManagement)
}

func (d *Delivery) setDefaults() {
	setDefault(&d.Type, DeliveryHTTP)
	if *d.Type == DeliveryHTTP {
		setDefault(&d.HTTP, HTTPDelivery{})
		setDefault(&d.HTTP.Port, DefaultHTTPPort)
		setDefault(&d.HTTP.Path, DefaultHTTPPath)
	}
	setDefault(&d.MaxInFlightKeys, DefaultMaxInFlightKeys)
	setDefault(&d.TimeoutSeconds, DefaultTimeoutSeconds)
	setDefault(&d.Retry, Retry{})
	setDefault(&d.Retry.MaxAttempts, DefaultMaxAttempts)
	setDefault(&d.Retry.InitialBackoffMilliseconds, DefaultInitialBackoffMilliseconds)
	setDefault(&d.Retry.MaxBackoffMilliseconds, DefaultMaxBackoffMilliseconds)
	setDefault(&d.Batch, Batch{})
	setDefault(&d.Batch.MaxMessages, DefaultBatchMaxMessages)
	setDefault(&d.OnFailure, OnFailure{})
	d.OnFailure.setDefaults()
}

func (f *OnFailure) setDefaults() {
	setDefault(&f.Type, FailurePark)
	if *f.Type != FailurePark {
		return
	}
	setDefault(&f.Park, Park{})
	setDefault(&f.Park.MaxKeys, DefaultParkMaxKeys)
	setDefault(&f.Park.MaxMessagesPerKey, DefaultParkMaxMessagesPerKey)
}

// setDefault sets what a field points to when it points to nothing.
func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
