// Fills in what kstatus says of each case: go run . <../cases.json >cases.new
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
	if err := encoder.Encode(cases); err != nil {
		panic(err)
	}
}
