package traffic

// writeReview is of a place of somebody else that the user has not reviewed.
func (w *World) writeReview(u int32) (Event, bool) {
	for range 8 {
		l, ok := w.somewhere()
		if !ok {
			break
		}
		if _, again := w.reviewed[[2]int32{u, l}]; again || w.locations[l].owner == u {
			continue
		}
		w.reviewed[[2]int32{u, l}] = struct{}{}
		w.reviews = append(w.reviews, review{author: u, location: l})
		return w.rating("review.created", int32(len(w.reviews)-1)), true
	}
	return Event{}, false
}

func (w *World) rateAgain(int32) (Event, bool) {
	r, ok := w.someReview()
	if !ok {
		return Event{}, false
	}
	return w.rating("review.rated", r), true
}

// rating gives one to five stars, four and five more often.
func (w *World) rating(kind string, r int32) Event {
	v := w.reviews[r]
	stars := [...]int{1, 2, 3, 4, 4, 4, 5, 5}[w.rng.IntN(8)]
	return event(v.author, kind, object(text("review", id("R", r)), text("location", locationName(v.location)),
		text("location_owner", userName(w.locations[v.location].owner)), number("rating", stars)))
}

func (w *World) deleteReview(int32) (Event, bool) {
	r, ok := w.someReview()
	if !ok {
		return Event{}, false
	}
	w.reviews[r].deleted = true
	v := w.reviews[r]
	return event(v.author, "review.deleted", object(text("review", id("R", r)), text("location", locationName(v.location)),
		text("location_owner", userName(w.locations[v.location].owner)), text("author", userName(v.author)))), true
}

func (w *World) someReview() (int32, bool) {
	for range 8 {
		if len(w.reviews) == 0 {
			break
		}
		if r := w.rng.Int32N(int32(len(w.reviews))); !w.reviews[r].deleted {
			return r, true
		}
	}
	return 0, false
}

func (w *World) vote(u int32) (Event, bool) {
	r, ok := w.someReview()
	if !ok || w.reviews[r].author == u {
		return Event{}, false
	}
	w.votes.add(u, r, 0)
	value := "up"
	if w.rng.IntN(6) == 0 {
		value = "down"
	}
	return event(u, "vote.cast", object(text("review", id("R", r)), text("author", userName(w.reviews[r].author)), text("value", value))), true
}

func (w *World) unvote(int32) (Event, bool) {
	v, ok := w.votes.take(w.rng)
	if !ok || w.reviews[v[1]].deleted {
		return Event{}, false
	}
	return event(v[0], "vote.retracted", object(text("review", id("R", v[1])), text("author", userName(w.reviews[v[1]].author)))), true
}

func (w *World) comment(u int32) (Event, bool) {
	r, ok := w.someReview()
	if !ok {
		return Event{}, false
	}
	w.commentCount++
	w.comments.add(u, w.commentCount, r)
	return event(u, "comment.created", w.commentData(w.commentCount, r)), true
}

func (w *World) deleteComment(int32) (Event, bool) {
	c, ok := w.comments.take(w.rng)
	if !ok {
		return Event{}, false
	}
	return event(c[0], "comment.deleted", w.commentData(c[1], c[2], text("author", userName(c[0])))), true
}

func (w *World) commentData(comment, r int32, more ...field) []byte {
	return object(append([]field{text("comment", id("C", comment)), text("review", id("R", r)),
		text("review_author", userName(w.reviews[r].author))}, more...)...)
}
