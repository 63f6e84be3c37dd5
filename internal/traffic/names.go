package traffic

import "strconv"

func userName(n int32) string {
	names := [...]string{"mira", "vega", "atlas", "lyra", "orion", "nova", "rigel", "stella", "altair", "carina", "leo", "selene",
		"castor", "electra", "perseus", "maia", "sirius", "phoebe", "draco", "celeste", "janus", "halley", "cassia", "deneb"}
	return numbered(names[:], n)
}

func locationName(n int32) string {
	names := [...]string{"cherry-springs", "mauna-kea", "teide-ridge", "atacama-rim", "galloway-forest", "pic-du-midi", "westhavelland",
		"aoraki-plain", "death-valley", "natural-bridges", "exmoor-tor", "hortobagy", "namib-rand", "kerry-coast", "la-palma-north",
		"eifel-heath", "big-bend", "zselic-hill", "white-sands", "jasper-lake"}
	return numbered(names[:], n)
}

// numbered goes through the names round by round: the second one adds -2.
func numbered(names []string, n int32) string {
	name, round := names[int(n)%len(names)], int(n)/len(names)
	if round == 0 {
		return name
	}
	return name + "-" + strconv.Itoa(round+1)
}
