package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

func sqlError(err error) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		fmt.Println("error", pg.Code, pg.Message, pg.ConstraintName)
	} else {
		fmt.Println("no database error:", err)
	}
}

func one(ctx context.Context, conn *pgx.Conn, sql string, args ...any) {
	rows, err := conn.Query(ctx, sql, args...)
	if err == nil {
		for rows.Next() {
			values, err := rows.Values()
			check(err)
			fmt.Printf("%v\n", values)
		}
		err = rows.Err()
	}
	if err != nil {
		sqlError(err)
	}
}

func pgxStory(url string) {
	ctx := context.Background()
	config, err := pgx.ParseConfig(url)
	check(err)
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { fmt.Println("notice", n.Severity, n.Message) }
	conn, err := pgx.ConnectConfig(ctx, config)
	check(err)
	_, err = conn.Exec(ctx, table)
	check(err)
	marks := make([]string, 15)
	for n := range marks {
		marks[n] = fmt.Sprintf("$%d", n+1)
	}
	insert := "INSERT INTO items VALUES (" + strings.Join(marks, ", ") + ")"
	_, err = conn.Exec(ctx, insert, 1, name, int64(9007199254740993), "12.5000", 0.1, true, []byte{0, 255, 16},
		time.Date(2026, 3, 1, 10, 20, 30, 123456000, time.UTC), time.Date(2026, 3, 1, 8, 20, 30, 500000000, time.UTC),
		time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC), pgtype.Interval{Days: 3, Microseconds: 14401500000, Valid: true},
		"7f3c0000-0000-4000-8000-000000000001", map[string]any{"a": "x", "b": []any{1, 2.5, nil}},
		[]*string{ptr("a"), ptr("b c"), nil}, []int32{1, 2, 3})
	check(err)
	empty := make([]any, 15)
	empty[0], empty[1], empty[2], empty[3] = 2, "", int64(-1), "NaN"
	_, err = conn.Exec(ctx, insert, empty...)
	check(err)

	fmt.Println("== types")
	one(ctx, conn, "SELECT * FROM items WHERE id <= $1 ORDER BY id", 3)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe,
		pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		fmt.Println("mode", mode)
		for _, n := range []int{1, 2, 1, 9} {
			one(ctx, conn, "SELECT id, name, price FROM items WHERE id = $1", mode, n)
		}
	}

	fmt.Println("== prepared")
	described, err := conn.Prepare(ctx, "pick", "SELECT name, qty FROM items WHERE id = $1")
	check(err)
	fmt.Println(described.ParamOIDs, len(described.Fields), described.Fields[0].Name)
	for _, n := range []int{1, 2, 1} {
		one(ctx, conn, "pick", n)
	}
	check(conn.Deallocate(ctx, "pick"))

	fmt.Println("== transactions")
	check(pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE items SET qty = 10 WHERE id = 1")
		return err
	}))
	fmt.Println(pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		tx.Exec(ctx, "UPDATE items SET qty = 99 WHERE id = 1")
		return errors.New("rolled back")
	}))
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
	check(err)
	inner, err := tx.Begin(ctx)
	check(err)
	_, err = inner.Exec(ctx, "INSERT INTO items (id) VALUES ($1)", 1)
	sqlError(err)
	check(inner.Rollback(ctx))
	_, err = tx.Exec(ctx, "UPDATE items SET qty = qty + 1 WHERE id = 1")
	check(err)
	check(tx.Commit(ctx))
	one(ctx, conn, "SELECT qty FROM items WHERE id = 1")

	fmt.Println("== errors")
	one(ctx, conn, "SELECT 1/$1::int", 0)
	one(ctx, conn, "SELECT * FROM missing")
	one(ctx, conn, "SELECT 1 FROM items WHERE id = $1 AND broken", 1)
	_, err = conn.Exec(ctx, "DO $$ BEGIN RAISE NOTICE 'four words of notice'; END $$")
	check(err)
	_, err = conn.Exec(ctx, "SELECT 1; SELECT broken; SELECT 3")
	sqlError(err)
	one(ctx, conn, "SELECT 'still here'")

	fmt.Println("== batches")
	batch := &pgx.Batch{}
	for n := 100; n < 110; n++ {
		batch.Queue("INSERT INTO items (id, name) VALUES ($1, $2)", n, fmt.Sprintf("many %d", n))
	}
	batch.Queue("SELECT count(*) FROM items")
	results := conn.SendBatch(ctx, batch)
	for n := 100; n < 110; n++ {
		_, err := results.Exec()
		check(err)
	}
	var count int
	check(results.QueryRow().Scan(&count))
	check(results.Close())
	fmt.Println(count)
	batch = &pgx.Batch{}
	batch.Queue("INSERT INTO items (id) VALUES ($1)", 900)
	batch.Queue("INSERT INTO items (id) VALUES ($1)", 1)
	batch.Queue("SELECT 1")
	results = conn.SendBatch(ctx, batch)
	for range 3 {
		_, err = results.Exec()
		sqlError(err)
	}
	results.Close()
	one(ctx, conn, "SELECT count(*) FROM items WHERE id >= 900")

	fmt.Println("== copy")
	copied, err := conn.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"id", "name", "uid"}, pgx.CopyFromRows([][]any{
		{200, "tab\tx", "00000000-0000-0000-0000-000000000007"}, {201, nil, nil}}))
	check(err)
	fmt.Println(copied)
	var out strings.Builder
	_, err = conn.PgConn().CopyTo(ctx, &out, "COPY (SELECT id, name, uid FROM items WHERE id >= 200 ORDER BY id) TO STDOUT")
	check(err)
	fmt.Printf("%q\n", out.String())
	_, err = conn.PgConn().CopyFrom(ctx, strings.NewReader("x\n"), "COPY items (id) FROM STDIN")
	sqlError(err)

	fmt.Println("== notify")
	_, err = conn.Exec(ctx, "LISTEN news")
	check(err)
	other, err := pgx.Connect(ctx, url)
	check(err)
	_, err = other.Exec(ctx, "NOTIFY news, 'first'")
	check(err)
	_, err = other.Exec(ctx, "SELECT pg_notify('news', $1)", "second")
	check(err)
	other.Close(ctx)
	for range 2 {
		wait, cancel := context.WithTimeout(ctx, 10*time.Second)
		note, err := conn.WaitForNotification(wait)
		check(err)
		cancel()
		fmt.Println("notified", note.Channel, note.Payload)
	}
	conn.Close(ctx)

	fmt.Println("== pool")
	pool, err := pgxpool.New(ctx, url)
	check(err)
	found := make([]string, 20)
	var wg sync.WaitGroup
	for n := range found {
		wg.Go(func() {
			var twice, count int
			check(pool.QueryRow(ctx, "SELECT $1::int * 2, count(*) FROM items", n).Scan(&twice, &count))
			found[n] = fmt.Sprint(twice, count)
		})
	}
	wg.Wait()
	for _, line := range found {
		fmt.Println(line)
	}
	pool.Close()
}

func ptr(s string) *string { return &s }
