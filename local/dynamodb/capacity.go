package dynamodb

// Sizes that one capacity unit covers, by the developer guide ("Read and write operations").
const (
	writeUnitBytes = 1 << 10
	readUnitBytes  = 4 << 10
	// transactional reads and writes cost twice: prepare and commit.
	transactionFactor = 2
)

func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

// readUnits is the cost of reading so many bytes together: half where eventual consistency is enough.
func readUnits(bytes int, consistent bool) float64 {
	n := units(bytes, readUnitBytes)
	if !consistent {
		n /= 2
	}
	return n
}

func writeUnits(bytes int) float64 { return units(bytes, writeUnitBytes) }

// consumption is the capacity one call used of a table and of its indexes.
type consumption struct {
	table   float64
	indexes map[string]float64
}

func (c *consumption) add(d consumption, factor float64) {
	c.table += d.table * factor
	for name, n := range d.indexes {
		c.addIndex(name, n*factor)
	}
}

func (c *consumption) addIndex(name string, n float64) {
	if c.indexes == nil {
		c.indexes = map[string]float64{}
	}
	c.indexes[name] += n
}

type capacityUnits struct {
	CapacityUnits      float64
	ReadCapacityUnits  *float64 `json:",omitempty"`
	WriteCapacityUnits *float64 `json:",omitempty"`
}

type consumedCapacity struct {
	TableName string
	capacityUnits
	Table                  *capacityUnits           `json:",omitempty"`
	GlobalSecondaryIndexes map[string]capacityUnits `json:",omitempty"`
}

func checkReturnConsumedCapacity(mode string) error {
	switch mode {
	case "", "NONE", "TOTAL", "INDEXES":
		return nil
	}
	return invalidEnum(mode, "returnConsumedCapacity", "INDEXES, TOTAL, NONE")
}

func invalidEnum(given, parameter, allowed string) error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		given, parameter, allowed)
}

// report is the ConsumedCapacity of an answer, nil where the caller did not ask for it.
func (c consumption) report(mode string, t *table) *consumedCapacity {
	if mode != "TOTAL" && mode != "INDEXES" {
		return nil
	}
	out := &consumedCapacity{TableName: t.spec.Name}
	out.CapacityUnits = c.table
	for _, n := range c.indexes {
		out.CapacityUnits += n
	}
	if mode == "INDEXES" {
		out.Table = &capacityUnits{CapacityUnits: c.table}
		for name, n := range c.indexes {
			if out.GlobalSecondaryIndexes == nil {
				out.GlobalSecondaryIndexes = map[string]capacityUnits{}
			}
			out.GlobalSecondaryIndexes[name] = capacityUnits{CapacityUnits: n}
		}
	}
	return out
}

// asReads and asWrites say of a transaction's capacity which it is.
func asReads(all []*consumedCapacity) {
	for _, c := range all {
		c.ReadCapacityUnits = &c.CapacityUnits
		if c.Table != nil {
			c.Table.ReadCapacityUnits = &c.Table.CapacityUnits
		}
	}
}

func asWrites(all []*consumedCapacity) {
	for _, c := range all {
		c.WriteCapacityUnits = &c.CapacityUnits
		if c.Table != nil {
			c.Table.WriteCapacityUnits = &c.Table.CapacityUnits
		}
	}
}

// consumptions are those of a call on several tables, in the order the tables were first met.
type consumptions struct {
	tables []*table
	used   map[*table]*consumption
}

func (c *consumptions) add(t *table, d consumption, factor float64) {
	if c.used == nil {
		c.used = map[*table]*consumption{}
	}
	if c.used[t] == nil {
		c.used[t] = &consumption{}
		c.tables = append(c.tables, t)
	}
	c.used[t].add(d, factor)
}

func (c *consumptions) report(mode string) []*consumedCapacity {
	var out []*consumedCapacity
	for _, t := range c.tables {
		if r := c.used[t].report(mode, t); r != nil {
			out = append(out, r)
		}
	}
	return out
}
