package payment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/govalues/decimal"
)

// CategoryList names merchant categories (MCC): single ones ("7995") and ranges ("3000-3999").
type CategoryList []string

// Contains reports whether the list names a category. One that is not of four digits is in no list.
func (l CategoryList) Contains(mcc string) bool {
	if len(mcc) != mccDigits || !isDigits(mcc) {
		return false
	}
	for _, entry := range l {
		from, to := entry, entry
		if len(entry) == 2*mccDigits+1 {
			from, to = entry[:mccDigits], entry[mccDigits+1:]
		}
		// Of one length, digits sort as the numbers they are.
		if from <= mcc && mcc <= to {
			return true
		}
	}
	return false
}

const mccDigits = 4

func (l CategoryList) check() error {
	for _, entry := range l {
		single := len(entry) == mccDigits && isDigits(entry)
		ranged := len(entry) == 2*mccDigits+1 && entry[mccDigits] == '-' && isDigits(entry[:mccDigits]) && isDigits(entry[mccDigits+1:]) &&
			entry[:mccDigits] <= entry[mccDigits+1:]
		if !single && !ranged {
			return fmt.Errorf("%q is no merchant category and no range of them like 3000-3999", entry)
		}
	}
	return nil
}

// RuleSettings are the limits and lists of the business rules. They are reference data; what a file leaves out is as in
// DefaultRuleSettings. The defaults are common practice, not a scheme's rules.
type RuleSettings struct {
	// Disabled are rules that are switched off. Only those that find, charge or ask for a review can be: where a payment is
	// posted to is not a matter of taste.
	Disabled []string `json:"disabled"`
	// Gambling, QuasiCash, Cash and HighRisk are the categories of.
	Gambling  CategoryList `json:"gambling"`
	QuasiCash CategoryList `json:"quasiCash"`
	Cash      CategoryList `json:"cash"`
	HighRisk  CategoryList `json:"highRisk"`
	// CashMachines are the categories with which a purchase is inconsistent.
	CashMachines CategoryList `json:"cashMachines"`
	// FlagUnlistedCategories makes R-044 flag categories that the reference data does not list, besides those that are not of
	// four digits.
	FlagUnlistedCategories bool          `json:"flagUnlistedCategories"`
	ConversionRate         RateTolerance `json:"conversionRate"`
	// Validity is how long an authorization may be posted without a finding.
	Validity AgeLimit `json:"validity"`
	// Timestamp bounds the time of transmission.
	Timestamp TimestampLimits `json:"timestamp"`
	// OverAuthorization is by how much more than was authorized may be posted without a finding.
	OverAuthorization AmountTolerance `json:"overAuthorization"`
	// SortCodeCurrencies are the currencies whose accounts must have a sort code.
	SortCodeCurrencies []Currency `json:"sortCodeCurrencies"`
}

// RateTolerance bounds how far the billed amount may be from the transaction amount times the rate.
type RateTolerance struct {
	// Share of the billed amount, a decimal of one, and MinorUnits of the billing currency on top of it.
	Share      string `json:"share"`
	MinorUnits int64  `json:"minorUnits"`
	// Review is the share beyond which nothing is posted.
	Review string `json:"review"`
}

// AgeLimit is a number of days, with exceptions by merchant category.
type AgeLimit struct {
	Days       int            `json:"days"`
	Exceptions []AgeException `json:"exceptions"`
}

// AgeException is the limit of some categories.
type AgeException struct {
	Categories CategoryList `json:"categories"`
	Days       int          `json:"days"`
}

// For is the limit for a category; of several exceptions the first counts.
func (l AgeLimit) For(mcc string) time.Duration {
	for _, e := range l.Exceptions {
		if e.Categories.Contains(mcc) {
			return days(e.Days)
		}
	}
	return days(l.Days)
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// TimestampLimits say how far a time of transmission may be from the time of intake.
type TimestampLimits struct {
	AheadMinutes int `json:"aheadMinutes"`
	BehindDays   int `json:"behindDays"`
}

// AmountTolerance is a share of an amount, with exceptions by merchant category.
type AmountTolerance struct {
	Share      string            `json:"share"`
	Exceptions []AmountException `json:"exceptions"`
}

// AmountException is the tolerance of some categories.
type AmountException struct {
	Categories CategoryList `json:"categories"`
	Share      string       `json:"share"`
}

// For is the tolerance for a category; of several exceptions the first counts.
func (t AmountTolerance) For(mcc string) string {
	for _, e := range t.Exceptions {
		if e.Categories.Contains(mcc) {
			return e.Share
		}
	}
	return t.Share
}

// travel are airlines, car rental and hotels, each with a category of its own in 3000 to 3999, and the general ones. Their
// authorizations are estimates made days ahead.
var travel = CategoryList{"3000-3999", "4511", "7011", "7512"}

// DefaultRuleSettings are the settings where the reference data has none.
func DefaultRuleSettings() RuleSettings {
	return RuleSettings{
		Gambling:               CategoryList{"7800", "7801", "7802", "7995", "9406"},
		QuasiCash:              CategoryList{"4829", "6050", "6051", "6538", "6540"},
		Cash:                   CategoryList{"6010", "6011"},
		HighRisk:               CategoryList{"5967", "7273", "5912", "5122", "5966", "5993"},
		CashMachines:           CategoryList{"6011"},
		FlagUnlistedCategories: true,
		ConversionRate:         RateTolerance{Share: "0.005", MinorUnits: 1, Review: "0.10"},
		Validity: AgeLimit{Days: 7, Exceptions: []AgeException{
			{Categories: CategoryList{"5541", "5542"}, Days: 1}, {Categories: CategoryList{"3000-3999", "7011", "7512"}, Days: 30}}},
		Timestamp: TimestampLimits{AheadMinutes: 5, BehindDays: 180},
		OverAuthorization: AmountTolerance{Share: "0", Exceptions: []AmountException{
			{Categories: CategoryList{"5542", "5812", "5813", "5814"}, Share: "0.20"}, {Categories: travel, Share: "0.15"}}},
		SortCodeCurrencies: []Currency{"GBP"},
	}
}

// ParseRuleSettings reads and checks settings.
func ParseRuleSettings(document []byte) (RuleSettings, error) {
	var settings RuleSettings
	if err := json.Unmarshal(document, &settings); err != nil {
		return RuleSettings{}, fmt.Errorf("reading rule settings: %w", err)
	}
	return settings, settings.Check()
}

// UnmarshalJSON reads settings strictly: a misspelt member is an error, one that is left out keeps its default. Exceptions are
// replaced as a whole where their limit is given.
func (s *RuleSettings) UnmarshalJSON(document []byte) error {
	type plain RuleSettings // has no UnmarshalJSON
	settings := plain(DefaultRuleSettings())
	var given map[string]json.RawMessage
	if err := json.Unmarshal(document, &given); err != nil {
		return err
	}
	if _, ok := given["validity"]; ok {
		settings.Validity.Exceptions = nil
	}
	if _, ok := given["overAuthorization"]; ok {
		settings.OverAuthorization.Exceptions = nil
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&settings); err != nil {
		return err
	}
	*s = RuleSettings(settings)
	return nil
}

// maxDays is a century: no limit in days is meant to be longer, and none overflows a duration.
const maxDays = 36_525

// Check says what is wrong with the settings.
func (s RuleSettings) Check() error {
	var problems []error
	for name, list := range map[string]CategoryList{"gambling": s.Gambling, "quasiCash": s.QuasiCash, "cash": s.Cash, "highRisk": s.HighRisk, "cashMachines": s.CashMachines} {
		problems = append(problems, within(name, list.check()))
	}
	for _, id := range s.Disabled {
		if i := slices.IndexFunc(BusinessRules(), func(r BusinessRule) bool { return r.ID == id }); i < 0 || !BusinessRules()[i].Switchable {
			problems = append(problems, fmt.Errorf("disabled: %q is no rule that can be switched off", id))
		}
	}
	for name, share := range map[string]string{"conversionRate.share": s.ConversionRate.Share, "conversionRate.review": s.ConversionRate.Review,
		"overAuthorization.share": s.OverAuthorization.Share} {
		problems = append(problems, within(name, checkShare(share)))
	}
	if s.ConversionRate.MinorUnits < 0 || s.ConversionRate.MinorUnits > maxMinor {
		problems = append(problems, errors.New("conversionRate.minorUnits must not be negative"))
	}
	for _, e := range s.OverAuthorization.Exceptions {
		problems = append(problems, within("overAuthorization", errors.Join(e.Categories.check(), checkShare(e.Share))))
	}
	for _, e := range s.Validity.Exceptions {
		problems = append(problems, within("validity", errors.Join(e.Categories.check(), checkDays(e.Days))))
	}
	problems = append(problems, within("validity", checkDays(s.Validity.Days)), within("timestamp", checkDays(s.Timestamp.BehindDays)),
		within("timestamp", checkDays(s.Timestamp.AheadMinutes/(24*60))))
	for _, c := range s.SortCodeCurrencies {
		_, err := c.Exponent()
		problems = append(problems, within("sortCodeCurrencies", err))
	}
	return errors.Join(problems...)
}

func within(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

func checkShare(share string) error {
	if d, err := decimal.Parse(share); err != nil || d.IsNeg() {
		return fmt.Errorf("%q is not a decimal of zero or more", share)
	}
	return nil
}

func checkDays(n int) error {
	if n < 0 || n > maxDays {
		return errors.New("a time must not be negative, nor longer than a century")
	}
	return nil
}
