// One program, two clients: pgx (binary, pipelined batches) and lib/pq under database/sql.
package main

import (
	"fmt"
	"os"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func main() {
	switch os.Args[1] {
	case "pgx":
		pgxStory(os.Getenv("DATABASE_URL"))
	case "pq":
		pqStory(os.Getenv("DATABASE_URL"))
	}
}

const table = `CREATE TABLE items (
  id int PRIMARY KEY, name text, qty bigint, price numeric, ratio float8, ok bool, data bytea,
  made timestamp, seen timestamptz, day date, span interval, uid uuid, doc jsonb,
  tags text[], nums int[])`

const name = "žluťoučký \"kůň\" 'quoted' \\ back"
