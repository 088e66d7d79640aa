// Lines of zap: in a span, in none, and those that are not written.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

var log *zap.Logger

//go:noinline
func round() {
	log.Info("first", zap.String("canary", "canary"))
	log.Debug("disabled")
	log.Warn("second é")
	log.Error("")
	log.Sugar().Infow("between", "canary", 1)
	log.With(zap.Int("canary", 1)).Sugar().Errorf("attrs%s", "")
	log.Info(strings.Repeat("é", 255) + "xéy" + strings.Repeat("z", 600))
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		log.Info("of a goroutine")
		wg.Done()
	}()
	wg.Wait()
	// nobody writes it, but it panics
	func() {
		defer func() { recover() }()
		zap.NewNop().Panic("unwritten")
	}()
	sampled := zap.New(zapcore.NewSampler(log.Core(), time.Hour, 1, 1000))
	sampled.Info("sampled")
	sampled.Info("sampled")
}

//go:noinline
func many() {
	for i := 0; i < 130; i++ {
		log.Info(fmt.Sprint("line ", i))
	}
}

func main() {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	log = zap.New(zapcore.NewCore(encoder, zapcore.AddSync(os.Stdout), zapcore.InfoLevel))
	log.Info("outside")
	round()
	many()
	fmt.Println("done")
}
