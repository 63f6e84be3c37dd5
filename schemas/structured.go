package schemas

// decodeObject reads the JSON event format: the fast way what is flat, the
// plain way all else.
func decodeObject(value []byte, ev *Event) error {
	var attrs attributes
	if attrs.readFlat(value, ev) {
		return attrs.event(ev)
	}
	return decodePlain(value, ev)
}

// readFlat gives false if the object is not flat; then the event and the
// attributes mean nothing.
func (a *attributes) readFlat(value []byte, ev *Event) bool {
	f := flat{b: value}
	for {
		name, more, ok := f.next()
		if !ok {
			return false
		}
		if !more {
			return f.end()
		}
		index := named(name)
		switch {
		case index >= 0:
			text, ok := f.text()
			if !ok {
				return false
			}
			a.set(index, text)
		case name == "data":
			if ev.Data, ok = f.object(); !ok {
				return false
			}
		case name == "data_base64":
			return false
		case !f.skip():
			return false
		}
	}
}

// object steps over a flat object and gives its bytes.
func (f *flat) object() ([]byte, bool) {
	f.space()
	inner := flat{b: f.b, i: f.i}
	for {
		_, more, ok := inner.next()
		if !ok {
			return nil, false
		}
		if !more {
			text := f.b[f.i:inner.i:inner.i]
			f.i = inner.i
			return text, true
		}
		if !inner.skip() {
			return nil, false
		}
	}
}

// decodePlain is decodeObject without its fast way: the two agree on all
// input, and a fuzz test holds them to it.
func decodePlain(value []byte, ev *Event) error {
	*ev = Event{}
	if len(value) == 0 {
		return reject(ReasonMalformed, "the value is empty; without ce_ headers it must be a JSON object")
	}
	var attrs attributes
	err := members(value, "the value", ReasonMalformed, func(name string, raw []byte) error {
		switch index := named(name); {
		case index >= 0 && isString(raw):
			attrs.set(index, unquote(raw))
		case index >= 0 && !isNull(raw):
			return reject(ReasonAttribute, "%s is %s; it must be a string", name, shown(raw))
		case name == "data":
			ev.Data = raw
		case name == "data_base64":
			ev.Base64 = !isNull(raw)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if ev.Base64 {
		ev.Data = nil
	}
	return attrs.event(ev)
}
