// Command capture serves GET /call/<n> with a Go client: `capture http` or `capture pgx`. Built without cgo, it is static.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"path"
)

var changed = os.Getenv("CHANGE") != ""

// Answers GET /call/<n> with what answer gives, as JSON.
func serve(answer func(n string) (any, error)) {
	http.HandleFunc("/call/", func(w http.ResponseWriter, r *http.Request) {
		said, err := answer(path.Base(r.URL.Path))
		w.Header().Set("content-type", "application/json")
		if err != nil {
			log.Println("failed:", err)
			w.WriteHeader(http.StatusInternalServerError)
			said = map[string]string{"error": "failed"}
		}
		_ = json.NewEncoder(w).Encode(said)
	})
	address := "127.0.0.1:" + os.Getenv("PORT")
	if cert := os.Getenv("CERT"); cert != "" {
		log.Fatal(http.ListenAndServeTLS(address, cert, os.Getenv("KEY"), nil))
	}
	log.Fatal(http.ListenAndServe(address, nil))
}

func main() {
	switch os.Args[1] {
	case "http":
		serve(viaHTTP)
	case "pgx":
		serve(viaPgx)
	default:
		log.Fatalf("unknown client %s", os.Args[1])
	}
}
