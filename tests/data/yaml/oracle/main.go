// Command oracle answers with sigs.k8s.io/yaml what sigs.json asks: it reads that file from standard
// input and writes it, answered anew, to standard output.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	var rows []struct {
		YAML string `json:"yaml"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
		panic(err)
	}
	fmt.Println("[")
	for index, row := range rows {
		comma := ","
		if index == len(rows)-1 {
			comma = ""
		}
		fmt.Printf("{\"yaml\": %s, %s}%s\n", text(row.YAML), answer(row.YAML), comma)
	}
	fmt.Println("]")
}

func answer(source string) string {
	value, err := yaml.YAMLToJSONStrict([]byte(source))
	if err != nil {
		return "\"error\": " + text(err.Error())
	}
	return "\"value\": " + string(value)
}

func text(value string) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return string(bytes.TrimSpace(buffer.Bytes()))
}
