package payment

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// AdditionalAmount is one of the amounts of DE54: a part of the transaction amount, or something that is told beside it. It is
// never posted by itself.
type AdditionalAmount struct {
	// AccountType and Type are ISO 8583's codes; type 40 is cash back, 42 a surcharge.
	AccountType, Type string
	Side              Side
	Amount            Money
}

// additionalCharacters is the length of one amount: account type 2, amount type 2, currency 3, C or D, amount 12.
const additionalCharacters = 20

// ParseAdditionalAmounts reads the amounts of DE54 as an authorization has them: with commas between them.
func ParseAdditionalAmounts(text string) ([]AdditionalAmount, error) {
	if text == "" {
		return nil, nil
	}
	var amounts []AdditionalAmount
	for _, one := range strings.Split(text, ",") {
		if len(one) != additionalCharacters {
			return nil, fmt.Errorf("an additional amount has %d characters, want %d", len(one), additionalCharacters)
		}
		currency, err := CurrencyFromNumeric(one[4:7])
		if err != nil {
			return nil, err
		}
		minor, err := strconv.ParseInt(one[8:], 10, 64)
		if err != nil || minor < 0 {
			return nil, errors.New("the amount of an additional amount is no number of 12 digits")
		}
		amounts = append(amounts, AdditionalAmount{AccountType: one[:2], Type: one[2:4], Side: Side(one[7:8]), Amount: Money{Minor: minor, Currency: currency}})
	}
	return amounts, nil
}

// additionalAmounts reads what every later stage may take for granted: known currencies.
func (p *parser) additionalAmounts(field string) string {
	value := p.text(field)
	if _, err := ParseAdditionalAmounts(value); err != nil {
		p.fail(field, "has a currency that is not an ISO 4217 numeric code")
		return ""
	}
	return value
}
