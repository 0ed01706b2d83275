// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Describe is an error in the form in which kubectl prints it.
func Describe(err error) string {
	var status apierrors.APIStatus
	var request *url.Error
	switch {
	case errors.As(err, &status) && status.Status().Reason == metav1.StatusReasonUnknown:
		return "Error from server: " + err.Error()
	case errors.As(err, &status):
		return fmt.Sprintf("Error from server (%s): %s", status.Status().Reason, err.Error())
	case meta.IsNoMatchError(err):
		return "error: the server doesn't have a resource type \"convoypools\": Convoy is not installed in this cluster, or it is " +
			"another one than you mean (--context)"
	case errors.As(err, &request) && errors.Is(err, syscall.ECONNREFUSED):
		server := request.URL
		if parsed, parseErr := url.Parse(request.URL); parseErr == nil {
			server = parsed.Host
		}
		return fmt.Sprintf("The connection to the server %s was refused - did you specify the right host or port?", server)
	case errors.As(err, &request):
		return "Unable to connect to the server: " + request.Err.Error()
	}
	return "error: " + strings.TrimPrefix(err.Error(), "error: ")
}

// misused says how a command is used that got a wrong flag.
func misused(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w\nSee '%s --help' for usage", err, cmd.CommandPath())
}

// onePool demands exactly one argument, the name of a pool.
func onePool(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return misused(cmd, fmt.Errorf("exactly one pool is needed, got %d", len(args)))
	}
	return nil
}
