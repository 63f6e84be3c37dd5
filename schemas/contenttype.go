package schemas

import "strings"

// isJSON says whether data of this content type is JSON: application/json,
// text/json, anything +json, or nothing said. Parameters do not matter.
func isJSON(contentType string) bool {
	if contentType == "" || contentType == "application/json" {
		return true
	}
	media := mediaType(contentType)
	kind, sub, ok := strings.Cut(media, "/")
	if !ok || kind == "" {
		return false
	}
	return media == "application/json" || media == "text/json" || strings.HasSuffix(sub, "+json") && len(sub) > len("+json")
}

// cloudEvent says whether a record's content type announces a CloudEvent in
// structured mode (CloudEvents Kafka binding 1.0, section 3), and whether it
// is one that can be read: a single event in JSON.
func cloudEvent(contentType string) (structured, readable bool) {
	const prefix = "application/cloudevents"
	if len(contentType) < len(prefix) || !strings.EqualFold(contentType[:len(prefix)], prefix) {
		return false, false
	}
	media := mediaType(contentType)
	return true, media == prefix || media == prefix+"+json"
}

// mediaType is a content type without its parameters, in lower case.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}
