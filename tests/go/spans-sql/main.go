// spans-sql asks a database of its own that keeps nothing: a driver for database/sql that is this file. Each text
// carries a number that tells which query it is, and secrets, which nobody must see. "SLOW" in a text waits, "FAIL" is
// an error, "BAD" is a connection that is bad for the first three times.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

type shelf struct{ dsn string }

type conn struct{ direct bool }

type stmt struct{ query string }

type rows struct{ left int }

type tx struct{}

type refusal struct{ reason string }

func (r *refusal) Error() string { return "canary: " + r.reason }

var bad int

func do(query string) error {
	switch {
	case strings.Contains(query, "SLOW"):
		time.Sleep(20 * time.Millisecond)
	case strings.Contains(query, "FAIL"):
		return &refusal{query}
	case strings.Contains(query, "BAD"):
		bad++
		if bad <= 2 {
			return driver.ErrBadConn
		}
	}
	return nil
}

func (shelf) Open(dsn string) (driver.Conn, error) { return &conn{direct: dsn == "direct canary"}, nil }

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	if strings.Contains(query, "CANNOT") {
		return nil, errors.New("canary")
	}
	return &stmt{query}, nil
}
func (c *conn) Close() error               { return nil }
func (c *conn) Begin() (driver.Tx, error)  { return tx{}, nil }
func (c *conn) Ping(context.Context) error { return nil }
func (c *conn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if !c.direct {
		return nil, driver.ErrSkip
	}
	return &rows{2}, do(query)
}
func (c *conn) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	if !c.direct {
		return nil, driver.ErrSkip
	}
	return driver.RowsAffected(1), do(query)
}

func (s *stmt) Close() error  { return nil }
func (s *stmt) NumInput() int { return -1 }
func (s *stmt) Exec([]driver.Value) (driver.Result, error) {
	return driver.RowsAffected(1), do(s.query)
}
func (s *stmt) Query([]driver.Value) (driver.Rows, error) { return &rows{2}, do(s.query) }

func (r *rows) Columns() []string { return []string{"id", "secret"} }
func (r *rows) Close() error      { return nil }
func (r *rows) Next(to []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	to[0], to[1] = int64(r.left), "canary"
	return nil
}

func (tx) Commit() error   { return nil }
func (tx) Rollback() error { return nil }

// What the spans of one round belong to.
//
//go:noinline
func round(db *sql.DB, n int) {
	ctx := context.Background()
	text := func(format string) string { return fmt.Sprintf(format, n) }
	var id int
	var secret string

	check(db.Ping())
	check(db.QueryRow(text("SELECT id, secret FROM canaries%d WHERE secret = 'canary' AND n = 4711"), "canary").Scan(&id, &secret))
	r, err := db.QueryContext(ctx, text("select * from slow%d /* SLOW canary */"), "canary")
	check(err)
	for r.Next() {
		time.Sleep(5 * time.Millisecond)
	}
	r.Close()
	_, err = db.Exec(text("INSERT INTO t%d VALUES ('canary')"))
	check(err)
	_, err = db.ExecContext(ctx, text("DELETE FROM fails%d WHERE FAIL = 'canary'"))
	if err == nil {
		panic("no failure")
	}
	bad = 0
	_, err = db.Exec(text("UPDATE BAD%d SET a = 'canary'"))
	check(err)

	p, err := db.Prepare(text("SELECT * FROM prepared%d WHERE secret = 'canary'"))
	check(err)
	check(p.QueryRow("canary").Scan(&id, &secret))
	_, err = p.Exec("canary")
	check(err)
	p.Close()

	t, err := db.Begin()
	check(err)
	_, err = t.Exec(text("UPDATE inside%d SET a = 1"))
	check(err)
	check(t.QueryRow(text("SELECT * FROM inside%d")).Scan(&id, &secret))
	p, err = t.Prepare(text("DELETE FROM inside%d"))
	check(err)
	_, err = p.Exec()
	check(err)
	check(t.Commit())
	t, err = db.BeginTx(ctx, nil)
	check(err)
	check(t.Rollback())

	c, err := db.Conn(ctx)
	check(err)
	check(c.PingContext(ctx))
	check(c.QueryRowContext(ctx, text("SELECT * FROM single%d")).Scan(&id, &secret))
	_, err = c.ExecContext(ctx, text("VACUUM single%d"))
	check(err)
	t, err = c.BeginTx(ctx, nil)
	check(err)
	check(t.Commit())
	c.Close()

	if _, err = db.Prepare("CANNOT"); err == nil {
		panic("no failure")
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	sql.Register("shelf", shelf{})
	for i, dsn := range []string{"direct canary", "prepares canary"} {
		db, err := sql.Open("shelf", dsn)
		check(err)
		round(db, i)
		db.Close()
	}
	fmt.Println("done", len(os.Args))
}
