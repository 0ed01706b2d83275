// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
)

func TestDeploymentBecomesAvailableAndGoes(t *testing.T) {
	n := sharedNode(t)
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{server("main")}},
			},
		},
	}
	deployments := n.client.AppsV1().Deployments(namespace)
	if _, err := deployments.Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	watch, err := deployments.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=web"})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		if d, ok := event.Object.(*appsv1.Deployment); ok && d.Status.AvailableReplicas == 2 {
			break
		}
	}
	pods, err := n.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil || len(pods.Items) != 2 {
		t.Fatalf("pods: %v, %v; want two", pods, err)
	}
	if a, b := pods.Items[0].Status.PodIP, pods.Items[1].Status.PodIP; a == b || !strings.HasPrefix(a, "127.") {
		t.Errorf("the pods have the addresses %q and %q, want two on loopback", a, b)
	}
	if err := deployments.Delete(t.Context(), "web", metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationForeground)}); err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		n.await(t, pod.Name, isGone)
		if err := syscall.Kill(processOf(t, &pod, "main"), 0); err != syscall.ESRCH {
			t.Errorf("a process is still there: %v", err)
		}
	}
}

func TestContainerSeesWhatTheAPIPromisesIt(t *testing.T) {
	n := sharedNode(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "login"}, StringData: map[string]string{"user": "me"}}
	if _, err := n.client.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c := server("main")
	c.Args = []string{"--login=/etc/login/user", "--other=/etc/login-2/user", "--at=$(POD_IP)", "--not=$$(POD_IP)"}
	c.Env = append(c.Env,
		corev1.EnvVar{Name: "USER_NAME", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "login"}, Key: "user",
		}}},
		corev1.EnvVar{Name: "LABEL", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['app']"}}},
	)
	c.VolumeMounts = []corev1.VolumeMount{{Name: "login", MountPath: "/etc/login"}, {Name: "state", MountPath: "/var/lib/state"}}
	pod := podOf("sees", c)
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "login", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "login"}}},
		{Name: "state", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	n.create(t, pod)
	pod = n.await(t, pod.Name, isReady)

	var got self
	if err := json.Unmarshal([]byte(get(t, pod, "/self")), &got); err != nil {
		t.Fatal(err)
	}
	volumes := filepath.Join(n.dir, "pods", string(pod.UID), "volumes")
	want := self{
		Args: []string{"in", "main", "--login=" + volumes + "/login/user", "--other=/etc/login-2/user", "--at=" + pod.Status.PodIP, "--not=$(POD_IP)"},
		Env: map[string]string{
			"POD_IP": pod.Status.PodIP, "SELF": pod.Status.PodIP, "USER_NAME": "me", "LABEL": "sees",
			"STATE": volumes + "/state/x", "PORT": "8080", asProgram: "1",
		},
	}
	kubeconfig := got.Env["KUBECONFIG"]
	delete(got.Env, "KUBECONFIG")
	delete(got.Env, "PATH")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the process sees (-want +got):\n%s", diff)
	}
	if got := get(t, pod, "/file?path="+volumes+"/login/user"); got != "me" {
		t.Errorf("the secret's file has %q", got)
	}
	seesItself(t, kubeconfig)
}

// seesItself tries the token that the API server's admission has every pod given.
func seesItself(t *testing.T, kubeconfig string) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err == nil || !strings.Contains(err.Error(), `User "system:serviceaccount:default:default" cannot list`) {
		t.Errorf("with the pod's kubeconfig: %v, want to be known and to have no rights", err)
	}
}

func TestFailedContainerIsRestarted(t *testing.T) {
	n := sharedNode(t)
	n.create(t, podOf("fails", server("main"), server("side")))
	pod := n.await(t, "fails", isReady)
	side := processOf(t, pod, "side")
	get(t, pod, "/exit?code=7")
	pod = n.await(t, pod.Name, runs("main", 1))
	ended := statusOf(pod, "main").LastTerminationState.Terminated
	if ended == nil || ended.ExitCode != 7 || ended.Reason != "Error" {
		t.Errorf("the last end is %+v, want exit code 7", ended)
	}
	if processOf(t, pod, "side") != side {
		t.Error("the other container was restarted too")
	}
	get(t, pod, "/exit?code=0")
	pod = n.await(t, pod.Name, func(pod *corev1.Pod) bool { return statusOf(pod, "main").State.Waiting != nil })
	if waits := statusOf(pod, "main").State.Waiting; waits.Reason != "CrashLoopBackOff" {
		t.Errorf("it waits because of %q", waits.Reason)
	}
	n.delete(t, pod.Name, nil)
	n.await(t, pod.Name, isGone)
}

func TestRuleRestartsAllContainers(t *testing.T) {
	n := sharedNode(t)
	worker := server("side")
	worker.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	worker.RestartPolicyRules = []corev1.ContainerRestartRule{{
		Action: corev1.ContainerRestartRuleActionRestartAllContainers,
		ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{
			Operator: corev1.ContainerRestartRuleOnExitCodesOpNotIn, Values: []int32{0, 254},
		},
	}}
	n.create(t, podOf("all", server("main"), worker))
	pod := n.await(t, "all", isReady)
	former := processOf(t, pod, "main")
	if err := syscall.Kill(processOf(t, pod, "side"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	pod = n.await(t, pod.Name, func(pod *corev1.Pod) bool { return runs("main", 1)(pod) && runs("side", 1)(pod) })
	if processOf(t, pod, "main") == former || syscall.Kill(former, 0) != syscall.ESRCH {
		t.Error("the other container was not restarted")
	}
	if ended := statusOf(pod, "side").LastTerminationState.Terminated; ended == nil || ended.ExitCode != 137 {
		t.Errorf("the last end is %+v, want exit code 137", ended)
	}
}

func TestReadinessFollowsProbeAndGate(t *testing.T) {
	n := sharedNode(t)
	const gate = "example.com/gate"
	pod := podOf("gated", server("main"))
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: gate}}
	n.create(t, pod)
	pod = n.await(t, pod.Name, func(pod *corev1.Pod) bool { return holds(pod, corev1.ContainersReady) })
	if isReady(pod) {
		t.Error("the pod is ready, and its gate is not")
	}
	patch := `{"status":{"conditions":[{"type":"` + gate + `","status":"True"}]}}`
	_, err := n.client.CoreV1().Pods(namespace).Patch(t.Context(), pod.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	if pod = n.await(t, pod.Name, isReady); !holds(pod, gate) {
		t.Error("the agent has overwritten the gate")
	}
	for _, c := range pod.Status.Conditions {
		if c.Status == corev1.ConditionTrue && c.Reason != "" {
			t.Errorf("%s is True and has the reason %q", c.Type, c.Reason)
		}
	}
}

func TestHookIsWaitedFor(t *testing.T) {
	n := sharedNode(t)
	c := server("main")
	c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/gate", Port: intstr.FromInt32(8080)}}}
	pod := podOf("hooked", c)
	pod.Finalizers = []string{"example.com/kept"}
	n.create(t, pod)
	pod = n.await(t, pod.Name, isReady)
	n.delete(t, pod.Name, nil)
	pod = n.await(t, pod.Name, func(pod *corev1.Pod) bool { return !isReady(pod) })
	if statusOf(pod, "main").State.Running == nil {
		t.Error("the container ended before its hook")
	}
	get(t, pod, "/open")
	pod = n.await(t, pod.Name, func(pod *corev1.Pod) bool { return statusOf(pod, "main").State.Terminated != nil })
	if ended := statusOf(pod, "main").State.Terminated; ended.Signal != int32(syscall.SIGTERM) || pod.Status.Phase != corev1.PodFailed {
		t.Errorf("the end is %+v and the phase %s, want SIGTERM and Failed", ended, pod.Status.Phase)
	}
	n.release(t, pod.Name)
}

// release takes the finalizers off.
func (n *node) release(t *testing.T, name string) {
	t.Helper()
	_, err := n.client.CoreV1().Pods(namespace).
		Patch(t.Context(), name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n.await(t, name, isGone)
}

func stubborn(grace int64) *corev1.Pod {
	c := server("main")
	c.Env = append(c.Env, corev1.EnvVar{Name: "IGNORE_TERM", Value: "1"})
	pod := podOf("", c)
	pod.Spec.TerminationGracePeriodSeconds = &grace
	pod.Finalizers = []string{"example.com/kept"}
	return pod
}

func TestContainerThatIgnoresSIGTERMIsKilled(t *testing.T) {
	n := sharedNode(t)
	pod := stubborn(1)
	pod.Name = "stubborn"
	n.create(t, pod)
	n.await(t, pod.Name, isReady)
	n.delete(t, pod.Name, nil)
	pod = n.await(t, pod.Name, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodFailed })
	if ended := statusOf(pod, "main").State.Terminated; ended == nil || ended.ExitCode != 137 {
		t.Errorf("the end is %+v, want exit code 137", ended)
	}
	n.release(t, pod.Name)
}

func TestFinalizerKeepsAPodThatIsDeletedByForce(t *testing.T) {
	n := sharedNode(t)
	pod := stubborn(1000)
	pod.Name = "forced"
	n.create(t, pod)
	n.await(t, pod.Name, isReady)
	n.delete(t, pod.Name, nil)              // It has a thousand seconds,
	n.delete(t, pod.Name, ptr.To[int64](0)) // and then one.
	pod = n.await(t, pod.Name, func(pod *corev1.Pod) bool { return statusOf(pod, "main").State.Terminated != nil })
	if pod.Status.Phase != corev1.PodFailed {
		t.Errorf("the phase is %s", pod.Status.Phase)
	}
	n.release(t, pod.Name)
}

func TestPodThatEndsIsOver(t *testing.T) {
	n := sharedNode(t)
	c := server("main")
	c.Args, c.Command, c.ReadinessProbe = []string{"exit", "0"}, nil, nil
	pod := podOf("job", c)
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	n.create(t, pod)
	pod = n.await(t, pod.Name, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodSucceeded })
	if ended := statusOf(pod, "main").State.Terminated; ended == nil || ended.Reason != "Completed" {
		t.Errorf("the end is %+v", ended)
	}
	n.delete(t, pod.Name, nil)
	n.await(t, pod.Name, isGone)
}

func TestPodWaitsForWhatItRefersTo(t *testing.T) {
	n := sharedNode(t)
	c := server("main")
	c.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "later"}}}}
	n.create(t, podOf("waits", c))
	n.await(t, "waits", func(pod *corev1.Pod) bool {
		waiting := statusOf(pod, "main").State.Waiting
		return waiting != nil && waiting.Reason == "ContainerCreating"
	})
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "later"}, Data: map[string]string{"COLOUR": "blue"}}
	if _, err := n.client.CoreV1().ConfigMaps(namespace).Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := n.await(t, "waits", isReady)
	if got := get(t, pod, "/self"); !strings.Contains(got, `"COLOUR":"blue"`) {
		t.Errorf("the process sees %s", got)
	}
}

func TestPodThatNeedsWhatIsNotHereFails(t *testing.T) {
	n := sharedNode(t)
	c := server("main")
	c.Image = "example.com/unknown:1"
	n.create(t, podOf("stranger", c))
	pod := n.await(t, "stranger", func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodFailed })
	if want := "image example.com/unknown:1 stands for no program"; !strings.Contains(pod.Status.Message, want) {
		t.Errorf("it says %q, want %q", pod.Status.Message, want)
	}
	events, err := n.client.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=stranger,reason=Unsupported"})
	if err != nil || len(events.Items) != 1 {
		t.Errorf("events: %v, %v; want one", events, err)
	}
}

func TestUnhealthyContainerIsRestarted(t *testing.T) {
	n := sharedNode(t)
	c := server("main")
	c.LivenessProbe = &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(9)}},
		PeriodSeconds: 1, FailureThreshold: 1,
	}
	c.StartupProbe = &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(8080)}},
		PeriodSeconds: 1,
	}
	n.create(t, podOf("unhealthy", c))
	pod := n.await(t, "unhealthy", func(pod *corev1.Pod) bool { return statusOf(pod, "main").RestartCount > 0 })
	if ended := statusOf(pod, "main").LastTerminationState.Terminated; ended == nil || ended.Signal != int32(syscall.SIGTERM) {
		t.Errorf("the end is %+v, want SIGTERM", ended)
	}
}

func TestAgentThatEndsLeavesNoProcess(t *testing.T) {
	t.Parallel()
	n, err := startNode()
	if err != nil {
		t.Fatal(err)
	}
	n.create(t, podOf("left", server("main")))
	pod := n.await(t, "left", isReady)
	process := processOf(t, pod, "main")
	if err := n.stopAgent(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(process, 0); err != syscall.ESRCH {
		t.Errorf("the process is still there: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(n.dir, "pods")); err != nil || len(left) > 0 {
		t.Errorf("volumes are left: %v, %v", left, err)
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
}
