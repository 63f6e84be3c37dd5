package schemas

// FieldKind is what a field of an event's data may hold.
type FieldKind uint8

// The kinds of fields.
const (
	// FieldID is a string of 1 to MaxIDBytes bytes, compared byte for byte.
	FieldID FieldKind = iota
	// FieldInt is a JSON integer from Min to Max.
	FieldInt
	// FieldEnum is one of Values.
	FieldEnum
	// FieldSet is an array of strings; those of Values count, once each.
	FieldSet
)

// Field is one field that an event type's data must have.
type Field struct {
	Name     string
	Kind     FieldKind
	Min, Max int64    // FieldInt
	Values   []string // FieldEnum, FieldSet
	Optional bool     // may be absent; its Value is then zero
}

// Value is a decoded field.
type Value struct {
	// S is the id, or the enum's text.
	S string
	// N is the integer, the enum's index in Values, or how many of a set's
	// Values are there.
	N int64
}

// Shape is what the data of one event type must look like. Fields that it
// does not name are passed over.
type Shape struct {
	Type string
	// NoSubject is set for types that nobody acts (ticks).
	NoSubject bool
	Fields    []Field
}
