// Command oracle answers with distribution/reference what distribution.json asks: it reads that file
// from standard input and writes it, answered anew, to standard output.
package main

import (
	"bytes"
	_ "crypto/sha256" // digests of these algorithms are checked only if they are linked in
	_ "crypto/sha512"
	"encoding/json"
	"fmt"
	"os"

	"github.com/distribution/reference"
)

type row struct {
	Text   string `json:"text"`
	Valid  bool   `json:"valid"`
	Host   string `json:"host,omitempty"`
	Path   string `json:"path,omitempty"`
	Tag    string `json:"tag,omitempty"`
	Digest string `json:"digest,omitempty"`
}

func main() {
	var rows []row
	if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
		panic(err)
	}
	fmt.Print("[")
	for index, each := range rows {
		if index > 0 {
			fmt.Print(",")
		}
		fmt.Printf("\n%s", line(answer(each.Text)))
	}
	fmt.Println("\n]")
}

func answer(text string) row {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return row{Text: text}
	}
	answered := row{Text: text, Valid: true, Host: reference.Domain(named), Path: reference.Path(named)}
	if tagged, ok := named.(reference.Tagged); ok {
		answered.Tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		answered.Digest = digested.Digest().String()
	}
	return answered
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
