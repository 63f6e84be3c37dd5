package schemas

import (
	"strings"
	"unicode/utf8"
)

// The CloudEvents attributes that are read, by index in attributes.
const (
	attrSpecversion = iota
	attrID
	attrSource
	attrType
	attrSubject
	attrTime
	attrContentType
	attributeCount
)

// attributes gathers what an event says of itself, in either mode. A null is
// as good as absent, as CloudEvents wants it.
type attributes struct {
	value [attributeCount]string
	has   [attributeCount]bool
}

// named gives the index of an attribute by its CloudEvents name, or -1.
func named(name string) int {
	switch name {
	case "specversion":
		return attrSpecversion
	case "id":
		return attrID
	case "source":
		return attrSource
	case "type":
		return attrType
	case "subject":
		return attrSubject
	case "time":
		return attrTime
	case "datacontenttype":
		return attrContentType
	}
	return -1
}

func (a *attributes) set(index int, value string) {
	a.value[index], a.has[index] = value, true
}

// event checks the attributes and makes them an event.
func (a *attributes) event(ev *Event) error {
	if a.value[attrSpecversion] != "1.0" {
		if !a.has[attrSpecversion] {
			return reject(ReasonAttribute, "specversion is missing; it must be \"1.0\"")
		}
		return reject(ReasonAttribute, "specversion is %s; it must be \"1.0\"", quoted(a.value[attrSpecversion]))
	}
	if err := a.required("id", attrID); err != nil {
		return err
	}
	if err := a.required("source", attrSource); err != nil {
		return err
	}
	if err := a.required("type", attrType); err != nil {
		return err
	}
	if err := clean("subject", a.value[attrSubject]); err != nil {
		return err
	}
	if a.has[attrTime] {
		micros, ok := parseTime(a.value[attrTime])
		if !ok {
			return reject(ReasonAttribute, "time is %s; it must be an RFC 3339 time such as 2026-03-01T12:00:01.000Z", quoted(a.value[attrTime]))
		}
		ev.Time, ev.HasTime = micros, true
	}
	ev.ID, ev.Source, ev.Type, ev.Subject = a.value[attrID], a.value[attrSource], a.value[attrType], a.value[attrSubject]
	ev.ContentType = a.value[attrContentType]
	return nil
}

func (a *attributes) required(name string, index int) error {
	value := a.value[index]
	switch {
	case !a.has[index]:
		return reject(ReasonAttribute, "%s is missing", name)
	case value == "":
		return reject(ReasonAttribute, "%s is empty", name)
	case len(value) > MaxAttributeBytes:
		return reject(ReasonTooLarge, "%s has %d bytes; %d are allowed", name, len(value), MaxAttributeBytes)
	}
	return clean(name, value)
}

// clean refuses what Postgres could not store.
func clean(name, value string) error {
	if !utf8.ValidString(value) {
		return reject(ReasonMalformed, "%s is not UTF-8: %s", name, quoted(value))
	}
	if strings.IndexByte(value, 0) >= 0 {
		return reject(ReasonAttribute, "%s holds the character U+0000: %s", name, quoted(value))
	}
	return nil
}
