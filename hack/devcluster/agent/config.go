// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"k8s.io/client-go/rest"
)

// Program is what an image stands for.
type Program struct {
	// Path is the program's file.
	Path string `json:"path"`
	// Env are variables that each container of the image gets beside its own. Mount paths in them are replaced, and
	// $(NAME) stands for another variable of the container.
	Env map[string]string `json:"env,omitempty"`
}

// Config says what to run.
type Config struct {
	// API is how to reach the API server, as somebody who may do what a kubelet does and issue tokens.
	API *rest.Config
	// NodeName is the Node's name.
	NodeName string
	// Images says which program each image is.
	Images map[string]Program
	// Dir is an existing directory for volumes and logs. What is in it is not removed.
	Dir string
	// Say takes lines for people; it is called by many goroutines.
	Say func(format string, args ...any)
}

func (c Config) validate() error {
	if runtime.GOOS != "linux" {
		return errors.New("it needs Linux: pods get addresses of their own in 127.0.0.0/8")
	}
	if c.API == nil || c.NodeName == "" || c.Say == nil {
		return errors.New("one of API, NodeName and Say is missing")
	}
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() || !filepath.IsAbs(c.Dir) {
		return fmt.Errorf("%q is no directory with an absolute path", c.Dir)
	}
	for name, program := range c.Images {
		if info, err := os.Stat(program.Path); err != nil || info.Mode()&0o111 == 0 || !filepath.IsAbs(program.Path) {
			return fmt.Errorf("image %s: %q is no program with an absolute path", name, program.Path)
		}
	}
	return nil
}
