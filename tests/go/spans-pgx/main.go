// spans-pgx asks the PostgreSQL server whose URL is its argument, by pgx itself and by its driver for database/sql.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

//go:noinline
func round(ctx context.Context, c *pgx.Conn) {
	var id int
	rows, err := c.Query(ctx, "SELECT id FROM orders WHERE name = 'canary' AND id = $1", "4711")
	check(err)
	for rows.Next() {
		check(rows.Scan(&id))
	}
	check(rows.Err())
	check(c.QueryRow(ctx, "SELECT id FROM single WHERE name = $1", "canary").Scan(&id))
	_, err = c.Exec(ctx, `INSERT INTO "orders" VALUES ($1, 'canary')`, "canary")
	check(err)
	_, err = c.Exec(ctx, "DELETE FROM refused WHERE name = 'canary'")
	if err == nil {
		panic("no failure")
	}
	tx, err := c.Begin(ctx)
	check(err)
	_, err = tx.Exec(ctx, "UPDATE inside SET name = 'canary'")
	check(err)
	check(tx.Commit(ctx))
	_, err = c.Prepare(ctx, "mine", "SELECT id FROM prepared WHERE name = 'canary'")
	check(err)
	check(c.QueryRow(ctx, "mine").Scan(&id))
	b := &pgx.Batch{}
	b.Queue("INSERT INTO batch VALUES ($1)", "canary")
	b.Queue("INSERT INTO batch VALUES ($1)", "canary")
	check(c.SendBatch(ctx, b).Close())
}

func standard(url string) {
	db, err := sql.Open("pgx", url)
	check(err)
	var id int
	check(db.QueryRow("SELECT id FROM standard WHERE name = $1", "canary").Scan(&id))
	_, err = db.Exec("DELETE FROM refused WHERE name = 'canary'")
	if err == nil {
		panic("no failure")
	}
	check(db.Close())
}

func main() {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, os.Args[1])
	check(err)
	round(ctx, c)
	check(c.Close(ctx))
	standard(os.Args[1])
	fmt.Println("done")
}
