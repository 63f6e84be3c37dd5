package schemas

import "math/bits"

// maxMask is how many fields, or values of a set, the bits of a word can tick.
const maxMask = 64

// decodeFlat reads data that is a flat object with nothing wrong in it. It
// gives false for everything else, and out then means nothing.
func (s *Shape) decodeFlat(data []byte, out []Value) bool {
	if len(s.Fields) > maxMask {
		return false
	}
	clear(out)
	var seen uint64
	f := flat{b: data}
	for {
		name, more, ok := f.next()
		if !ok {
			return false
		}
		if !more {
			break
		}
		i := s.field(name)
		if i < 0 {
			if !f.skip() {
				return false
			}
			continue
		}
		seen |= 1 << i
		if !s.Fields[i].decodeFlat(&f, &out[i]) {
			return false
		}
	}
	for i := range s.Fields {
		if seen>>i&1 == 0 && !s.Fields[i].Optional {
			return false
		}
	}
	return f.end()
}

func (f *Field) decodeFlat(in *flat, v *Value) bool {
	switch f.Kind {
	case FieldInt:
		n, ok := in.integer()
		v.N = n
		return ok && n >= f.Min && n <= f.Max
	case FieldSet:
		var seen uint64
		ok := len(f.Values) <= maxMask && in.texts(func(text string) {
			if n := f.index(text); n >= 0 {
				seen |= 1 << n
			}
		})
		v.N = int64(bits.OnesCount64(seen))
		return ok
	}
	text, ok := in.text()
	if !ok {
		return false
	}
	if f.Kind == FieldEnum {
		n := f.index(text)
		if n < 0 {
			return false
		}
		*v = Value{S: f.Values[n], N: int64(n)}
		return true
	}
	v.S = text
	return text != "" && len(text) <= MaxIDBytes
}
