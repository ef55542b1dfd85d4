package main

import (
	"encoding/json"
	"os"

	"github.com/Masterminds/semver/v3"
)

func main() {
	var in struct{ Constraints, Versions []string }
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	type row struct {
		Constraint string   `json:"constraint"`
		Valid      bool     `json:"valid"`
		Admits     []string `json:"admits"`
	}
	var valid []string
	var parsed []*semver.Version
	for _, text := range in.Versions {
		if v, err := semver.NewVersion(text); err == nil {
			valid, parsed = append(valid, text), append(parsed, v)
		}
	}
	rows := []row{}
	for _, text := range in.Constraints {
		c, err := semver.NewConstraint(text)
		r := row{Constraint: text, Valid: err == nil, Admits: []string{}}
		for i, v := range parsed {
			if err == nil && c.Check(v) {
				r.Admits = append(r.Admits, valid[i])
			}
		}
		rows = append(rows, r)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	_ = out.Encode(map[string]any{"versions": in.Versions, "valid": valid, "rows": rows})
}
