package dynamodb

// parseProjection reads a ProjectionExpression; the empty one, for no expression, gives no paths.
func parseProjection(text *string, s *scope) ([]path, error) {
	if text == nil {
		return nil, nil
	}
	p, err := newParser("ProjectionExpression", *text, s)
	if err != nil {
		return nil, err
	}
	var paths []path
	for {
		one, err := p.path()
		if err != nil {
			return nil, err
		}
		paths = append(paths, one)
		if !p.accept(",") {
			break
		}
	}
	if clash := checkDisjoint(paths); clash != "" {
		p.note(rankOverlap, clash)
	}
	return paths, p.finish()
}
