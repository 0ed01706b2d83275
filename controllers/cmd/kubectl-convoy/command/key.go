// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
	"convoy.dev/convoy/worker/key"
)

// maxMessage is how much of a file is read, in bytes: more than any broker takes as one message.
const maxMessage = 64 << 20

func newKey(a *access) *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Try key expressions", Args: cobra.NoArgs}
	cmd.AddCommand(newKeyTest(a))
	return cmd
}

// keyTest is the flags of key test.
type keyTest struct {
	*access
	flags      *show.Flags
	file       string
	headers    []string
	subject    string
	native     string
	shard      int32
	taken      string
	expression string
}

func newKeyTest(a *access) *cobra.Command {
	t := &keyTest{access: a, flags: show.NewFlags()}
	cmd := &cobra.Command{
		Use:   "test POOL -f FILE",
		Short: "Say which key a message has, and which lane and worker",
		Long: "Say which key a message has, and to which lane and worker it belongs. The expression is evaluated here, by the code " +
			"that the workers run; the message is sent nowhere.",
		Example: "  # The body of a message\n  kubectl convoy key test orders -f message.json\n\n" +
			"  # An expression that is not the pool's yet\n" +
			"  kubectl convoy key test orders -f message.json --expression 'body.customer.id'\n\n" +
			"  # A message whose key is a header\n  kubectl convoy key test orders --header order-id=1042",
		Args: onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd.Context(), args[0]) },
	}
	t.flags.AddTable(cmd, keyTable.Names())
	cmd.Flags().StringVarP(&t.file, "filename", "f", "", "File with the payload of the message, - for standard input. Default: an empty payload.")
	cmd.Flags().StringArrayVar(&t.headers, "header", nil, "A header of the message, as name=value. May be given more than once.")
	cmd.Flags().StringVar(&t.subject, "subject", "", "The message's subject. With Native lanes it says which lane the message is in.")
	cmd.Flags().StringVar(&t.native, "native-key", "", "The message's native key, where the source has one.")
	cmd.Flags().Int32Var(&t.shard, "shard", 0, "The shard that the message is in.")
	cmd.Flags().StringVar(&t.taken, "timestamp", "", "When the source took the message, in RFC 3339. Default: now.")
	cmd.Flags().StringVar(&t.expression, "expression", "", "The key expression to try. Default: the pool's.")
	return cmd
}

// keyTable is how the place of a message is shown.
var keyTable = show.Table[view.Message]{Kind: "MessagePlace", Columns: []show.Column[view.Message]{
	{Name: "KEY", Value: func(m *view.Message) any { return m.Key }},
	{Name: "LANE", Value: func(m *view.Message) any { return int64(m.Lane) }},
	{Name: "WORKER", Value: func(m *view.Message) any { return m.Worker }},
	{Name: "EPOCH", Value: func(m *view.Message) any { return m.Epoch }},
}}

func (t *keyTest) run(ctx context.Context, pool string) error {
	printer, err := show.NewPrinter(keyTable, t.flags, t.streams.Out)
	if err != nil {
		return err
	}
	message, err := t.message()
	if err != nil {
		return err
	}
	_, s, err := t.read(ctx, pool)
	if err != nil {
		return err
	}
	expression := t.expression
	if expression == "" {
		expression = s.Pool.Spec.Key.Expression
	}
	place, err := view.Locate(s, expression, message)
	var none *key.NoKeyError
	if errors.As(err, &none) {
		return keyless(none, s.Pool)
	}
	if err != nil {
		return err
	}
	if t.flags.Objects() {
		return t.flags.Object(t.streams.Out, keyTable.Kind, place)
	}
	return printer.Print([]view.Message{*place})
}

// message is the message that the flags describe.
func (t *keyTest) message() (*key.Message, error) {
	message := &key.Message{Key: []byte(t.native), Subject: t.subject, Shard: t.shard, Timestamp: time.Now()}
	for _, header := range t.headers {
		name, value, valued := strings.Cut(header, "=")
		if !valued || name == "" {
			return nil, fmt.Errorf("--header %q: write name=value", header)
		}
		if message.Headers == nil {
			message.Headers = map[string][]string{}
		}
		message.Headers[name] = append(message.Headers[name], value)
	}
	var err error
	if t.taken != "" {
		if message.Timestamp, err = time.Parse(time.RFC3339, t.taken); err != nil {
			return nil, fmt.Errorf("--timestamp: %w", err)
		}
	}
	message.Data, err = t.payload()
	return message, err
}

func (t *keyTest) payload() ([]byte, error) {
	switch t.file {
	case "":
		return nil, nil
	case "-":
		return limited(t.streams.In)
	}
	file, err := os.Open(t.file)
	if err != nil {
		return nil, err
	}
	data, err := limited(file)
	return data, errors.Join(err, file.Close())
}

func limited(in io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxMessage+1))
	if err == nil && len(data) > maxMessage {
		err = fmt.Errorf("the file has more than %d bytes: no message is that large", maxMessage)
	}
	return data, err
}

// keyless says why a message has no key and what becomes of such messages.
func keyless(none *key.NoKeyError, pool *v1alpha1.ConvoyPool) error {
	fate := "With key.onMissing DeadLetter the workers move such a message to the dead letters"
	if ptr.Deref(pool.Spec.Key.OnMissing, v1alpha1.MissingDeadLetter) == v1alpha1.MissingBlock {
		fate = "With key.onMissing Block such a message stops what comes behind it"
	}
	text := fmt.Sprintf("%s (%s).\n%s.", none.Error(), none.Reason, fate)
	if cause := errors.Unwrap(none); cause != nil {
		text += "\nIn CEL's own words: " + cause.Error() + "."
	}
	return errors.New(text)
}
