// Asks with net/http, which finds the proxy in the environment.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	plain, other, secure := os.Getenv("PLAIN"), os.Getenv("OTHER"), os.Getenv("SECURE")
	out, err := os.Create(os.Getenv("OUT"))
	check(err)
	say := func(answer *http.Response, err error) {
		check(err)
		body, err := io.ReadAll(answer.Body)
		check(err)
		answer.Body.Close()
		sum := sha256.Sum256(body)
		text := strings.TrimSpace(string(body[:min(len(body), 40)]))
		fmt.Fprintf(out, "%d %d %x %s\n", answer.StatusCode, len(body), sum[:4], text)
	}
	for _, url := range []string{plain + "/a?x=1", other + "/b", plain + "/a?x=2", other + "/missing"} {
		say(http.Get(url))
	}
	say(http.Post(plain+"/echo", "application/json", strings.NewReader(`{"n": 1}`)))
	// A reader of unknown length is sent in chunks.
	say(http.Post(plain+"/echo", "text/plain", io.MultiReader(strings.NewReader("piece 0"), strings.NewReader("piece 1"))))
	say(http.Get(plain + "/large"))
	for n := range 3 {
		say(http.Get(fmt.Sprintf("%s/secret?n=%d", secure, n)))
	}
	say(http.Post(secure+"/echo", "application/json", strings.NewReader(`{"n": 2}`)))
	check(out.Close())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
