package payment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	for name, tc := range map[string]struct {
		total   Money
		weights []int64
		want    []int64
	}{
		"in thirds, the first of equals gets more": {Money{10000, "GBP"}, []int64{1, 1, 1}, []int64{3334, 3333, 3333}},
		"the largest remainder gets more":          {Money{100, "GBP"}, []int64{1, 5}, []int64{17, 83}},
		"without minor units":                      {Money{10, "JPY"}, []int64{3, 3, 3}, []int64{4, 3, 3}},
		"of three decimals":                        {Money{30809, "BHD"}, []int64{50, 50}, []int64{15405, 15404}},
		"nothing for a weight of nothing":          {Money{101, "GBP"}, []int64{0, 1, 1}, []int64{0, 51, 50}},
		"nothing":                                  {Money{0, "GBP"}, []int64{1, 2}, []int64{0, 0}},
		"E7, what was won and what was lost":       {Money{7925, "GBP"}, []int64{5000, 2925}, []int64{5000, 2925}},
		"the largest there is":                     {Money{math.MaxInt64, "GBP"}, []int64{math.MaxInt64, math.MaxInt64}, []int64{4611686018427387904, 4611686018427387903}},
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := Split(tc.total, tc.weights)
			require.NoError(t, err)
			var minor []int64
			for _, part := range parts {
				require.Equal(t, tc.total.Currency, part.Currency)
				minor = append(minor, part.Minor)
			}
			require.Equal(t, tc.want, minor)
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		total   Money
		weights []int64
	}{
		"no weights":         {Money{100, "GBP"}, nil},
		"weights of nothing": {Money{100, "GBP"}, []int64{0, 0}},
		"a negative weight":  {Money{100, "GBP"}, []int64{2, -1}},
		"a negative amount":  {Money{-100, "GBP"}, []int64{1}},
		"weights too large":  {Money{100, "GBP"}, []int64{math.MaxInt64, math.MaxInt64, math.MaxInt64}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Split(tc.total, tc.weights)
			require.ErrorIs(t, err, errWeights)
		})
	}
}

// The parts add up to the total, and none is a whole minor unit away from its exact share.
func TestSplitIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := Money{rapid.Int64Range(0, 99_999_999_999).Draw(t, "total"), "GBP"}
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1_000_000), 1, 12).Draw(t, "weights")
		weights[0]++
		parts, err := Split(total, weights)
		require.NoError(t, err)
		var sum, all int64
		for _, weight := range weights {
			all += weight
		}
		for i, part := range parts {
			sum += part.Minor
			// In units of 1/all of a minor unit, where the exact share is a whole number.
			difference := part.Minor*all - total.Minor*weights[i]
			require.Less(t, difference, all)
			require.Greater(t, difference, -all)
		}
		require.Equal(t, total.Minor, sum)
	})
}
