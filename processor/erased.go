package processor

// SetErased says who was erased: from the next event added on, nobody is
// credited of whom has says so. nil is nobody. Each user of a batch is asked for
// once.
func (b *Batch) SetErased(has func(user string) bool) {
	b.erased = has
	b.gone = b.gone[:0]
}

// isErased reports whether a user of the batch was erased.
func (b *Batch) isErased(user int32) bool {
	if b.erased == nil {
		return false
	}
	for len(b.gone) <= int(user) {
		b.gone = append(b.gone, b.erased(b.users.all[len(b.gone)]))
	}
	return b.gone[user]
}
