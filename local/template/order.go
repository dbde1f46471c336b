package template

import (
	"fmt"
	"slices"
	"strings"
)

// Order lists the resources of the stack so that each comes after those it depends on; among equals by logical id. A cycle
// is an error that names its members.
func (t *Template) Order() ([]*Resource, error) {
	const (
		entered = 1
		left    = 2
	)
	state := map[string]int{}
	var order []*Resource
	var path []string
	var visit func(id string) error
	visit = func(id string) error {
		switch state[id] {
		case left:
			return nil
		case entered:
			cycle := append(slices.Clone(path[slices.Index(path, id):]), id)
			return fmt.Errorf("ordering resources: circular dependency %s", strings.Join(cycle, " → "))
		}
		state[id] = entered
		path = append(path, id)
		for _, d := range t.resources[id].DependsOn {
			if err := visit(d); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[id] = left
		order = append(order, t.resources[id])
		return nil
	}
	for _, id := range sortedKeys(t.resources) {
		if !t.exists(id) {
			continue
		}
		if err := visit(id); err != nil {
			return nil, err
		}
	}
	return order, nil
}
