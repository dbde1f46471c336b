package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/token"
	"github.com/payrail/payrail/payment"
)

// examplesFolder holds what a newcomer tries first; referenceFolder is the reference data in it.
const examplesFolder, referenceFolder = "examples", "reference"

func (a *application) seedCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "seed DIR",
		Short: "Load accounts, cards and reference data",
		Long: `seed reads accounts.json, cards.json, products.json, merchant-categories.json, bins.json and watch-list.json from a folder
and writes them to the accounts and reference tables; a file that is not there is left out. Cards are given by published test
card numbers, whose tokens are derived with the stack's KMS key; the numbers themselves are not stored. Loading again replaces
what is there.`,
		Example: "  payrail seed examples/reference",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			deployed, err := a.connect(command.Context())
			if err != nil {
				return err
			}
			return a.seed(command.Context(), deployed, arguments[0])
		},
	}
}

// The forms of the files.
type (
	cardFile struct {
		PAN      string                      `json:"pan"`
		Accounts map[payment.Currency]string `json:"accounts"`
	}
	productFile struct {
		Product         string           `json:"product"`
		Currency        payment.Currency `json:"currency"`
		FXFeeRate       string           `json:"fxFeeRate"`
		FXFeeTaxRate    string           `json:"fxFeeTaxRate"`
		TaxJurisdiction string           `json:"taxJurisdiction"`
		CashFeeRate     string           `json:"cashFeeRate"`
		CashFeeMinimum  string           `json:"cashFeeMinimum"`
	}
	categoryFile struct {
		MCC      string `json:"mcc"`
		Category string `json:"category"`
	}
	rangeFile struct {
		BIN           string `json:"bin"`
		Scheme        string `json:"scheme"`
		IssuerCountry string `json:"issuerCountry"`
	}
)

// tokenizer derives the token of a card number.
type tokenizer interface {
	Token(ctx context.Context, pan string) (string, error)
}

func (d *deployment) tokenizer() (tokenizer, error) {
	if own := os.Getenv(tokenKeyVariable); own != "" {
		return token.Static{Key: token.Key(own)}, nil
	}
	key, err := d.output("TokenKeyArn")
	if err != nil {
		return nil, err
	}
	return token.KMS{Client: d.kms(), KeyID: key}, nil
}

func (a *application) seed(ctx context.Context, d *deployment, folder string) error {
	tokens, err := d.tokenizer()
	if err != nil {
		return err
	}
	data, err := readReference(ctx, folder, tokens)
	if err != nil {
		return err
	}
	if err := data.Check(); err != nil {
		return misused("the reference data in "+folder+" does not hold together: "+err.Error(), "correct the files")
	}
	accounts, err := d.output("AccountsTable")
	if err != nil {
		return err
	}
	reference, err := d.output("ReferenceTable")
	if err != nil {
		return err
	}
	writer := directory.NewWriter(directory.WriterOptions{Client: d.dynamodb(), AccountsTable: accounts, ReferenceTable: reference, Wait: sleep})
	if err := a.step(fmt.Sprintf("loading %d accounts, %d cards and %d products", len(data.Accounts), len(data.Cards), len(data.Products)), func() error {
		return writer.Write(ctx, data)
	}); err != nil {
		return fmt.Errorf("loading the reference data: %w", err)
	}
	if a.json {
		return a.printJSON(map[string]int{"accounts": len(data.Accounts), "cards": len(data.Cards), "products": len(data.Products),
			"categories": len(data.Categories), "ranges": len(data.Ranges)})
	}
	return nil
}

// readReference reads the files of a folder and derives the tokens of its cards.
func readReference(ctx context.Context, folder string, tokens tokenizer) (directory.Data, error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return directory.Data{}, misused(folder+" is no folder", "name one like examples/reference")
	}
	var (
		data       directory.Data
		cards      []cardFile
		products   []productFile
		categories []categoryFile
		ranges     []rangeFile
	)
	found := 0
	for name, into := range map[string]any{"accounts.json": &data.Accounts, "cards.json": &cards, "products.json": &products,
		"merchant-categories.json": &categories, "bins.json": &ranges, "watch-list.json": &data.WatchList} {
		ok, err := readFile(filepath.Join(folder, name), into)
		if err != nil {
			return directory.Data{}, err
		}
		if ok {
			found++
		}
	}
	if found == 0 {
		return directory.Data{}, misused(folder+" holds no reference data", "name a folder with accounts.json, cards.json, products.json, …, like examples/reference")
	}
	for i, card := range cards {
		panToken, err := tokens.Token(ctx, card.PAN)
		if err != nil {
			return directory.Data{}, fmt.Errorf("card %d of cards.json: %w", i+1, err)
		}
		for currency, account := range card.Accounts {
			data.Cards = append(data.Cards, directory.Card{PANToken: panToken, Currency: currency, AccountID: account})
		}
	}
	for i, p := range products {
		product := directory.Product{Name: p.Product, Currency: p.Currency, Terms: payment.Terms{FXFeeRate: p.FXFeeRate, FXFeeTaxRate: p.FXFeeTaxRate,
			TaxJurisdiction: p.TaxJurisdiction, CashFeeRate: p.CashFeeRate}}
		if p.CashFeeMinimum != "" {
			minimum, err := payment.ParseMoney(p.CashFeeMinimum, p.Currency)
			if err != nil {
				return directory.Data{}, misused(fmt.Sprintf("product %d of products.json: cashFeeMinimum: %s", i+1, err), "correct it")
			}
			product.Terms.CashFeeMinimum = &minimum
		}
		data.Products = append(data.Products, product)
	}
	for _, c := range categories {
		data.Categories = append(data.Categories, directory.Category{MCC: c.MCC, Name: c.Category})
	}
	for _, r := range ranges {
		data.Ranges = append(data.Ranges, directory.Range(r))
	}
	return data, nil
}

// readFile reads a JSON file strictly: a misspelt member is an error, not a default. ok is false where there is no file.
func readFile(path string, into any) (ok bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading reference data: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return false, misused(path+" cannot be read: "+err.Error(), "correct the file")
	}
	return true, nil
}

// sleep waits, or ends early with its context.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
