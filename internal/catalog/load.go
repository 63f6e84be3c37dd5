package catalog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/schemas"
)

// MaxFileBytes bounds a catalogue file.
const MaxFileBytes = 4 << 20

// Load reads a catalogue: one that ships with badgestream, by its name, or a
// YAML file, by its path. What is wrong inside the file comes as Errors.
func Load(nameOrPath string) (*Catalog, error) {
	if text, ok := schemas.CatalogText(nameOrPath); ok {
		return Parse(nameOrPath+".yaml", text)
	}
	info, err := os.Stat(nameOrPath)
	if err != nil && !strings.ContainsRune(nameOrPath, filepath.Separator) && filepath.Ext(nameOrPath) == "" {
		return nil, errors.Newf("there is no catalogue %q: %s A file is named by its path, such as ./%s.yaml",
			nameOrPath, didYouMean(nameOrPath, schemas.CatalogNames()), nameOrPath)
	}
	if err != nil {
		return nil, errors.Wrapf(err, "reading catalogue %s", nameOrPath)
	}
	if info.Size() > MaxFileBytes {
		return nil, tooLarge(nameOrPath)
	}
	text, err := os.ReadFile(nameOrPath)
	if err != nil {
		return nil, errors.Wrapf(err, "reading catalogue %s", nameOrPath)
	}
	return Parse(nameOrPath, text)
}

// Parse checks and compiles a catalogue's text. The name is the file's, for
// messages. If anything is wrong, the error is Errors, with all of it.
func Parse(name string, text []byte) (*Catalog, error) {
	if len(text) > MaxFileBytes {
		return nil, tooLarge(name)
	}
	shape, err := loadFileSchema()
	if err != nil {
		return nil, err
	}
	return shape.parse(name, text)
}

func (s *fileSchema) parse(name string, text []byte) (*Catalog, error) {
	r := &report{file: name}
	root := readYAML(text, r)
	if root == nil {
		return nil, r.result()
	}
	s.validate(root, r)
	r.settle()
	c := compile(root, r)
	if err := r.result(); err != nil {
		return nil, err
	}
	c.Text = slices.Clone(text)
	c.RulesHash = hashFacts(c.ruleFacts())
	return c, nil
}

func tooLarge(file string) error {
	return Errors{{File: file, Line: 1, Col: 1, Message: "the file is larger than 4 MiB: no catalogue needs that"}}
}
