module spanschain

go 1.19

require (
	github.com/gin-gonic/gin v1.9.1
	github.com/jackc/pgx/v5 v5.5.5
	github.com/redis/go-redis/v9 v9.5.1
	github.com/twmb/franz-go v1.15.3
	golang.org/x/sync v0.5.0
	google.golang.org/grpc v1.60.1
)
