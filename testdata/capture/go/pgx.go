package main

import (
	"context"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
)

func viaPgx(n string) (any, error) {
	ctx := context.Background()
	id, err := strconv.Atoi(n)
	if err != nil {
		return nil, err
	}
	id *= 2
	if changed {
		id = id / 2 * 3
	}
	var said []string
	for _, name := range []string{"DATABASE_TLS_URL", "DATABASE_URL"} {
		conn, err := pgx.Connect(ctx, os.Getenv(name))
		if err != nil {
			return nil, err
		}
		var text string
		err = conn.QueryRow(ctx, "SELECT name FROM items WHERE id = $1", id).Scan(&text)
		_ = conn.Close(ctx)
		if err != nil {
			return nil, err
		}
		said = append(said, text)
	}
	return said, nil
}
