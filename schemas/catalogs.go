package schemas

import (
	"embed"
	"strings"
)

//go:embed catalogs/*.yaml
var catalogFiles embed.FS

//go:embed catalog.schema.json
var catalogSchema string

// CatalogNames lists the catalogues that ship with badgestream, sorted.
func CatalogNames() []string {
	entries, err := catalogFiles.ReadDir("catalogs")
	if err != nil {
		return nil // the directory is compiled in
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// CatalogText returns the YAML text of a shipped catalogue, and whether there
// is one of that name.
func CatalogText(name string) ([]byte, bool) {
	text, err := catalogFiles.ReadFile("catalogs/" + name + ".yaml")
	return text, err == nil
}

// CatalogSchema returns the JSON Schema (draft 2020-12) of catalogue files.
func CatalogSchema() string { return catalogSchema }
