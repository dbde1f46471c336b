package dynamodb

// update is a parsed UpdateExpression.
type update struct {
	sets    []setAction
	removes []path
	adds    []setChange
	deletes []setChange
}

// setAction is SET path = value.
type setAction struct {
	path  path
	value updateOperand
}

// setChange is ADD or DELETE: a path and a number or set.
type setChange struct {
	path  path
	value value
}

// paths are all the places the update writes.
func (u *update) paths() []path {
	var out []path
	for _, s := range u.sets {
		out = append(out, s.path)
	}
	out = append(out, u.removes...)
	for _, c := range u.adds {
		out = append(out, c.path)
	}
	for _, c := range u.deletes {
		out = append(out, c.path)
	}
	return out
}

// parseUpdate reads an UpdateExpression; no expression gives an update that changes nothing.
func parseUpdate(text *string, s *scope) (*update, error) {
	u := &update{}
	if text == nil {
		return u, nil
	}
	p, err := newParser("UpdateExpression", *text, s)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for p.peek().kind != tokenEnd {
		name, clause := u.section(p)
		if clause == nil {
			return nil, p.syntaxError()
		}
		p.at++
		if seen[name] {
			p.note(rankSection, `The "`+name+`" section can only be used once in an update expression;`)
		}
		seen[name] = true
		for {
			if err := clause(); err != nil {
				return nil, err
			}
			if !p.accept(",") {
				break
			}
		}
	}
	if clash := checkDisjoint(u.paths()); clash != "" {
		p.note(rankOverlap, clash)
	}
	return u, p.finish()
}

// section finds the reader of the clauses that the next keyword begins.
func (u *update) section(p *parser) (string, func() error) {
	switch t := p.peek(); {
	case t.is("SET"):
		return "SET", func() error { return u.parseSet(p) }
	case t.is("REMOVE"):
		return "REMOVE", func() error {
			one, err := p.path()
			u.removes = append(u.removes, one)
			return err
		}
	case t.is("ADD"):
		return "ADD", func() error { return p.setChange("ADD", &u.adds) }
	case t.is("DELETE"):
		return "DELETE", func() error { return p.setChange("DELETE", &u.deletes) }
	}
	return "", nil
}

func (p *parser) setChange(operator string, list *[]setChange) error {
	one, err := p.path()
	if err != nil {
		return err
	}
	v, err := p.literal()
	if err != nil {
		return err
	}
	if v.kind != 0 && !v.kind.isSet() && (operator != "ADD" || v.kind != kindN) {
		long := map[kind]string{kindS: "STRING", kindN: "NUMBER", kindB: "BINARY", kindBOOL: "BOOLEAN", kindNULL: "NULL", kindL: "LIST", kindM: "MAP"}
		p.wrongType("operator", operator, long[v.kind])
	}
	*list = append(*list, setChange{one, v})
	return nil
}

func (u *update) parseSet(p *parser) error {
	one, err := p.path()
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	v, err := p.sum()
	if err != nil {
		return err
	}
	u.sets = append(u.sets, setAction{one, v})
	return nil
}

// sum reads an operand, or two joined by + or -.
func (p *parser) sum() (updateOperand, error) {
	left, err := p.updateOperand()
	if err != nil {
		return nil, err
	}
	operator := p.peek()
	if !operator.is("+") && !operator.is("-") {
		return left, nil
	}
	p.at++
	right, err := p.updateOperand()
	if err != nil {
		return nil, err
	}
	for _, o := range []updateOperand{left, right} {
		if k := updateOperandKind(o); k != 0 && k != kindN {
			p.wrongType("operator or function", operator.text, k.String())
		}
	}
	return arithmetic{left, right, operator.text == "-"}, nil
}

func (p *parser) updateOperand() (updateOperand, error) {
	t := p.peek()
	switch {
	case p.accept("("):
		v, err := p.sum()
		if err != nil {
			return nil, err
		}
		return v, p.expect(")")
	case t.kind == tokenValue:
		v, err := p.literal()
		return constant{v}, err
	case t.kind == tokenWord && p.peekAfter().is("("):
		return p.updateFunction()
	}
	one, err := p.path()
	return current{one}, err
}

func (p *parser) updateFunction() (updateOperand, error) {
	name := p.next().text
	p.at++ // the parenthesis
	var args []updateOperand
	for {
		o, err := p.updateOperand()
		if err != nil {
			return nil, err
		}
		args = append(args, o)
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if name != "if_not_exists" && name != "list_append" {
		p.note(rankFunction, "Invalid function name; function: "+name)
		return constant{}, nil
	}
	if len(args) != 2 {
		p.wrongCount(name, len(args))
		return constant{}, nil
	}
	if name == "list_append" {
		for _, o := range args {
			if k := updateOperandKind(o); k != 0 && k != kindL {
				p.wrongType("operator or function", name, k.String())
			}
		}
		return appended{args[0], args[1]}, nil
	}
	place, ok := args[0].(current)
	if !ok {
		p.note(rankOperand, "Operator or function requires a document path; operator or function: "+name)
	}
	return fallback{place.path, args[1]}, nil
}

// updateOperandKind is the type an operand is sure to have, or 0.
func updateOperandKind(o updateOperand) kind {
	switch o := o.(type) {
	case constant:
		return o.value.kind
	case arithmetic:
		return kindN
	case appended:
		return kindL
	}
	return 0
}
