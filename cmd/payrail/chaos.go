package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/faults"
)

// readChaos reads what --chaos says; nil where nothing is to go wrong. Without a seed it takes one by chance, which is shown so that
// the same run can be had again.
func readChaos(spec string) (*faults.Plan, error) {
	if spec == "" {
		return nil, nil
	}
	if file, ok := strings.CutPrefix(spec, "@"); ok {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, misused("reading the plan of --chaos: "+err.Error(), "name a file after the @")
		}
		plan, err := faults.ParsePlanJSON(text)
		if err != nil {
			return nil, misused(fmt.Sprintf("%s is no plan of faults: %s", file, err), `write it like {"seed": 7, "faults": [{"kind": "duplicate", "probability": 0.05}]}`)
		}
		return &plan, nil
	}
	plan, seeded, err := faults.ParsePlan(spec)
	if err != nil {
		return nil, misused("--chaos: "+err.Error(), "write it like "+faults.SpecSyntax)
	}
	if !seeded {
		plan.Seed = uint64(rand.Uint32()) // Short enough to be typed.
	}
	return &plan, nil
}

// startChaos arms the plan once the stack stands, so that it does not keep it from being created.
func (a *application) startChaos(runtime *local.Runtime, plan faults.Plan) error {
	if err := runtime.Faults.Follow(plan); err != nil {
		return failed(err.Error(), "see docs/how-to/break-it-on-purpose.md")
	}
	fmt.Fprintf(a.stderr, "chaos with seed %d: %s\n", plan.Seed, plan)
	return nil
}

// reportChaos shows what was injected, how often.
func (a *application) reportChaos(runtime *local.Runtime) {
	report := runtime.Faults.Report()
	if a.json {
		if err := a.printLine(report); err != nil { // The run itself is over: there is nobody else to tell.
			fmt.Fprintln(a.stderr, "printing the faults:", err)
		}
		return
	}
	rows := make([][]string, len(report.Injected))
	for n, c := range report.Injected {
		rows[n] = []string{string(c.Kind), string(c.When), c.Operation, strconv.Itoa(c.Times)}
	}
	fmt.Fprintf(a.stdout, "\nfaults injected with seed %d:\n", report.Seed)
	a.table([]string{"fault", "when", "operation", "times"}, rows)
}
