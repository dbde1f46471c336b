package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
		Long: `seed reads accounts.json, cards.json, products.json, merchant-categories.json, bins.json, watch-list.json and rules.json from a
folder and writes them to the accounts and reference tables; a file that is not there is left out. Cards are given by published test
card numbers, whose tokens are derived with the stack's KMS key; the numbers themselves are not stored. Loading again replaces
what is there.`,
		Example: "  payrail seed examples/reference",
		Args:    exactly("DIR"),
		RunE: func(command *cobra.Command, arguments []string) error {
			files, err := readReference(arguments[0])
			if err != nil {
				return err
			}
			deployed, err := a.connect(command.Context())
			if err != nil {
				return err
			}
			data, err := a.load(command.Context(), deployed, files)
			if err != nil || !a.json {
				return err
			}
			return a.printJSON(map[string]int{"accounts": len(data.Accounts), "cards": len(data.Cards), "products": len(data.Products),
				"categories": len(data.Categories), "ranges": len(data.Ranges)})
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
		FXFeeMinimum    string           `json:"fxFeeMinimum"`
		FXFeeMaximum    string           `json:"fxFeeMaximum"`
		FXFeeTaxRate    string           `json:"fxFeeTaxRate"`
		TaxJurisdiction string           `json:"taxJurisdiction"`
		CashFeeRate     string           `json:"cashFeeRate"`
		CashFeeMinimum  string           `json:"cashFeeMinimum"`
		CardCentre      string           `json:"cardCentre"`
		// Where the FX fee is not charged: for these currencies of the transaction, and these countries of the acquirer.
		FXFeeWaivedCurrencies []payment.Currency `json:"fxFeeWaivedCurrencies"`
		FXFeeWaivedCountries  []string           `json:"fxFeeWaivedCountries"`
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

// seed reads a folder of reference data and loads it.
func (a *application) seed(ctx context.Context, d *deployment, folder string) (directory.Data, error) {
	files, err := readReference(folder)
	if err != nil {
		return directory.Data{}, err
	}
	return a.load(ctx, d, files)
}

// load derives the tokens of the cards and writes everything to the tables.
func (a *application) load(ctx context.Context, d *deployment, files referenceFiles) (directory.Data, error) {
	tokens, err := d.tokenizer()
	if err != nil {
		return directory.Data{}, err
	}
	data, err := files.data(ctx, tokens)
	if err != nil {
		return directory.Data{}, err
	}
	if err := data.Check(); err != nil {
		return directory.Data{}, misused("the reference data in "+files.folder+" does not hold together: "+err.Error(), "correct the files")
	}
	accounts, err := d.output("AccountsTable")
	if err != nil {
		return directory.Data{}, err
	}
	reference, err := d.output("ReferenceTable")
	if err != nil {
		return directory.Data{}, err
	}
	writer := directory.NewWriter(directory.WriterOptions{Client: d.dynamodb(), AccountsTable: accounts, ReferenceTable: reference, Wait: sleep})
	err = a.step(fmt.Sprintf("loading %d accounts, %d cards and %d products", len(data.Accounts), len(data.Cards), len(data.Products)), func() error {
		return writer.Write(ctx, data)
	})
	if err != nil {
		return directory.Data{}, fmt.Errorf("loading the reference data: %w", err)
	}
	return data, nil
}

// referenceFiles is a folder of reference data as it is written, with card numbers in place of tokens.
type referenceFiles struct {
	folder     string
	accounts   []payment.Account
	cards      []cardFile
	products   []productFile
	categories []categoryFile
	ranges     []rangeFile
	watchList  payment.WatchList
	rules      *payment.RuleSettings
}

// readReference reads the files of a folder.
func readReference(folder string) (referenceFiles, error) {
	f := referenceFiles{folder: folder}
	if info, err := os.Stat(folder); err != nil {
		return f, misused("reading "+folder+": "+cause(err), "name a folder like examples/reference")
	} else if !info.IsDir() {
		return f, misused(folder+" is no folder", "name one like examples/reference")
	}
	found := 0
	for _, file := range []struct {
		name string
		into any
	}{
		{"accounts.json", &f.accounts}, {"cards.json", &f.cards}, {"products.json", &f.products},
		{"merchant-categories.json", &f.categories}, {"bins.json", &f.ranges}, {"watch-list.json", &f.watchList},
		{"rules.json", &f.rules},
	} {
		ok, err := readFile(filepath.Join(folder, file.name), file.into)
		if err != nil {
			return f, err
		}
		if ok {
			found++
		}
	}
	if found == 0 {
		return f, misused(folder+" holds no reference data", "name a folder with accounts.json, cards.json, products.json, …, like examples/reference")
	}
	return f, nil
}

// data is the reference data with the tokens of its cards.
func (f referenceFiles) data(ctx context.Context, tokens tokenizer) (directory.Data, error) {
	data := directory.Data{Accounts: f.accounts, WatchList: f.watchList, Rules: f.rules}
	for i, card := range f.cards {
		panToken, err := tokens.Token(ctx, card.PAN)
		if errors.Is(err, token.ErrNoCardNumber) {
			return directory.Data{}, misused(fmt.Sprintf("card %d of %s: %s", i+1, filepath.Join(f.folder, "cards.json"), err), "give its pan 13 to 19 digits")
		}
		if err != nil {
			return directory.Data{}, fmt.Errorf("card %d of cards.json: %w", i+1, err)
		}
		for currency, account := range card.Accounts {
			data.Cards = append(data.Cards, directory.Card{PANToken: panToken, Currency: currency, AccountID: account})
		}
	}
	for i, p := range f.products {
		product := directory.Product{Name: p.Product, Currency: p.Currency, Terms: payment.Terms{FXFeeRate: p.FXFeeRate, FXFeeTaxRate: p.FXFeeTaxRate,
			TaxJurisdiction: p.TaxJurisdiction, CashFeeRate: p.CashFeeRate, CardCentre: p.CardCentre},
			FXWaiver: payment.FXWaiver{Currencies: p.FXFeeWaivedCurrencies, Countries: p.FXFeeWaivedCountries}}
		for _, limit := range []struct {
			name, amount string
			into         *payment.Money
		}{{"fxFeeMinimum", p.FXFeeMinimum, &product.Terms.FXFeeMinimum}, {"fxFeeMaximum", p.FXFeeMaximum, &product.Terms.FXFeeMaximum},
			{"cashFeeMinimum", p.CashFeeMinimum, &product.Terms.CashFeeMinimum}} {
			if limit.amount == "" {
				continue
			}
			money, err := payment.ParseMoney(limit.amount, p.Currency)
			if err != nil {
				return directory.Data{}, misused(fmt.Sprintf("product %d of %s: %s: %s", i+1, filepath.Join(f.folder, "products.json"), limit.name, err), "correct it")
			}
			*limit.into = money
		}
		data.Products = append(data.Products, product)
	}
	for _, c := range f.categories {
		data.Categories = append(data.Categories, directory.Category{MCC: c.MCC, Name: c.Category})
	}
	for _, r := range f.ranges {
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
		return false, misused("reading "+path+": "+cause(err), "check the file")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return false, misused(path+" cannot be read: "+err.Error(), "correct the file")
	}
	if decoder.Decode(&json.RawMessage{}) != io.EOF {
		return false, misused(path+" cannot be read: there is something after its JSON value", "correct the file")
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
