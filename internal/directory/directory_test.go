package directory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// tables are two DynamoDB tables in memory. They refuse what DynamoDB refuses of batches: too many keys, a key twice.
type tables struct {
	mu            sync.Mutex
	items         map[string]map[string]types.AttributeValue
	reads, writes int
	// unprocessed is how many keys or items of a call are left, for as many calls as it has elements.
	unprocessed []int
	err         error
}

func newTables() *tables { return &tables{items: map[string]map[string]types.AttributeValue{}} }

func id(table string, item map[string]types.AttributeValue) string {
	return table + "|" + item["pk"].(*types.AttributeValueMemberS).Value + "|" + item["sk"].(*types.AttributeValueMemberS).Value
}

func (f *tables) leave() int {
	if len(f.unprocessed) == 0 {
		return 0
	}
	n := f.unprocessed[0]
	f.unprocessed = f.unprocessed[1:]
	return n
}

func (f *tables) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.err != nil {
		return nil, f.err
	}
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{}, UnprocessedKeys: map[string]types.KeysAndAttributes{}}
	left, count, seen := f.leave(), 0, map[string]bool{}
	for table, asked := range in.RequestItems {
		for _, k := range asked.Keys {
			if count++; count > 100 || seen[id(table, k)] {
				return nil, errors.New("ValidationException: too many keys, or one twice")
			}
			seen[id(table, k)] = true
			if left > 0 {
				left--
				rest := out.UnprocessedKeys[table]
				rest.Keys = append(rest.Keys, k)
				out.UnprocessedKeys[table] = rest
				continue
			}
			if item, ok := f.items[id(table, k)]; ok {
				out.Responses[table] = append(out.Responses[table], maps.Clone(item))
			}
		}
	}
	return out, nil
}

func (f *tables) BatchWriteItem(_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if f.err != nil {
		return nil, f.err
	}
	out := &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}
	left, count := f.leave(), 0
	for table, requests := range in.RequestItems {
		for _, request := range requests {
			if count++; count > 25 {
				return nil, errors.New("ValidationException: too many items")
			}
			if left > 0 {
				left--
				out.UnprocessedItems[table] = append(out.UnprocessedItems[table], request)
				continue
			}
			f.items[id(table, request.PutRequest.Item)] = request.PutRequest.Item
		}
	}
	return out, nil
}

func noWait(context.Context, time.Duration) error { return nil }

// manual is a clock that a test moves.
type manual struct {
	mu  sync.Mutex
	now time.Time
}

func (m *manual) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }
func (m *manual) advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

const token = "tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ"

var account = payment.Account{Status: payment.AccountOpen, ID: "acc-1", IBAN: "GB29NWBK60161331926819", Holder: "A HOLDER", SortCode: "601613",
	BranchID: "b-1", BranchName: "City", Product: "CURRENT", Currency: "GBP", TaxCategory: "PERSONAL"}

var terms = payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: payment.Money{Minor: 300, Currency: "GBP"},
	FXFeeMinimum: payment.Money{Minor: 50, Currency: "GBP"}, FXFeeMaximum: payment.Money{Minor: 2000, Currency: "GBP"}, CardCentre: "000001"}

var waiver = payment.FXWaiver{Currencies: []payment.Currency{"EUR", "SEK"}, Countries: []string{"372"}}

func sample() Data {
	rules := payment.DefaultRuleSettings()
	rules.Disabled = []string{"R-021"}
	return Data{
		Rules:    &rules,
		Products: []Product{{Name: "CURRENT", Currency: "GBP", Terms: terms, FXWaiver: waiver}}, Accounts: []payment.Account{account},
		Cards:      []Card{{PANToken: token, Currency: "GBP", AccountID: "acc-1"}},
		Categories: []Category{{MCC: "5411", Name: "Grocery stores and supermarkets"}},
		Ranges:     []Range{{BIN: "411111", Scheme: "VISA", IssuerCountry: "826"}},
		WatchList:  payment.WatchList{"7995": payment.WarningGambling, "AAFF": payment.WarningWatchList},
	}
}

func seeded(t testing.TB, data Data) (*tables, *manual, *Directory) {
	t.Helper()
	fake, clock := newTables(), &manual{now: time.Unix(0, 0)}
	require.NoError(t, NewWriter(WriterOptions{Client: fake, AccountsTable: "accounts", ReferenceTable: "reference", Wait: noWait}).Write(context.Background(), data))
	return fake, clock, New(Options{Client: fake, AccountsTable: "accounts", ReferenceTable: "reference", Now: clock.Now, Wait: noWait})
}

var question = Question{PANToken: token, Currency: "GBP", MCC: "5411", BIN: "41111122"}

func TestWhatIsSeededIsAnswered(t *testing.T) {
	fake, _, d := seeded(t, sample())
	answers := d.Answers(context.Background(), []Question{question, {PANToken: token, Currency: "EUR", MCC: "9999", BIN: "510510"}, {PANToken: token, Currency: "GBP"}})
	rules := *sample().Rules
	require.Equal(t, Answer{Account: account, Terms: terms, ProductFound: true, FXWaiver: waiver, Category: "Grocery stores and supermarkets", CategoryListed: true, Scheme: "VISA", WatchList: sample().WatchList, Rules: rules}, answers[0])
	require.Equal(t, Answer{Account: payment.Account{Status: payment.AccountNotFound}, Scheme: "MASTERCARD", WatchList: sample().WatchList, Rules: rules}, answers[1])
	require.Equal(t, Answer{Account: account, Terms: terms, ProductFound: true, FXWaiver: waiver, Scheme: SchemeUnknown, WatchList: sample().WatchList, Rules: rules}, answers[2])
	require.Equal(t, 3, fake.reads, "one read for each round of the whole batch")

	d.Answers(context.Background(), []Question{question})
	require.Equal(t, 3, fake.reads, "all cached")
}

func TestContradictingDataIsAnError(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Data)
		reason string
	}{
		"no account": {func(d *Data) { d.Accounts = nil }, ReasonAccountMissing},
	} {
		t.Run(name, func(t *testing.T) {
			data := sample()
			tc.change(&data)
			_, _, d := seeded(t, data)
			answers := d.Answers(context.Background(), []Question{question, {PANToken: token, Currency: "EUR"}})
			require.Equal(t, payment.Invalid, payment.KindOf(answers[0].Err))
			require.Equal(t, tc.reason, payment.ReasonOf(answers[0].Err))
			require.NoError(t, answers[1].Err, "the others of the batch are answered")
		})
	}
}

// What the rules decide on is answered, not refused.
func TestGapsAreAnswered(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Data)
		want   func(*Answer)
	}{
		"no product":      {func(d *Data) { d.Products = nil }, nil},
		"no terms in GBP": {func(d *Data) { d.Products[0].Currency, d.Products[0].Terms = "EUR", payment.Terms{} }, nil},
		"an account in euros": {func(d *Data) { d.Accounts = []payment.Account{account}; d.Accounts[0].Currency = "EUR" },
			func(a *Answer) { a.Account.Currency = "EUR" }},
	} {
		t.Run(name, func(t *testing.T) {
			data := sample()
			tc.change(&data)
			_, _, d := seeded(t, data)
			answer := d.Answers(context.Background(), []Question{question})[0]
			require.NoError(t, answer.Err)
			require.False(t, answer.ProductFound)
			require.Zero(t, answer.Terms)
			want := Answer{Account: account}
			if tc.want != nil {
				tc.want(&want)
			}
			require.Equal(t, want.Account, answer.Account)
		})
	}
}

func TestRuleSettingsHaveDefaultsAndMustBeReadable(t *testing.T) {
	data := sample()
	data.Rules = nil
	fake, clock, d := seeded(t, data)
	require.Equal(t, payment.DefaultRuleSettings(), d.Answers(context.Background(), []Question{question})[0].Rules)
	fake.items["reference|SETTINGS|RULES"] = map[string]types.AttributeValue{"pk": text("SETTINGS"), "sk": text("RULES"), "settings": text(`{"gambling":["x"]}`)}
	clock.advance(absentLifetime)
	answer := d.Answers(context.Background(), []Question{question})[0]
	require.Equal(t, ReasonUnreadable, payment.ReasonOf(answer.Err), "settings that cannot be read are not replaced by defaults in silence")
}

func TestUnreadableItemFailsItsOwnPaymentAndIsReadAgain(t *testing.T) {
	fake, _, d := seeded(t, sample())
	broken := fake.items["accounts|ACCOUNT#acc-1|ACCOUNT"]
	broken["status"] = text("SLEEPING")
	answer := d.Answers(context.Background(), []Question{question})[0]
	require.Equal(t, ReasonUnreadable, payment.ReasonOf(answer.Err))
	broken["status"] = text("CLOSED")
	answer = d.Answers(context.Background(), []Question{question})[0]
	require.NoError(t, answer.Err)
	require.Equal(t, payment.AccountClosed, answer.Account.Status)
}

func TestAnswersAge(t *testing.T) {
	fake, clock, d := seeded(t, sample())
	ask := func() Answer { return d.Answers(context.Background(), []Question{question})[0] }
	require.Equal(t, payment.AccountOpen, ask().Account.Status)
	fake.items["accounts|ACCOUNT#acc-1|ACCOUNT"]["status"] = text("CLOSED")
	fake.items["reference|MCC#5411|MCC"]["category"] = text("Groceries")
	clock.advance(accountLifetime - time.Nanosecond)
	require.Equal(t, payment.AccountOpen, ask().Account.Status)
	clock.advance(time.Nanosecond)
	require.Equal(t, payment.AccountClosed, ask().Account.Status, "a closed account is known soon")
	require.Equal(t, "Grocery stores and supermarkets", ask().Category)
	clock.advance(referenceLifetime)
	require.Equal(t, "Groceries", ask().Category)
}

func TestAbsenceIsRememberedBriefly(t *testing.T) {
	fake, clock, d := seeded(t, Data{WatchList: payment.WatchList{}})
	ask := func() payment.AccountStatus {
		return d.Answers(context.Background(), []Question{question})[0].Account.Status
	}
	require.Equal(t, payment.AccountNotFound, ask())
	reads := fake.reads
	require.Equal(t, payment.AccountNotFound, ask())
	require.Equal(t, reads, fake.reads)
	require.NoError(t, NewWriter(WriterOptions{Client: fake, AccountsTable: "accounts", ReferenceTable: "reference", Wait: noWait}).Write(context.Background(), sample()))
	clock.advance(absentLifetime)
	require.Equal(t, payment.AccountOpen, ask())
}

func TestCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	c := newCache((&manual{now: time.Unix(0, 0)}).Now, 10)
	used := categoryKey("used")
	c.put(used, Category{}, true)
	for n := range 1000 {
		c.put(categoryKey(fmt.Sprint(n)), Category{}, true)
		_, found, known := c.get(used)
		require.True(t, found && known)
		require.LessOrEqual(t, len(c.young)+len(c.aged), 10)
	}
	_, _, known := c.get(categoryKey("0"))
	require.False(t, known)
}

func TestUnprocessedKeysAreReadAgain(t *testing.T) {
	fake, _, d := seeded(t, sample())
	fake.unprocessed = []int{3, 1}
	require.Equal(t, account, d.Answers(context.Background(), []Question{question})[0].Account)
	require.Equal(t, 5, fake.reads)

	fake, _, d = seeded(t, sample())
	fake.unprocessed = []int{1, 1, 1, 1, 1, 1}
	answer := d.Answers(context.Background(), []Question{question})[0]
	require.ErrorContains(t, answer.Err, "left keys unprocessed in 5 attempts")
	require.Equal(t, payment.Unavailable, payment.KindOf(answer.Err))
	require.Equal(t, maxAttempts, fake.reads)
}

func TestManyKeysTakeSeveralReads(t *testing.T) {
	fake, _, d := seeded(t, sample())
	questions := make([]Question, 101)
	for i := range questions {
		questions[i] = Question{PANToken: fmt.Sprint("tok", i), Currency: "GBP"}
	}
	for _, answer := range d.Answers(context.Background(), questions) {
		require.NoError(t, answer.Err)
	}
	require.Equal(t, 2, fake.reads)
}

func TestTableThatCannotBeReadFailsAll(t *testing.T) {
	fake, _, d := seeded(t, sample())
	fake.err = errors.New("throttled")
	for _, answer := range d.Answers(context.Background(), []Question{question, question}) {
		require.ErrorIs(t, answer.Err, fake.err)
		require.NotEqual(t, payment.AccountNotFound, answer.Account.Status, "unknown is not absent")
	}
}

func TestDirectoryIsSafeForConcurrentUse(t *testing.T) {
	_, clock, d := seeded(t, sample())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 20 {
				clock.advance(time.Second)
				if answer := d.Answers(context.Background(), []Question{question})[0]; answer.Err != nil || answer.Account.ID != "acc-1" {
					t.Errorf("answered %+v", answer)
				}
			}
		})
	}
	all.Wait()
}

func TestSchemeOf(t *testing.T) {
	for bin, want := range map[string]string{"411111": "VISA", "510510": "MASTERCARD", "222100": "MASTERCARD", "272099": "MASTERCARD", "272100": SchemeUnknown,
		"340000": "AMEX", "370000": "AMEX", "601100": "DISCOVER", "644000": "DISCOVER", "650000": "DISCOVER", "352800": "JCB", "620000": "UNIONPAY",
		"500000": "MAESTRO", "560000": "MAESTRO", "670000": "MAESTRO", "": SchemeUnknown, "9": SchemeUnknown, "abc": SchemeUnknown} {
		require.Equal(t, want, SchemeOf(bin), bin)
	}
}

func BenchmarkAnswersCached(b *testing.B) {
	_, _, d := seeded(b, sample())
	for b.Loop() {
		if answer := d.Answers(context.Background(), []Question{question})[0]; answer.Err != nil {
			b.Fatal(answer.Err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("PRODUCT#P", "GBP", "cashFeeMinimum", "3.00")
	f.Add("PRODUCT#P", "GBP", "fxFeeMaximum", "20.00")
	f.Add("ACCOUNT#a", "ACCOUNT", "status", "OPEN")
	f.Add("SETTINGS", "WATCH_LIST", "warnings", "x")
	f.Fuzz(func(t *testing.T, pk, sk, name, value string) {
		for _, table := range []table{accountsTable, referenceTable} {
			k := key{table, pk, sk}
			decoded, err := decode(k, map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk), name: text(value)})
			if product, ok := decoded.(Product); ok && err == nil {
				again, err := decode(k, productItem(product))
				require.NoError(t, err)
				require.Equal(t, product, again)
			}
		}
	})
}
