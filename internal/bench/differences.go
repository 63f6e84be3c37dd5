package bench

import "fmt"

// differences say what keeps two runs from being compared fairly: another
// machine, other servers, another workload or other settings. Another version
// of Go is part of what may have made the program faster.
func (r *Result) differences(then *Result) []string {
	var found []string
	differ := func(what string, was, is any) {
		if was != is {
			found = append(found, fmt.Sprintf("%s: then %v, now %v", what, was, is))
		}
	}
	differ("machine", then.Machine.hardware(), r.Machine.hardware())
	for _, role := range []string{roleKafka, rolePostgres, roleRedis} {
		differ(role, then.server(role), r.server(role))
	}
	was, is := &then.Workload, &r.Workload
	differ("events", was.Events, is.Events)
	differ("users", was.Users, is.Users)
	differ("skew", was.Skew, is.Skew)
	differ("seed", was.Seed, is.Seed)
	differ("partitions", was.Partitions, is.Partitions)
	differ("events of the plain consumer", was.PlainEvents, is.PlainEvents)
	differ("catalogue", was.Catalog, is.Catalog)
	differ("workers (0: its own choice)", then.Settings.Workers, r.Settings.Workers)
	differ("batch (0: its own choice)", then.Settings.Batch, r.Settings.Batch)
	return found
}

// server names the server of a role, if there is one.
func (r *Result) server(role string) string {
	for _, s := range r.Servers {
		if s.Role == role {
			return s.Name + " " + s.Version
		}
	}
	return unknown
}
