package apigateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// route is a method and a path whose segments are literal or parameters.
type route struct {
	key, method, path string
	segments          []string
	signed            bool
	integration       IntegrationSpec
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// parseRoute reads a route key and refuses the forms that match does not do.
func parseRoute(key string) (route, error) {
	method, path, ok := strings.Cut(key, " ")
	if key == "$default" || method == "ANY" || strings.Contains(path, "+}") {
		return route{}, wire.NotImplemented("route " + key + ": write the method and the path out")
	}
	if !ok || !slices.Contains(methods, method) || !strings.HasPrefix(path, "/") {
		return route{}, invalid("the route key %q is not a method and a path", key)
	}
	return route{key: key, method: method, path: path, segments: strings.Split(path[1:], "/")}, nil
}

// parameter is the name of a segment that stands for any value.
func parameter(segment string) (name string, ok bool) {
	if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
		return segment[1 : len(segment)-1], true
	}
	return "", false
}

// sameAs reports whether two routes match the same requests.
func (r route) sameAs(other route) bool {
	return r.method == other.method && slices.EqualFunc(r.segments, other.segments, func(a, b string) bool {
		_, one := parameter(a)
		_, two := parameter(b)
		return a == b || one && two
	})
}

// match finds the most specific route of an escaped path: of two that match, the one that is literal where they first differ.
func match(routes []route, method, path string) (best route, parameters map[string]string, ok bool) {
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			return route{}, nil, false
		}
		segments[i] = decoded
	}
	for _, r := range routes {
		found, fits := r.fit(method, segments)
		if fits && (!ok || r.moreSpecific(best)) {
			best, parameters, ok = r, found, true
		}
	}
	return best, parameters, ok
}

func (r route) fit(method string, segments []string) (parameters map[string]string, ok bool) {
	if r.method != method || len(r.segments) != len(segments) {
		return nil, false
	}
	for i, segment := range r.segments {
		name, variable := parameter(segment)
		switch {
		case !variable && segment != segments[i], variable && segments[i] == "":
			return nil, false
		case variable && parameters == nil:
			parameters = map[string]string{name: segments[i]}
		case variable:
			parameters[name] = segments[i]
		}
	}
	return parameters, true
}

func (r route) moreSpecific(other route) bool {
	for i := range r.segments {
		_, variable := parameter(r.segments[i])
		_, otherVariable := parameter(other.segments[i])
		if variable != otherVariable {
			return otherVariable
		}
	}
	return false
}
