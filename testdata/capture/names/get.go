// Asks for a URL by Go's own resolver: `get HOST PORT PATH`.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	response, err := http.Get("http://" + os.Args[1] + ":" + os.Args[2] + os.Args[3])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	body, _ := io.ReadAll(response.Body)
	fmt.Println(string(body))
}
