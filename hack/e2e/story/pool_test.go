// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package story

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"text/template"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/publish"
)

const (
	lanes       = 16
	callSeconds = 5
	rate        = 200
	orders      = 500
)

// partitioning says into how many lanes the stream is partitioned, and how its subjects say so. The pool's lanes are Native
// then, otherwise Routed.
type partitioning struct {
	lanes    int
	subjects string
}

var (
	routed = partitioning{}
	native = partitioning{lanes, publish.LaneSubject}
)

//go:embed pool.yaml
var poolManifest string

var poolTemplate = template.Must(template.New("pool").Parse(poolManifest))

// pool has a story's pool made before its first spec, in a namespace of its own, and looks after each whether the order was
// kept: a breach is best seen beside what brought it about.
func pool(stream partitioning) {
	BeforeAll(func(ctx SpecContext) {
		space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "convoy-e2e-"}}
		Expect(cluster.Create(ctx, space)).To(Succeed())
		namespace = space.Name
		DeferCleanup(remove, space)
		begin(ctx, stream)
	})
	AfterEach(func(ctx SpecContext) {
		got, err := report(ctx, "GET", "report")
		Expect(err).NotTo(HaveOccurred())
		Expect(got.Words).To(BeEmpty(), "the order was broken")
	})
	AfterEach(func(ctx SpecContext) {
		if !CurrentSpecReport().Failed() {
			return
		}
		var all corev1.PodList
		Expect(cluster.List(ctx, &all)).To(Succeed())
		for _, pod := range all.Items {
			if pod.Namespace == namespace || pod.Namespace == operator.Namespace {
				GinkgoWriter.Println(logsOf(ctx, pod))
			}
		}
	})
}

// begin runs a broker and a conductor that publishes to it, and creates the pool.
func begin(ctx SpecContext, stream partitioning) {
	GinkgoHelper()
	broker := runPod(ctx, "nats", corev1.Container{
		Image: "nats-server:" + tag, Args: []string{"--jetstream", "--store_dir=/data"},
		VolumeMounts:   []corev1.VolumeMount{{Name: "data", MountPath: "/data"}},
		ReadinessProbe: listensOn(4222),
	})
	conductor := runPod(ctx, "conductor", corev1.Container{
		Image: "convoy-e2e-conductor:" + tag,
		Env: []corev1.EnvVar{
			{Name: "NATS_URL", Value: "nats://" + broker + ":4222"}, {Name: "CALL_SECONDS", Value: strconv.Itoa(callSeconds)},
		},
		ReadinessProbe: listensOn(7001),
	})
	seed := GinkgoRandomSeed()
	GinkgoWriter.Printf("the seed of the events is %d\n", seed)
	_, err := conduct(ctx, "POST", "publish", map[string]string{
		"lanes": strconv.Itoa(stream.lanes), "rate": strconv.Itoa(rate), "orders": strconv.Itoa(orders), "seed": strconv.FormatInt(seed, 10),
	})
	Expect(err).NotTo(HaveOccurred())

	var manifest bytes.Buffer
	Expect(poolTemplate.Execute(&manifest, map[string]any{
		"NATS": broker, "Conductor": conductor, "Stream": publish.Stream, "Native": stream.subjects, "Lanes": lanes,
		"CallSeconds": callSeconds, "Tag": tag,
	})).To(Succeed())
	pool := decode(manifest.Bytes())[0]
	pool.SetNamespace(namespace)
	Expect(cluster.Create(ctx, pool)).To(Succeed())
	DeferCleanup(remove, pool)
}

func listensOn(port int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}},
		PeriodSeconds: 1,
	}
}

// concludes ends publishing, waits for what is left, and has the whole judged.
func concludes(ctx SpecContext) {
	phase(ctx, "end")
	_, err := conduct(ctx, "POST", "rest", nil)
	Expect(err).NotTo(HaveOccurred())
	Eventually(func(g Gomega) {
		got, err := report(ctx, "GET", "report")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(got.Backlog()).To(BeZero())
		g.Expect(got.Running).To(BeZero())
	}).WithContext(ctx).Should(Succeed())
	got, err := report(ctx, "POST", "finish")
	Expect(err).NotTo(HaveOccurred())
	AddReportEntry("what came of it", summary(got), ReportEntryVisibilityAlways)
	Expect(got.Words).To(BeEmpty())
}

// summary says in figures what came of it.
func summary(got checker.Report) string {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d messages, %d not completed, %d discarded, %d violations; %d rejections, %d retries, %d replays that reach back %v at most\n",
		got.Published, got.Backlog(), got.Discarded, got.Violations, got.Rejections, got.Retries, got.Replays, got.ReplayReach)
	lengths := map[string][]time.Duration{}
	var phases []string
	for _, pause := range got.Pauses {
		if lengths[pause.Phase] == nil {
			phases = append(phases, pause.Phase)
		}
		lengths[pause.Phase] = append(lengths[pause.Phase], pause.Length)
	}
	for _, phase := range phases {
		all := lengths[phase]
		slices.Sort(all)
		fmt.Fprintf(&out, "%-44s %3d hand-overs, pause: median %v, longest %v, of all lanes at once %v\n", phase, len(all),
			all[len(all)/2].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond), got.Still[phase].Round(time.Millisecond))
	}
	return out.String()
}
