// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
)

// documented are the subjects that doc.go says a pool's user has to be allowed to publish to.
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "may publish to\n")
	list, _, _ = strings.Cut(list, "and subscribe to")
	var subjects []string
	for line := range strings.Lines(list) {
		if subject := strings.TrimSpace(strings.TrimPrefix(line, "//")); subject != "" {
			subject = strings.NewReplacer("<source>", source, "<namespace>", "shop", "<name>", "orders", "<lanes>", laneStream).Replace(subject)
			subjects = append(subjects, subject)
		}
	}
	if len(subjects) < 5 {
		t.Fatalf("doc.go documents %q", subjects)
	}
	return subjects
}

// allowed starts a server with an administrator and a pool's user who may publish to these subjects only.
func allowed(t *testing.T, subjects []string, changes ...func(*server.Permissions)) (*jet, *nats.Broker) {
	t.Helper()
	return allowedFor(t, subjects, func(*v1alpha1.WorkerSettings) {}, changes...)
}

// allowedFor is allowed for a pool with other settings.
func allowedFor(t *testing.T, subjects []string, settings func(*v1alpha1.WorkerSettings), changes ...func(*server.Permissions)) (*jet, *nats.Broker) {
	t.Helper()
	may := &server.Permissions{
		Publish: &server.SubjectPermission{Allow: subjects}, Subscribe: &server.SubjectPermission{Allow: []string{client.InboxPrefix + ">"}},
	}
	for _, change := range changes {
		change(may)
	}
	j := serve(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "admin", Password: "a"}, {Username: "pool", Password: "p", Permissions: may}}
	})
	js := j.admin(t, client.UserInfo("admin", "a"))
	makeSource(t, js)
	publish(t, js, 1, messages("a", "b")...)
	directory := t.TempDir()
	l := login{files: map[string]string{"username": "pool", "password": "p"}}
	l.mount(t, directory)
	return j, connect(t, j.settings(settings, func(s *v1alpha1.WorkerSettings) {
		s.Source.NATS.Auth = &v1alpha1.NATSAuth{UserPassword: &v1alpha1.NATSUserPassword{SecretName: "login"}}
		s.Secrets = []v1alpha1.SecretMount{{Name: "login", Directory: directory}}
	}))
}

// TestDocumentedPermissions does everything with the permissions that are documented, and no others.
func TestDocumentedPermissions(t *testing.T) {
	j, b := allowed(t, documented(t))
	if err := insist(t, func(ctx context.Context) error { return b.Claim(ctx, claim) }); err != nil {
		t.Fatalf("claiming: %v", err)
	}
	lane, _ := owned(t, b, grant(1, 1))
	read := reads(t, lane, 2)
	if _, err := lane.Fetch(t.Context(), 1); err != nil {
		t.Errorf("fetching: %v", err)
	}
	if err := lane.DeadLetter(t.Context(), broker.DeadLetter{Message: read[0], Reason: "test"}); err != nil {
		t.Errorf("dead-lettering: %v", err)
	}
	parksAndRemoves(t, lane)
	flush(t, lane, 1, true)
	if _, err := b.Confirm(t.Context(), []broker.Grant{grant(1, 1)}); err != nil {
		t.Errorf("confirming: %v", err)
	}
	sampled(t, b, 0, 1)
	until(t, "no consumer is left", func() bool { return len(consumers(t, j.admin(t, client.UserInfo("admin", "a")))) == 0 })
}

// TestDocumentedPermissionsOfRouting does everything that Routed lanes add.
func TestDocumentedPermissionsOfRouting(t *testing.T) {
	_, b := allowedFor(t, documented(t), routed)
	shard := shardOf(t, b, 1)
	routes(t, shard, 2)
	lane, _ := owned(t, b, grant(1, 1))
	reads(t, lane, 1)
	if _, err := lane.Fetch(t.Context(), 2); err != nil {
		t.Errorf("fetching: %v", err)
	}
	flush(t, lane, 1, true)
	if _, err := shard.Measure(t.Context()); err != nil {
		t.Errorf("measuring: %v", err)
	}
	if backlog, err := b.Sample(t.Context()); err != nil || backlog.Shards[0] != 0 {
		t.Errorf("the backlog is %v, %v", backlog, err)
	}
}

// TestPermissionMissing takes one permission away and looks whether the error names it.
func TestPermissionMissing(t *testing.T) {
	all := documented(t)
	for subject, call := range map[string]func(context.Context, *nats.Broker) error{
		"$JS.API.STREAM.INFO.ORDERS":               claims,
		"$JS.API.STREAM.CREATE.convoy_shop_orders": claims,
		"$JS.API.DIRECT.GET.convoy_shop_orders":    claims,
		"$JS.API.CONSUMER.CREATE.ORDERS.>":         readsLane,
		"$JS.API.STREAM.MSG.GET.ORDERS":            fetches,
		"$JS.API.CONSUMER.MSG.NEXT.ORDERS.>":       readsLane,

		"$JS.API.STREAM.INFO.convoy_shop_orders_park":   parks,
		"$JS.API.STREAM.CREATE.convoy_shop_orders_park": parks,
		"$JS.API.STREAM.PURGE.convoy_shop_orders_park":  parks,
		"$JS.API.DIRECT.GET.convoy_shop_orders_park":    parks,
	} {
		t.Run(subject, func(t *testing.T) {
			if !slices.Contains(all, subject) {
				t.Fatalf("%s is not documented", subject)
			}
			_, b := allowed(t, slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == subject }))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			permanent(t, call(ctx, b), "Permissions Violation", strings.TrimSuffix(subject, ">"))
		})
	}
	t.Run("answers", func(t *testing.T) {
		_, b := allowed(t, all, func(p *server.Permissions) { p.Subscribe.Allow = []string{"other"} })
		err := b.Claim(t.Context(), claim)
		permanent(t, err, "Permissions Violation for Subscription", client.InboxPrefix)
		caused(t, err, broker.CauseDenied)
	})
}

func claims(ctx context.Context, b *nats.Broker) error { return b.Claim(ctx, claim) }

func readsLane(ctx context.Context, b *nats.Broker) error {
	if err := b.Claim(ctx, claim); err != nil {
		return err
	}
	lane, err := b.Open(ctx, grant(1, 1))
	if err != nil {
		return err
	}
	return lane.Read(ctx, 0, func([]broker.Message) error { return nil })
}

func fetches(ctx context.Context, b *nats.Broker) error {
	if err := b.Claim(ctx, claim); err != nil {
		return err
	}
	lane, err := b.Open(ctx, grant(1, 1))
	if err != nil {
		return err
	}
	_, err = lane.Fetch(ctx, 1)
	return err
}

// parksAndRemoves uses the parking store in every way.
func parksAndRemoves(t *testing.T, lane broker.Lane) {
	t.Helper()
	if _, err := lane.LoadParked(t.Context()); err != nil {
		t.Errorf("loading what is parked: %v", err)
	}
	for _, step := range parkScript("k") {
		if err := step.do(t.Context(), lane); err != nil {
			t.Errorf("parking: %v", err)
		}
	}
	if _, err := lane.ReadParked(t.Context(), "k", 0, 1); err != nil {
		t.Errorf("reading what is parked: %v", err)
	}
}

func parks(ctx context.Context, b *nats.Broker) error {
	if err := b.Claim(ctx, claim); err != nil {
		return err
	}
	lane, err := b.Open(ctx, grant(1, 1))
	if err != nil {
		return err
	}
	if _, err := lane.LoadParked(ctx); err != nil {
		return err
	}
	for _, step := range parkScript("k") {
		if err := step.do(ctx, lane); err != nil {
			return err
		}
	}
	return nil
}
