package projections

import (
	"fmt"
	"testing"
)

// TestUsersWhoFitStay asks for users again and again. Those who fit stay, and
// nobody must be written that room be made; of more there are never more than fit,
// and it is known that some have left.
func TestUsersWhoFitStay(t *testing.T) {
	const limit = 300
	for _, users := range []int{200, 299, 1_000} {
		c := newUserCache(limit)
		rotations := 0
		for n := range 20 * users {
			if c.full() {
				c.rotate()
				rotations++
			}
			id := fmt.Sprint(n * 7 % users)
			if c.get(id) == nil {
				if n >= users && !c.missed {
					t.Fatalf("one of %d users has left, and is taken for new", users)
				}
				c.add(id)
			}
			if held := len(c.young) + len(c.old); held > limit {
				t.Fatalf("%d of %d users are held, with a limit of %d", held, users, limit)
			}
		}
		if fit := users < limit; fit != (rotations == 0) {
			t.Errorf("%d users: room was made %d times", users, rotations)
		}
	}
}
