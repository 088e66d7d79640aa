// shop is the example program of the documents: it prices a few orders (`shop open`: the same one until it is ended).
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

type Item struct {
	SKU string
	Qty int
}

type Order struct {
	ID       int
	Customer string
	Items    []Item
	Notes    map[string]string
}

type Store struct {
	prices map[string]int
	sold   int
}

var errEmpty = errors.New("no items")

//go:noinline
func parse(id int, line string) (*Order, error) {
	parts := strings.Split(line, ";")
	o := &Order{ID: id, Customer: parts[0], Notes: map[string]string{"source": "test"}}
	for _, p := range parts[1:] {
		sku, qty, _ := cut(p)
		n, err := strconv.Atoi(qty)
		if err != nil {
			return nil, fmt.Errorf("order %d: %w", id, err)
		}
		o.Items = append(o.Items, Item{sku, n})
	}
	if len(o.Items) == 0 {
		return nil, errEmpty
	}
	return o, nil
}

func cut(s string) (before, after string, found bool) {
	if i := strings.Index(s, "="); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

//go:noinline
func (s *Store) Price(o *Order, coupon string) (cents int, err error) {
	for _, it := range o.Items {
		p, ok := s.prices[it.SKU]
		if !ok {
			return 0, &os.PathError{Op: "price", Path: it.SKU, Err: os.ErrNotExist}
		}
		cents += p * it.Qty
	}
	s.sold += cents
	return discount(cents, coupon, 30*time.Minute), nil
}

//go:noinline
func discount(cents int, coupon string, valid time.Duration) int {
	if coupon == "TENOFF" && valid > 0 {
		return cents * 9 / 10
	}
	return cents
}

func main() {
	s := &Store{prices: map[string]int{"tea": 450, "cup": 1200}}
	if len(os.Args) > 1 && os.Args[1] == "open" {
		s.open()
	}
	for i, line := range []string{"Arthur;tea=2;cup=1", "Ford;towel=1", "Marvin", "Trillian;cup=two"} {
		o, err := parse(i+1, line)
		if err == nil {
			_, err = s.Price(o, []string{"", "TENOFF"}[i%2])
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "shop:", err)
		}
	}
	fmt.Println("sold for", s.sold)
}

func (s *Store) open() {
	for {
		o, err := parse(1, "Arthur;tea=2;cup=1")
		if err == nil {
			_, err = s.Price(o, "TENOFF")
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "shop:", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
