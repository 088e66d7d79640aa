// spans-sqlite has a database in its memory.
package main

import (
	"database/sql"
	"fmt"

	_ "modernc.org/sqlite"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

//go:noinline
func round(db *sql.DB) {
	var name string
	_, err := db.Exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT)")
	check(err)
	_, err = db.Exec("INSERT INTO orders VALUES (4711, 'canary'), (?, ?)", 1, "canary")
	check(err)
	check(db.QueryRow(`SELECT name FROM orders WHERE id = 4711 AND name <> "canary's"`).Scan(&name))
	if _, err = db.Exec("INSERT INTO orders VALUES (4711, 'canary')"); err == nil {
		panic("no failure")
	}
	tx, err := db.Begin()
	check(err)
	_, err = tx.Exec("DELETE FROM orders WHERE name = ?", name)
	check(err)
	check(tx.Commit())
}

func main() {
	db, err := sql.Open("sqlite", ":memory:")
	check(err)
	db.SetMaxOpenConns(1)
	round(db)
	check(db.Close())
	fmt.Println("done")
}
