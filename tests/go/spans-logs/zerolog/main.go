// Lines of zerolog: in a span, in none, and those that are not written.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

var log zerolog.Logger

type discard struct{}

func (discard) Run(e *zerolog.Event, level zerolog.Level, message string) {
	if message == "discarded" {
		e.Discard()
	}
}

//go:noinline
func round() {
	log.Info().Str("canary", "canary").Msg("first")
	log.Debug().Msg("disabled")
	log.Warn().Msg("second é")
	log.Error().Send()
	log.Info().Dict("canary", zerolog.Dict().Int("canary", 1)).Msg("between")
	log.Log().Msg("without a level")
	log.Error().Msgf("attrs%s", "")
	log.Info().Msg(strings.Repeat("é", 255) + "xéy" + strings.Repeat("z", 600))
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		log.Info().Msg("of a goroutine")
		wg.Done()
	}()
	wg.Wait()
	hooked := log.Hook(discard{})
	hooked.Info().Msg("discarded")
	hooked.Info().Msg("sampled")
}

//go:noinline
func many() {
	for i := 0; i < 130; i++ {
		log.Info().Msg(fmt.Sprint("line ", i))
	}
}

func main() {
	log = zerolog.New(os.Stdout).Level(zerolog.InfoLevel)
	log.Info().Msg("outside")
	round()
	many()
	fmt.Println("done")
}
