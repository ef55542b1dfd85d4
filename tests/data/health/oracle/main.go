// Fills in what kstatus says of each case: see ../README.md
package main

import (
	"encoding/json"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type testCase struct {
	Name    string          `json:"name"`
	Object  json.RawMessage `json:"object"`
	Kstatus string          `json:"kstatus"`
}

func judge(raw json.RawMessage) string {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		panic(err)
	}
	result, err := status.Compute(object)
	if err != nil {
		return "error"
	}
	return result.Status.String()
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	for i := range cases {
		cases[i].Kstatus = judge(cases[i].Object)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	for i, each := range cases { // a line each
		if i == 0 {
			os.Stdout.WriteString("[")
		} else {
			os.Stdout.WriteString(",")
		}
		if err := encoder.Encode(each); err != nil {
			panic(err)
		}
	}
	os.Stdout.WriteString("]\n")
}
