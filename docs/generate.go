//go:build ignore

// Command generate writes docs/reference.md from the tables in the code: "make
// docs".
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"slavedriver/luaapi"
)

func main() {
	to := flag.String("o", "docs/reference.md", "the `FILE` that is written")
	flag.Parse()
	var text bytes.Buffer
	err := luaapi.WriteReference(&text)
	if err == nil {
		err = os.WriteFile(*to, text.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
