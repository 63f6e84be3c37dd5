package schemas

import "embed"

//go:embed badge-event.schema.json snapshot.schema.json catalog-view.schema.json ledger.schema.json asyncapi.yaml
var contracts embed.FS

// Contract returns one of the documents that describe the wire formats, and
// whether there is one of that name: the JSON Schemas (draft 2020-12)
// badge-event.schema.json, snapshot.schema.json, catalog-view.schema.json and
// ledger.schema.json, and asyncapi.yaml (AsyncAPI 3.0), which refers to them.
func Contract(name string) ([]byte, bool) {
	text, err := contracts.ReadFile(name)
	return text, err == nil
}
