package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/export"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

type exportOptions struct {
	transaction, format, out string
}

func (a *application) exportCommand() *cobra.Command {
	var o exportOptions
	command := &cobra.Command{
		Use:   "export --transaction ID --format FORMAT",
		Short: "Write a payment as an ISO 20022 message",
		Long: `export writes a payment as XML that is valid against the official schema:
  cain.003  the financial initiation (cain.003.001.04), from its authorization and the account it was posted to
  cain.005  the reversal initiation (cain.005.001.04), the same of a reversal
  camt.054  the posted notice (camt.054.001.08), from its journal record: one entry for each leg on the customer's account
ID is an authorization id, a transaction id (tx_…) or a posting sequence (ps_…). The same payment gives the same document, whenever it is exported. With
--json the message is written in its JSON form.`,
		Example: "  payrail export --transaction auth-coffee --format camt.054\n  payrail export --transaction auth-coffee --format cain.003 --out coffee.xml",
		Args:    atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			return a.export(command.Context(), o)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.transaction, "transaction", "", "authorization id, transaction id or posting sequence")
	flags.StringVar(&o.format, "format", "", "message to write: "+formats())
	flags.StringVar(&o.out, "out", "", "file to write to, instead of the terminal")
	command.ValidArgsFunction = noFiles
	completeWith(command, "transaction", noFiles)
	completeWith(command, "format", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return strings.Split(formats(), ", "), cobra.ShellCompDirectiveNoFileComp
	})
	return command
}

func formats() string {
	var names []string
	for _, f := range export.Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

func (a *application) export(ctx context.Context, o exportOptions) error {
	if o.transaction == "" {
		return misused("export needs to know which payment", "add --transaction with an authorization id, a transaction id or a posting sequence")
	}
	format := export.Format(o.format)
	if !slices.Contains(export.Formats(), format) {
		return misused(fmt.Sprintf("%q is no format", o.format), "give --format one of "+formats())
	}
	deployed, err := a.connect(ctx)
	if err != nil {
		return err
	}
	exporter, err := deployed.exporter()
	if err != nil {
		return err
	}
	message, err := exporter.Export(ctx, o.transaction, format)
	if err != nil {
		return unexportable(o.transaction, err)
	}
	return a.writeMessage(message, o.out)
}

// unexportable gives the next step for what an export is refused for.
func unexportable(id string, err error) error {
	trace := "see `payrail trace " + id + "`"
	var fields payment.FieldErrors
	switch {
	case errors.Is(err, export.ErrUnknown):
		return failed("no payment of the id "+id+" was taken in", "check the id; for payments that are not posted the stack must keep a timeline")
	case errors.Is(err, export.ErrNotPosted):
		return failed(id+" is not posted, so there is nothing to give notice of", trace)
	case errors.Is(err, iso20022.ErrNoCustomerLeg):
		return failed(id+" was posted to suspense and touched no customer account, so there is nobody to notify", "export it as cain.003 (a reversal as cain.005), or "+trace)
	case errors.Is(err, export.ErrNoMessage):
		return failed(id+" was not made of a message of a card network, so there is none to write", "export it as camt.054")
	case errors.Is(err, export.ErrOtherKind):
		return failed(err.Error(), "give another --format, or "+trace)
	case errors.Is(err, export.ErrChanged):
		return failed(err.Error(), trace)
	case errors.As(err, &fields):
		return failed(err.Error(), "correct the field at its source: the authorization or the reference data")
	default:
		return err
	}
}

// writeMessage writes XML, or JSON where machines' form was asked for, to a file or else to where commands print.
func (a *application) writeMessage(message iso20022.Message, file string) error {
	var document bytes.Buffer
	if a.json {
		if err := (&application{stdout: &document}).printJSON(message); err != nil {
			return err
		}
	} else {
		text, err := message.XML()
		if err != nil {
			return err
		}
		document.Write(text)
	}
	if file == "" {
		_, err := document.WriteTo(a.stdout)
		return err
	}
	// The document names a customer and a card's token: nobody else on this machine need read it.
	if err := os.WriteFile(file, document.Bytes(), 0o600); err != nil {
		return misused("writing "+file+": "+cause(err), "check the path")
	}
	return nil
}

func (d *deployment) exporter() (*export.Exporter, error) {
	names := map[string]string{}
	for _, output := range []string{"AuthorizationsTable", "AccountsTable", "ReferenceTable"} {
		name, err := d.output(output)
		if err != nil {
			return nil, err
		}
		names[output] = name
	}
	journal, err := d.ledger()
	if err != nil {
		return nil, err
	}
	happened, err := d.timeline()
	if err != nil {
		return nil, err
	}
	return &export.Exporter{Items: d.dynamodb(), AuthorizationsTable: names["AuthorizationsTable"], Journal: journal, Timeline: happened,
		Accounts: directory.NewReader(d.dynamodb(), names["AccountsTable"], names["ReferenceTable"])}, nil
}
