package local

import (
	"encoding/json"
	"net/http"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

// armFault arms one fault.
func (r *Runtime) armFault(w http.ResponseWriter, request *http.Request) {
	body, err := wire.ReadBody(request)
	if err != nil {
		refuse(w, wire.AsError(err))
		return
	}
	fault, err := faults.ParseFault(body)
	if err != nil {
		refuse(w, wire.Errorf("SerializationException", "reading the fault: %s", err))
		return
	}
	if err := r.Faults.Arm(fault); err != nil {
		refuse(w, wire.Errorf("ValidationException", "%s", err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// followPlan arms all faults of a plan, with its seed, in place of those that are armed: a fault that is there twice would draw the
// same numbers twice.
func (r *Runtime) followPlan(w http.ResponseWriter, request *http.Request) {
	body, err := wire.ReadBody(request)
	if err != nil {
		refuse(w, wire.AsError(err))
		return
	}
	plan, err := faults.ParsePlanJSON(body)
	if err == nil {
		r.Faults.Clear()
		err = r.Faults.Follow(plan)
	}
	if err != nil {
		refuse(w, wire.Errorf("ValidationException", "reading the plan: %s", err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// reportFaults tells what is armed and what has happened.
func (r *Runtime) reportFaults(w http.ResponseWriter, _ *http.Request) {
	body, err := json.MarshalIndent(r.Faults.Report(), "", "  ")
	if err != nil {
		refuse(w, wire.AsError(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // A client that has gone away is not the runtime's error.
}

// clearFaults disarms all; what has happened stays counted.
func (r *Runtime) clearFaults(w http.ResponseWriter, _ *http.Request) {
	r.Faults.Clear()
	w.WriteHeader(http.StatusNoContent)
}
