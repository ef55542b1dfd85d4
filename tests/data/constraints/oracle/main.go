// Command oracle answers with Masterminds/semver what masterminds.json asks: it reads that file from
// standard input and writes it, answered anew, to standard output.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/Masterminds/semver/v3"
)

type row struct {
	Constraint string   `json:"constraint"`
	Valid      bool     `json:"valid"`
	Admits     []string `json:"admits"`
}

func main() {
	var file struct {
		Versions []string `json:"versions"`
		Rows     []row    `json:"rows"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&file); err != nil {
		panic(err)
	}
	valid, versions := parse(file.Versions)
	fmt.Printf("{\"versions\": %s,\n \"valid\": %s,\n \"rows\": [", line(file.Versions), line(valid))
	for index, each := range file.Rows {
		if index > 0 {
			fmt.Print(",")
		}
		fmt.Printf("\n%s", line(answer(each.Constraint, valid, versions)))
	}
	fmt.Println("\n]}")
}

func parse(texts []string) (valid []string, versions []*semver.Version) {
	for _, text := range texts {
		if version, err := semver.NewVersion(text); err == nil {
			valid, versions = append(valid, text), append(versions, version)
		}
	}
	return valid, versions
}

func answer(text string, valid []string, versions []*semver.Version) row {
	constraint, err := semver.NewConstraint(text)
	admits := []string{}
	for index, version := range versions {
		if err == nil && constraint.Check(version) {
			admits = append(admits, valid[index])
		}
	}
	return row{Constraint: text, Valid: err == nil, Admits: admits}
}

func line(value any) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return string(bytes.TrimSpace(buffer.Bytes()))
}
