package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func viaHTTP(n string) (any, error) {
	path := "/item/"
	if changed {
		path = "/changed/"
	}
	var said []any
	for _, name := range []string{"HTTPS_URL", "HTTP_URL"} {
		answer, err := http.Get(os.Getenv(name) + path + n)
		if err != nil {
			return nil, err
		}
		var one any
		err = json.NewDecoder(answer.Body).Decode(&one)
		_ = answer.Body.Close()
		if err != nil {
			return nil, err
		}
		said = append(said, one)
	}
	return said, nil
}
