package bench

import "context"

// measureDrain has the engine and the plain consumer take turns.
func measureDrain(ctx context.Context, b *bench, r *Result) error {
	var err error
	if r.Turns, err = b.besidePlain(ctx, Engine, Plain); err != nil {
		return err
	}
	r.Medians = []Median{summarise(Engine, r.Turns), summarise(Plain, r.Turns)}
	r.Ratio = r.Medians[0].Rate / r.Medians[1].Rate
	return nil
}

// skew is the exponent of Zipf's law for the measure of that name: the busiest
// of 200,000 users has a tenth of all that is done.
const skew = 1.1

// measureSkew is the drain of a workload where few users do most.
func measureSkew(ctx context.Context, b *bench, r *Result) error {
	const engine, plain = "skew-" + Engine, "skew-" + Plain
	turns, err := b.with(func(c *Config) { c.Workload.Skew = skew }).besidePlain(ctx, engine, plain)
	if err != nil {
		return err
	}
	r.drained("skew", "", turns, engine, plain, "the plain consumer")
	return nil
}

// besidePlain drains the workload with the engine and the plain consumer, by
// these names.
func (b *bench) besidePlain(ctx context.Context, engine, plain string) ([]Turn, error) {
	l, err := b.log(ctx)
	if err != nil {
		return nil, err
	}
	return b.alternate(ctx, b.Workload.Rounds,
		func(round int) contender { return b.engine(engine, l.whole, round) },
		func(round int) contender { return b.plain(plain, l.part, round) })
}

// drained notes a contender's rate and CPU time beside another's; with is the
// figures' With.
func (r *Result) drained(measure, with string, turns []Turn, contender, base, of string) {
	r.noteOthers(measure, turns)
	c, b := summarise(contender, turns), summarise(base, turns)
	rate := func(t Turn) float64 { return t.Rate }
	r.against(Figure{
		Measure: measure, Name: "drain", Value: c.Rate, Unit: unitRate, With: with,
		Rounds: eachOf(turns, contender, rate), BaseRounds: eachOf(turns, base, rate),
	}, of, b.Rate)
	if !r.complete(c.CPU, contender) || !r.complete(b.CPU, base) {
		return
	}
	cpu := func(t Turn) float64 { return all(t.CPU) }
	r.against(Figure{
		Measure: measure, Name: "all processes", Value: all(c.CPU), Unit: unitCPU, Lower: true, With: with,
		Rounds: eachOf(turns, contender, cpu), BaseRounds: eachOf(turns, base, cpu),
	}, of, all(b.CPU))
}

// noteOthers notes how much else went on while contenders of a measure ran.
func (r *Result) noteOthers(measure string, turns []Turn) {
	others := medianOf(turns, func(t Turn) *float64 { return t.OtherCores })
	if others == nil {
		return
	}
	if r.OtherCores == nil {
		r.OtherCores = map[string]float64{}
	}
	r.OtherCores[measure] = max(r.OtherCores[measure], *others)
}

// complete says whether the CPU times are known of a contender and of all
// servers.
func (r *Result) complete(cpu map[string]float64, contender string) bool {
	if _, own := cpu[contender]; !own {
		return false
	}
	for _, s := range r.Servers {
		if s.PID == 0 {
			return false
		}
	}
	return true
}
