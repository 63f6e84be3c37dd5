package traffic

// act lets a user do something. Whoever was never seen registers first. What
// cannot be done yet (a review where there is no place) becomes a new place.
func (w *World) act(u int32) Event {
	if !w.users[u].registered {
		return w.arrive(u)
	}
	if e, ok := w.choose(u, w.rng.IntN(1000)); ok {
		return e
	}
	return w.addLocation(u)
}

// arrive registers a user; most are then verified and fill in their profile.
func (w *World) arrive(u int32) Event {
	w.users[u].registered = true
	if w.rng.IntN(10) < 7 {
		w.ahead = append(w.ahead, event(u, "user.verified", raw("{}")))
	}
	if w.rng.IntN(10) < 5 {
		w.ahead = append(w.ahead, w.profile(u))
	}
	return event(u, "user.registered", raw("{}"))
}

// choose does what the roll says, in thousandths: the mix of a busy evening.
func (w *World) choose(u int32, roll int) (Event, bool) {
	deeds := [...]struct {
		share int
		do    func(int32) (Event, bool)
	}{
		{290, w.visit}, {245, w.vote}, {115, w.writeReview}, {100, w.comment}, {80, w.follow}, {50, w.addPhoto},
		{30, w.rateAgain}, {8, w.editProfile}, {6, w.unvote}, {5, w.unvisit}, {4, w.deleteReview},
		{4, w.deleteComment}, {4, w.unfollow}, {3, w.deletePhoto}, {1, w.deleteLocation},
	}
	for _, d := range deeds {
		if roll -= d.share; roll < 0 {
			return d.do(u)
		}
	}
	return w.addLocation(u), true
}

func event(u int32, kind string, data []byte) Event {
	return Event{Type: prefix + kind, Subject: userName(u), Data: data}
}

func (w *World) editProfile(u int32) (Event, bool) { return w.profile(u), true }

func (w *World) profile(u int32) Event {
	filled := [...]string{`[]`, `["bio"]`, `["picture"]`, `["bio","picture"]`, `["bio","picture"]`}
	return event(u, "profile.updated", raw(`{"filled":`+filled[w.rng.IntN(len(filled))]+`}`))
}

func (w *World) addLocation(u int32) Event {
	w.locations = append(w.locations, location{owner: u})
	return event(u, "location.created", object(text("location", locationName(int32(len(w.locations)-1)))))
}

// somewhere picks a place: the older it is, the better it is known.
func (w *World) somewhere() (int32, bool) {
	for range 8 {
		if len(w.locations) == 0 {
			break
		}
		l := min(w.rng.Int32N(int32(len(w.locations))), w.rng.Int32N(int32(len(w.locations))))
		if !w.locations[l].deleted {
			return l, true
		}
	}
	return 0, false
}

func (w *World) visit(u int32) (Event, bool) {
	l, ok := w.somewhere()
	if !ok {
		return Event{}, false
	}
	w.visits.add(u, l, 0)
	return event(u, "location.visited", object(text("location", locationName(l)))), true
}

func (w *World) unvisit(int32) (Event, bool) {
	v, ok := w.visits.take(w.rng)
	return event(v[0], "location.unvisited", object(text("location", locationName(v[1])))), ok
}

func (w *World) deleteLocation(int32) (Event, bool) {
	l, ok := w.somewhere()
	if !ok || len(w.locations) < 20 {
		return Event{}, false
	}
	w.locations[l].deleted = true
	owner := w.locations[l].owner
	return event(owner, "location.deleted", object(text("location", locationName(l)), text("owner", userName(owner)))), true
}

func (w *World) follow(u int32) (Event, bool) {
	for range 8 {
		other := w.pick()
		if other == u || !w.users[other].registered {
			continue
		}
		w.follows.add(u, other, 0)
		return event(u, "user.followed", object(text("user", userName(other)))), true
	}
	return Event{}, false
}

func (w *World) unfollow(int32) (Event, bool) {
	f, ok := w.follows.take(w.rng)
	return event(f[0], "user.unfollowed", object(text("user", userName(f[1])))), ok
}

func (w *World) addPhoto(u int32) (Event, bool) {
	w.photoCount++
	w.photos.add(u, w.photoCount, 0)
	of := [...]string{"review", "location"}[w.rng.IntN(2)]
	return event(u, "photo.added", object(text("photo", id("P", w.photoCount)), text("of", of))), true
}

func (w *World) deletePhoto(int32) (Event, bool) {
	p, ok := w.photos.take(w.rng)
	return event(p[0], "photo.deleted", object(text("photo", id("P", p[1])), text("owner", userName(p[0])))), ok
}
