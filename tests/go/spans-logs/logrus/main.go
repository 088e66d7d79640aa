// Lines of logrus: in a span, in none, and those that are not written.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
)

var log = logrus.New()

//go:noinline
func round() {
	log.WithField("canary", "canary").Info("first")
	log.Debug("disabled")
	log.Warn("second é")
	log.Error("")
	log.Infoln("between")
	log.WithField("canary", 1).Errorf("attrs%s", "")
	log.Info(strings.Repeat("é", 255) + "xéy" + strings.Repeat("z", 600))
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		log.Info("of a goroutine")
		wg.Done()
	}()
	wg.Wait()
	func() {
		defer func() { recover() }()
		log.Panic("panics")
	}()
}

//go:noinline
func many() {
	for i := 0; i < 130; i++ {
		log.Info(fmt.Sprint("line ", i))
	}
}

func main() {
	log.SetOutput(os.Stdout)
	log.Info("outside")
	round()
	many()
	fmt.Println("done")
}
