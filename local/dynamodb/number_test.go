package dynamodb

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNormalizeNumber(t *testing.T) {
	nines := strings.Repeat("9", 38)
	for in, want := range map[string]string{
		"1.50": "1.5", "0": "0", "-0": "0", "00012": "12", "+7": "7", "1e3": "1000", "1.5E-3": "0.0015", "-.5": "-0.5", "100": "100",
		"5.": "5", "12345678901234567890.123456789": "12345678901234567890.123456789", nines: nines,
		"1E125": "1" + strings.Repeat("0", 125), "1E-130": "0." + strings.Repeat("0", 129) + "1",
	} {
		got, err := normalizeNumber(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]string{
		"":          "The parameter cannot be converted to a numeric value",
		"1,5":       "The parameter cannot be converted to a numeric value: 1,5",
		"1.2.3":     "The parameter cannot be converted to a numeric value: 1.2.3",
		"--1":       "The parameter cannot be converted to a numeric value: --1",
		"NaN":       "The parameter cannot be converted to a numeric value: NaN",
		"1e":        "The parameter cannot be converted to a numeric value: 1e",
		"1E126":     "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"1E-131":    "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		nines + "9": "Attempting to store more than 38 significant digits in a Number",
	} {
		_, err := normalizeNumber(in)
		require.ErrorContains(t, err, want, in)
	}
}

// drawNumber makes a normalised number and its exact value.
func drawNumber(t *rapid.T, label string) (string, *big.Rat) {
	digits := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,15})?`).Draw(t, label)
	exponent := rapid.IntRange(-60, 60).Draw(t, label+" exponent")
	text := digits + "E" + strconv.Itoa(exponent)
	exact, ok := new(big.Rat).SetString(text)
	require.True(t, ok)
	normal, err := normalizeNumber(text)
	require.NoError(t, err)
	return normal, exact
}

func TestNumbersOrderAndEncodeAsTheirValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, exactA := drawNumber(t, "a")
		b, exactB := drawNumber(t, "b")
		want := exactA.Cmp(exactB)
		require.Equal(t, want, compareNumbers(a, b), "%s and %s", a, b)
		keyA, keyB := appendKey(nil, value{kind: kindN, text: a}), appendKey(nil, value{kind: kindN, text: b})
		require.Equal(t, want, bytes.Compare(keyA, keyB), "%s and %s", a, b)
		back, ok := new(big.Rat).SetString(a)
		require.True(t, ok)
		require.Zero(t, exactA.Cmp(back))
	})
}

func TestNumbersAddExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,18}(\.[0-9]{1,9})?`)
		a, b, subtract := text.Draw(t, "a"), text.Draw(t, "b"), rapid.Bool().Draw(t, "subtract")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if subtract {
			y.Neg(y)
		}
		normalA, err := normalizeNumber(a)
		require.NoError(t, err)
		normalB, err := normalizeNumber(b)
		require.NoError(t, err)
		sum, err := addNumbers(normalA, normalB, subtract)
		require.NoError(t, err)
		got, _ := new(big.Rat).SetString(sum)
		require.Zero(t, got.Cmp(x.Add(x, y)), sum)
	})
	_, err := addNumbers(strings.Repeat("9", 38), "0.1", false)
	require.ErrorContains(t, err, "38 significant digits")
}

func TestTextKeysOrderAsTheirBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) string {
			return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xfe, 0xff}), 1, 6).Draw(t, label))
		}
		a, b := draw("a"), draw("b")
		keyA, keyB := appendKey(nil, value{kind: kindB, text: a}), appendKey(nil, value{kind: kindB, text: b})
		require.Equal(t, strings.Compare(a, b), bytes.Compare(keyA, keyB))
		require.Equal(t, a == b, bytes.HasPrefix(keyA, keyB))
		prefix := appendKeyPrefix(nil, b)
		inRange := bytes.Compare(keyA, prefix) >= 0 && (after(prefix) == nil || bytes.Compare(keyA, after(prefix)) < 0)
		require.Equal(t, strings.HasPrefix(a, b), inRange)
	})
}
