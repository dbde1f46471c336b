package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

func TestCheckNamesEverythingThatIsWrong(t *testing.T) {
	const number = "4111111111111111"
	err := Data{
		Products: []Product{{Name: "P", Currency: "GBP", Terms: payment.Terms{FXFeeRate: "-1"}}, {Name: "Q", Currency: "XXQ"},
			{Name: "R", Currency: "GBP", Terms: payment.Terms{CashFeeMinimum: payment.Money{Minor: 1, Currency: "EUR"}}},
			{Name: "S", Currency: "GBP", Terms: payment.Terms{FXFeeMinimum: payment.Money{Minor: 2, Currency: "GBP"}, FXFeeMaximum: payment.Money{Minor: 1, Currency: "GBP"}}}},
		Ranges:    []Range{{BIN: "4111", Scheme: "VISA"}},
		Accounts:  []payment.Account{{ID: "a", Status: "SLEEPING"}, account, account},
		Cards:     []Card{{PANToken: number, Currency: "GBP", AccountID: "acc-1"}, {PANToken: token, Currency: "GBP"}},
		WatchList: payment.WatchList{"7995": "HM"},
	}.Check()
	for _, problem := range []string{"fxFeeRate is not a decimal of zero or more", `currency "XXQ" is not in ISO 4217`, "cashFeeMinimum must be zero or more in GBP", "fxFeeMaximum is less than fxFeeMinimum",
		`range "4111" has not 6 digits`, `status "SLEEPING"`, "ACCOUNT#acc-1 ACCOUNT is there twice", "a card of account acc-1 has no token of the right form",
		"card has no accountId", `category 7995 has warning "HM"`} {
		require.ErrorContains(t, err, problem)
	}
	require.NotContains(t, err.Error(), number, "what stands in a token's place may be a card number")
}

func TestWriteGoesOnWithWhatIsLeft(t *testing.T) {
	data := sample()
	for n := range 60 {
		data.Categories = append(data.Categories, Category{MCC: fmt.Sprintf("%04d", n), Name: "x"})
	}
	fake := newTables()
	writer := NewWriter(WriterOptions{Client: fake, AccountsTable: "accounts", ReferenceTable: "reference", Wait: noWait})
	fake.unprocessed = []int{5, 2}
	require.NoError(t, writer.Write(context.Background(), data))
	require.Len(t, fake.items, 67)
	require.Equal(t, 7, fake.writes, "three batches of 65 reference items, two more for what was left, accounts, cards")

	fake.unprocessed = []int{1, 1, 1, 1, 1}
	require.ErrorContains(t, writer.Write(context.Background(), data), "left items unprocessed in 5 attempts")

	fake.unprocessed = []int{1}
	writer.options.Wait = func(context.Context, time.Duration) error { return context.Canceled }
	require.ErrorIs(t, writer.Write(context.Background(), data), context.Canceled)

	fake.err = errors.New("denied")
	require.ErrorIs(t, writer.Write(context.Background(), data), fake.err)
}

func TestCardsAreWrittenLast(t *testing.T) {
	fake := newTables()
	fake.unprocessed = []int{0, 1, 1, 1, 1, 1} // the accounts are never taken
	err := NewWriter(WriterOptions{Client: fake, AccountsTable: "accounts", ReferenceTable: "reference", Wait: noWait}).Write(context.Background(), sample())
	require.Error(t, err)
	for item := range fake.items {
		require.False(t, strings.HasPrefix(item, "accounts|CARD#"), "a card must not lead to an account that is not there")
	}
}
