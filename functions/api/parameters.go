package main

import (
	"maps"
	"regexp"
	"slices"
	"strconv"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/payrail/payrail/internal/panguard"
)

const (
	// defaultLimit is a screenful.
	defaultLimit = 20
	// maxLimit keeps an answer far below Lambda's 6 MB and a read to one page of DynamoDB: an entry is about half a kilobyte.
	maxLimit = 100
)

var (
	// identifier is what an id may look like: printable ASCII without "#", which separates the parts of the tables' keys. 128
	// characters is the longest authorization id taken.
	identifier = regexp.MustCompile(`^[!-"$-~]{1,128}$`)
	// transactionID is the form of ids that Payrail makes. They are not searched for card numbers: one in some hundred random
	// ids would look as if it held one.
	transactionID = regexp.MustCompile(`^tx_[A-Z2-7]{26}$`)
)

// pathID reads the id in the path. A card number is refused before it gets into a query or a log.
func pathID(request lambdaevents.APIGatewayV2HTTPRequest) (string, *fieldProblem) {
	id := request.PathParameters["id"]
	switch {
	case !identifier.MatchString(id):
		return "", &fieldProblem{"id", "must be 1 to 128 printable ASCII characters without # and blanks"}
	case !transactionID.MatchString(id) && panguard.Contains(id):
		return "", &fieldProblem{"id", "must not hold a card number"}
	default:
		return id, nil
	}
}

// limitOf reads the page size. A parameter that is given twice arrives joined with a comma, and is no number.
func limitOf(query map[string]string) (int32, *fieldProblem) {
	given, ok := query["limit"]
	if !ok {
		return defaultLimit, nil
	}
	limit, err := strconv.ParseInt(given, 10, 32)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, &fieldProblem{"limit", "must be a whole number from 1 to " + strconv.Itoa(maxLimit)}
	}
	return int32(limit), nil
}

// unknown finds parameters that a route does not have: ignored, a misspelt one would give another answer than was asked for.
// Their names are the caller's text, which is repeated only where it can be no card number.
func unknown(query map[string]string, known ...string) []fieldProblem {
	var problems []fieldProblem
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if slices.Contains(known, name) {
			continue
		}
		problems = append(problems, fieldProblem{repeatable(name), "is no parameter of this resource"})
	}
	return problems
}
