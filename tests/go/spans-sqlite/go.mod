module spanssqlite

go 1.18

require modernc.org/sqlite v1.23.1
