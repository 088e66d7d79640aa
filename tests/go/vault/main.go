// vault handles secrets: each holds the word that its argument gives. It does its work once for each line of input.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
)

type card struct {
	Owner  string
	Number string
	Limits [2]int
}

type wallet struct {
	Name  string
	Main  *card
	Other card
	All   []card
	By    map[string]card
	Any   interface{}
}

type keeper interface{ keep(w *wallet) error }

type box struct{ Number string }

//go:noinline
func (b box) keep(w *wallet) error { return errors.New("kept " + w.Name + " " + b.Number) }

//go:noinline
func login(user, password string, pin [2]int) (token string, ok bool) {
	return "t-" + password, pin[0] != pin[1]
}

//go:noinline
func spend(c card, p *card, w *wallet, k keeper, words ...string) (left card, err error) {
	if len(words) > 9 {
		return c, k.keep(w)
	}
	return *p, nil
}

//go:noinline
func sealed(a string, b *card, c []byte) (string, error) { return a + string(c), errors.New(a) }

func main() {
	word := os.Args[1]
	fmt.Println("ready", os.Getpid())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		secret := word + "-" + in.Text()
		c := card{"owner", secret, [2]int{1, 2}}
		w := &wallet{"open", &c, c, []card{c, c}, map[string]card{"a": c}, c}
		token, ok := login("user", secret, [2]int{47110815, 47110816})
		left, _ := spend(c, &c, w, box{secret}, "open")
		text, _ := sealed(secret, &c, []byte(secret))
		fmt.Println("done", len(token), ok, len(left.Number), len(text))
	}
}
