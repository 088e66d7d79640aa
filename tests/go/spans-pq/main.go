// spans-pq asks the PostgreSQL server whose URL is its argument, by lib/pq.
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/lib/pq"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

//go:noinline
func round(db *sql.DB) {
	var id int
	check(db.QueryRow("SELECT id FROM orders WHERE name = $1 AND note <> 'canary'", "canary").Scan(&id))
	_, err := db.Exec("DELETE FROM refused WHERE name = 'canary'")
	if err == nil {
		panic("no failure")
	}
	tx, err := db.Begin()
	check(err)
	_, err = tx.Exec("UPDATE inside SET name = $1", "canary")
	check(err)
	check(tx.Commit())
}

func main() {
	db, err := sql.Open("postgres", os.Args[1])
	check(err)
	db.SetMaxOpenConns(1)
	round(db)
	check(db.Close())
	fmt.Println("done")
}
