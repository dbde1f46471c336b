package payment

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func sequenceOf(legs []Leg) Sequence {
	return Sequence{ID: "ps_A-00", Of: len(legs), Checksum: Checksum(legs), TransactionID: "tx_A", AuthorizationID: "auth-1",
		BusinessKey: strings.Repeat("A", 52), PayloadHash: strings.Repeat("0", 64), Outcome: OutcomePosted, OccurredAt: "2026-07-09T10:15:31.000Z"}
}

func sixLegs(t testing.TB) []Leg {
	t.Helper()
	legs, err := Legs(foreign(decided("00", "79.25", "GBP", plusTerms)))
	require.NoError(t, err)
	return legs
}

func TestAssembleWaitsForEveryLeg(t *testing.T) {
	legs := sixLegs(t)
	s := sequenceOf(legs)
	for n := range legs {
		_, err := Assemble(s, append(legs[:n:n], legs[n+1:]...))
		require.ErrorIs(t, err, ErrIncomplete, "without leg %d", n+1)
	}
	entry, err := Assemble(s, legs)
	require.NoError(t, err)
	require.Equal(t, legs, entry.Legs)
	require.Len(t, entry.CustomerLegs(), 3)
}

func TestAssembleRefusesTamperedLegs(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func([]Leg, *Sequence) []Leg
		problem string
	}{
		"another amount":   {func(l []Leg, _ *Sequence) []Leg { l[0].Amount.Minor++; return l }, "CHECKSUM_MISMATCH: the legs of sequence ps_A-00 do not have its checksum"},
		"another account":  {func(l []Leg, _ *Sequence) []Leg { l[0].Account = "acc-2"; return l }, "CHECKSUM_MISMATCH: the legs of sequence ps_A-00 do not have its checksum"},
		"a leg too many":   {func(l []Leg, _ *Sequence) []Leg { return append(l, Leg{Number: 7}) }, "SEQUENCE_INVALID: sequence ps_A-00 has no leg 7 of 6"},
		"a leg of nothing": {func(l []Leg, _ *Sequence) []Leg { return append(l, Leg{Number: 0}) }, "SEQUENCE_INVALID: sequence ps_A-00 has no leg 0 of 6"},
		"unbalanced, with its checksum": {func(l []Leg, s *Sequence) []Leg {
			l[0].Amount.Minor++
			s.Checksum = Checksum(l)
			return l
		}, "sequence ps_A-00: UNBALANCED: debits exceed credits by GBP 0.01"},
		"one leg only":       {func(l []Leg, s *Sequence) []Leg { s.Of = 1; return l[:1] }, "SEQUENCE_INVALID: sequence ps_A-00 has 1 legs, want 2 to 32"},
		"more than the most": {func(l []Leg, s *Sequence) []Leg { s.Of = 33; return l }, "SEQUENCE_INVALID: sequence ps_A-00 has 33 legs, want 2 to 32"},
	} {
		t.Run(name, func(t *testing.T) {
			legs := sixLegs(t)
			s := sequenceOf(legs)
			_, err := Assemble(s, tc.change(legs, &s))
			require.EqualError(t, err, tc.problem)
			require.Equal(t, Invalid, KindOf(err))
		})
	}
}

// Any order, any number of times: the same entry with the same hash (invariant 3).
func TestAssembleIsIndependentOfOrderAndRepetition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legs, err := Legs(anyDecided(t))
		require.NoError(t, err)
		s := sequenceOf(legs)
		want, err := Assemble(s, legs)
		require.NoError(t, err)

		shuffled := append(legs[:len(legs):len(legs)], legs[:rapid.IntRange(0, len(legs)).Draw(t, "again")]...)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		got, err := Assemble(s, shuffled)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, want.Hash(), got.Hash())
	})
}

func TestHashCoversTheEntry(t *testing.T) {
	legs := sixLegs(t)
	entry, err := Assemble(sequenceOf(legs), legs)
	require.NoError(t, err)
	for name, change := range map[string]func(*JournalEntry){
		"authorization": func(e *JournalEntry) { e.AuthorizationID = "auth-2" },
		"payload":       func(e *JournalEntry) { e.PayloadHash = "1" },
		"outcome":       func(e *JournalEntry) { e.Outcome = OutcomeSuspense },
		"leg":           func(e *JournalEntry) { e.Legs[5].Amount.Minor++ },
	} {
		other, err := Assemble(sequenceOf(legs), legs)
		require.NoError(t, err)
		change(&other)
		require.NotEqual(t, entry.Hash(), other.Hash(), name)
	}
}

func TestSignedIsTheCustomersView(t *testing.T) {
	require.Equal(t, Money{-1981, "GBP"}, Leg{Side: Debit, Amount: Money{1981, "GBP"}}.Signed())
	require.Equal(t, Money{1981, "GBP"}, Leg{Side: Credit, Amount: Money{1981, "GBP"}}.Signed())
}

func TestUnknownErrorsAreTriedAgain(t *testing.T) {
	require.True(t, KindOf(ErrIncomplete).Retryable())
	require.Equal(t, "INTERNAL", ReasonOf(ErrIncomplete))
	require.False(t, Invalid.Retryable())
}

func BenchmarkAssemble(b *testing.B) {
	legs := sixLegs(b)
	s := sequenceOf(legs)
	for b.Loop() {
		if _, err := Assemble(s, legs); err != nil {
			b.Fatal(err)
		}
	}
}
