package main

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lib/pq"
)

func pqError(err error) {
	var e *pq.Error
	if errors.As(err, &e) {
		fmt.Println("error", e.Code, e.Message, e.Constraint)
	} else {
		fmt.Println("no database error:", err)
	}
}

func pqRows(rows *sql.Rows, err error) {
	if err != nil {
		pqError(err)
		return
	}
	defer rows.Close()
	for {
		columns, err := rows.Columns()
		check(err)
		for rows.Next() {
			values := make([]any, len(columns))
			places := make([]any, len(columns))
			for n := range values {
				places[n] = &values[n]
			}
			check(rows.Scan(places...))
			for n, value := range values {
				if raw, ok := value.([]byte); ok {
					value = fmt.Sprintf("%q", raw)
				} else if at, ok := value.(time.Time); ok {
					value = at.UTC().Format(time.RFC3339Nano)
				}
				fmt.Print(columns[n], "=", value, " ")
			}
			fmt.Println()
		}
		if rows.Err() != nil {
			pqError(rows.Err())
			return
		}
		if !rows.NextResultSet() {
			return
		}
	}
}

func pqStory(url string) {
	// lib/pq asks for TLS unless it is told otherwise.
	url += "?sslmode=disable"
	db, err := sql.Open("postgres", url)
	check(err)
	db.SetMaxOpenConns(1)
	exec := func(query string, args ...any) {
		result, err := db.Exec(query, args...)
		if err != nil {
			pqError(err)
			return
		}
		affected, _ := result.RowsAffected()
		fmt.Println("affected", affected)
	}
	exec(table)
	exec("INSERT INTO items VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		1, name, int64(9007199254740993), "12.5000", 0.1, true, []byte{0, 255, 16},
		"2026-03-01 10:20:30.123456", time.Date(2026, 3, 1, 8, 20, 30, 500000000, time.UTC), "2026-02-28",
		"3 days 04:00:01.5", "7f3c0000-0000-4000-8000-000000000001", `{"b": [1, 2.50, null], "a": "x"}`,
		pq.Array([]*string{ptr("a"), ptr("b c"), nil}), pq.Array([]int64{1, 2, 3}))
	exec("INSERT INTO items (id, name, qty, price) VALUES ($1, $2, $3, $4), ($5, $6, $7, $8)",
		2, "", -1, "NaN", 3, nil, nil, nil)

	fmt.Println("== types")
	pqRows(db.Query("SELECT * FROM items WHERE id <= $1 ORDER BY id", 3))
	pqRows(db.Query("SELECT 1 AS one; SELECT 'two' AS two"))

	fmt.Println("== prepared")
	pick, err := db.Prepare("SELECT name FROM items WHERE id = $1")
	check(err)
	for _, n := range []int{1, 2, 3, 2, 1, 9} {
		pqRows(pick.Query(n))
	}
	check(pick.Close())

	fmt.Println("== transactions")
	tx, err := db.Begin()
	check(err)
	_, err = tx.Exec("UPDATE items SET qty = 10 WHERE id = 1")
	check(err)
	check(tx.Commit())
	tx, err = db.Begin()
	check(err)
	_, err = tx.Exec("UPDATE items SET qty = 99 WHERE id = 1")
	check(err)
	check(tx.Rollback())
	tx, err = db.Begin()
	check(err)
	_, err = tx.Exec("SAVEPOINT inner_one")
	check(err)
	_, err = tx.Exec("INSERT INTO items (id) VALUES ($1)", 1)
	pqError(err)
	_, err = tx.Exec("SELECT 1")
	pqError(err)
	_, err = tx.Exec("ROLLBACK TO SAVEPOINT inner_one")
	check(err)
	pqRows(tx.Query("UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING qty"))
	check(tx.Commit())

	fmt.Println("== errors")
	pqRows(db.Query("SELECT 1/$1::int", 0))
	pqRows(db.Query("SELECT * FROM missing"))
	exec("INSERT INTO items (id) VALUES ($1)", "not a number")
	pqRows(db.Query("SELECT 'still here'"))

	fmt.Println("== copy")
	tx, err = db.Begin()
	check(err)
	in, err := tx.Prepare(pq.CopyIn("items", "id", "name"))
	check(err)
	for n := 200; n < 205; n++ {
		_, err = in.Exec(n, fmt.Sprintf("tab\t%d", n))
		check(err)
	}
	_, err = in.Exec()
	check(err)
	check(in.Close())
	check(tx.Commit())
	pqRows(db.Query("SELECT id, name FROM items WHERE id >= 200 ORDER BY id"))

	fmt.Println("== notify")
	listener := pq.NewListener(url, time.Second, time.Minute, nil)
	check(listener.Listen("news"))
	exec("NOTIFY news, 'first'")
	exec("SELECT pg_notify('news', $1)", "second")
	for range 2 {
		select {
		case note := <-listener.Notify:
			fmt.Println("notified", note.Channel, note.Extra)
		case <-time.After(10 * time.Second):
			fmt.Println("nothing heard")
		}
	}
	check(listener.Close())

	fmt.Println("== pool")
	db.SetMaxOpenConns(4)
	found := make([]string, 20)
	var wg sync.WaitGroup
	for n := range found {
		wg.Go(func() {
			var twice, count int
			check(db.QueryRow("SELECT $1::int * 2, count(*) FROM items", n).Scan(&twice, &count))
			found[n] = fmt.Sprint(twice, count)
		})
	}
	wg.Wait()
	for _, line := range found {
		fmt.Println(line)
	}
	check(db.Close())
}
