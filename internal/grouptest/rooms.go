package grouptest

// Rooms is a catalogue whose badge does not depend on who is where: what is
// changed by hand in that counter and its members gives nobody a badge that was
// not earned.
const Rooms = `
name: rooms
events:
  r.came: {who: id}
  r.left: {who: id}
  r.done: {}
counters:
  there:
    set:
      - {on: r.came, credit: who, add: subject}
      - {on: r.left, credit: who, remove: subject}
  done:
    total: [{on: r.done, add: 1}]
badges:
  - category: DONE
    criterion: DONE
    counter: done
    badges:
      - {slug: busy, name: Busy, description: Did it 5 times., tier: 1, at_least: 5}
`
