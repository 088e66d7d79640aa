"""Go programs with random signatures: each function and method is called a few times with random values, and
the program writes down what these are.

The same seed gives the same program. tests/go/signatures has the part that does not change.
"""

import os
import pathlib
import random
import shutil

GO = pathlib.Path(__file__).resolve().parent / "go"
CALLS = 3  # of each function
ROOM = 280  # words that the parameters or the results of a function may need in a record

BASIC = ["bool", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "uintptr",
         "float32", "float64", "complex64", "complex128", "string", "string", "error", "interface{}"]
KEYS = ["bool", "int", "int8", "uint16", "int32", "uint64", "float64", "string", "[2]int16", "struct{ A int8; B string }"]
RARE = ["time.Time", "time.Duration", "func(int) string", "unsafe.Pointer", "chan int", "chan string", "*List",
        "struct{}", "[0]int", "[1]float64", "[1]string", "*struct{}", "Teller", "Teller"]

FIXED = '''// Package main is made by tests/signatures.py.
package main

import (
	"time"
	"unsafe"

	"signatures/random"
)

var _ = time.Second
var _ unsafe.Pointer

type List struct {
	Value int16
	Next  *List
}

// Teller is an interface of the program's own, with types of several shapes behind it.
type Teller interface{ Tell() int }

type tellsInt int32
type tellsFloat float64
type tellsText string
type tellsPair struct {
	A uint8
	B string
}
type tellsMany struct {
	A [3]int
	B *List
}

func (t tellsInt) Tell() int   { return 1 }
func (t tellsFloat) Tell() int { return 2 }
func (t tellsText) Tell() int  { return 3 }
func (t tellsPair) Tell() int  { return 4 }
func (t *tellsMany) Tell() int { return 5 }

// What a program converts to an interface is what a tracer looks for behind it.
var tellers = []Teller{tellsInt(1), tellsFloat(1), tellsText(""), tellsPair{}, &tellsMany{}}

var paused int

//go:noinline
func pause() { paused += tellers[paused%len(tellers)].Tell() & 1 }

func fill(s *random.Source, pointers ...interface{}) {
	for _, p := range pointers {
		s.Fill(p)
	}
}
'''


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.text = [FIXED]
        self.structs = []  # named ones
        self.scalars = []  # named types that are no structs
        self.kept = {}  # type: the variable that keeps values of it
        self.needs = {"string": 6, "error": 100, "interface{}": 40, "Teller": 60, "*List": 14, "time.Time": 3,
                      "map[string]int8": 70, "[]int": 9, "struct{ A int8; B string }": 7}  # words in a record

    def put(self, line=""):
        self.text.append(line)

    def chance(self, one_in):
        return self.random.randrange(one_in) == 0

    def type(self, depth=0):
        """A type; the deeper, the plainer."""
        r = self.random
        if depth > 2 or r.random() < 0.5:
            return r.choice(BASIC)
        pick = r.randrange(12)
        if pick == 0:
            return r.choice(RARE)
        if pick == 1 and self.scalars:
            return r.choice(self.scalars)
        if pick in (2, 3, 4) and self.structs:
            return r.choice(self.structs)
        if pick > 10 or pick < 5:
            return r.choice(BASIC)
        inside = self.type(depth + 1)
        need = self.needs.get(inside, 2)
        if pick == 5:
            n = r.randrange(5)
            return self.made("[%d]%s" % (n, inside), n * need)
        if pick in (6, 7):
            return self.made("[]" + inside, 4 + 5 * need)
        if pick == 8:
            key = r.choice(KEYS)
            return self.made("map[%s]%s" % (key, inside), 10 + 8 * (self.needs.get(key, 2) + need))
        return self.made("*" + inside, 2 + need)

    def made(self, t, need):
        self.needs[t] = need
        return t if need < ROOM / 2 else self.random.choice(BASIC)

    def room(self, types):
        return sum(self.needs.get(t, 2) for t in types)

    def types(self, counts):
        """Of parameters or results; where there are many, they are plain."""
        while True:
            n = self.random.choice(counts)
            types = [self.type() if n < 8 else self.random.choice(BASIC[:18]) for _ in range(n)]
            if self.room(types) <= ROOM:
                return types

    def fields(self, depth):
        """Embedded, blank, unexported ones and such of no size are among them."""
        lines, embedded, need = [], set(), 0
        for i in range(self.random.choice([1, 1, 2, 2, 3, 3, 4, 5, 9])):
            t = self.type(depth)
            if need + self.needs.get(t, 2) > ROOM / 3:
                t = "uint16"
            need += self.needs.get(t, 2)
            if self.chance(10):
                lines.append("\t_ %s" % self.random.choice(["int8", "int", "float64", "struct{}", "[3]uint8"]))
            elif t in self.structs and t not in embedded and self.chance(3):
                lines.append("\t" + t)
                embedded.add(t)
            else:
                lines.append("\t%s%d %s" % ("F" if self.chance(2) else "f", i, t))
        return lines, need

    def declare_types(self, n):
        for i in range(n):
            if self.chance(3):
                self.put("\ntype N%d %s" % (i, self.random.choice(
                    BASIC[:17] + ["[]int", "map[string]int8", "[2]uint16", "[1]uint32", "func(int) string"])))
                self.scalars.append("N%d" % i)
                continue
            lines, need = self.fields(1)
            self.put("\ntype S%d struct {" % i)
            self.text += lines
            self.put("}")
            self.structs.append("S%d" % i)
            self.needs["S%d" % i] = need

    def keep(self, t):
        return self.kept.setdefault(t, "keep%d" % len(self.kept))

    def function(self, i):
        r = self.random
        params = [("p%d" % k, t) for k, t in enumerate(
            self.types([0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12, 16]))]
        results = [("r%d" % k, t) for k, t in enumerate(self.types([0, 1, 1, 1, 2, 2, 3, 4, 6]))]
        receiver = None
        if self.chance(4):
            receiver = r.choice(self.structs + self.scalars)
            receiver = "*" + receiver if self.chance(2) else receiver
        variadic = bool(params) and self.chance(6)
        if variadic:
            params[-1] = (params[-1][0], "[]" + params[-1][1])
        blank = [self.chance(25) for _ in params]
        name = "f%d" % i if not receiver else "%s%d" % (r.choice("Mm"), i)
        self.declare(name, receiver, params, results, variadic, blank)
        self.call(i, name, receiver, params, results, variadic, blank)

    def declare(self, name, receiver, params, results, variadic, blank):
        r = self.random
        shown = ["%s %s" % ("_" if blank[k] else p, "..." + t[2:] if variadic and k == len(params) - 1 else t)
                 for k, (p, t) in enumerate(params)]
        named = results and self.chance(2)
        what = ", ".join("%s %s" % (p, t) if named else t for p, t in results)
        head = "func %s%s(%s)" % ("(recv %s) " % receiver if receiver else "", name, ", ".join(shown))
        self.put("\nvar %sReturns struct {" % name)
        self.text += ["\t%s %s" % x for x in results]
        self.put("}\n\n//go:noinline")
        self.put(head + (" (%s) {" % what if results else " {"))
        body = r.choice(["keep", "keep", "call", "call", "defer", "branch", "frame"])
        if body == "call":
            self.put("\tpause()")
        if body == "defer":
            self.put("\tdefer pause()")
        if body == "frame":
            self.put("\tvar frame [%d]byte\n\tframe[paused%%64] = 1\n\tpause()" % r.choice([200, 5000, 70000]))
        if receiver:
            self.put("\t%s = recv" % self.keep(receiver))
        for k, (p, t) in enumerate(params):
            if not blank[k]:
                self.put("\t%s = %s" % (self.keep(t), p))
        if body == "frame":
            self.put("\tpaused += int(frame[paused%len(frame)])")
        back = "return " + ", ".join("%sReturns.%s" % (name, p) for p, t in results)
        if body == "branch":
            self.put("\tif paused%%2 == 0 {\n\t\tpause()\n\t\t%s\n\t}\n\tpaused++" % back)
        self.put("\t%s\n}" % back)

    def call(self, i, name, receiver, params, results, variadic, blank):
        r = self.random
        values = ([("recv", receiver)] if receiver else []) + params
        self.put("\nfunc call%d(s *random.Source) {" % i)
        self.put("\tvar x struct {")
        self.text += ["\t\t%s %s" % x for x in values]
        self.put("\t}")
        if not values:
            self.put("\t_ = x")
        pointers = ["&x.%s" % p for p, t in values] + ["&%sReturns.%s" % (name, p) for p, t in results]
        if receiver:
            self.put("\tfor {\n\t\ts.Fill(&x.recv)\n\t\tif %s {\n\t\t\tbreak\n\t\t}\n\t}"
                     % ("x.recv != nil" if receiver[0] == "*" and self.chance(2) else "true"))
            pointers = pointers[1:]
        self.put("\tfill(s, %s)" % ", ".join(pointers) if pointers else "\tfill(s)")
        names = ["_" if k >= len(values) - len(params) and blank[k - len(values) + len(params)] else p
                 for k, (p, t) in enumerate(values)]
        of = lambda names, prefix, of: ", ".join('random.Of("%s", &%s%s)' % (n, prefix, p) for n, (p, t) in zip(names, of))
        func = "main." + ("(%s)." % receiver if receiver and receiver[0] == "*" else receiver + "." if receiver else "") + name
        self.put('\tc := random.Call{Func: "%s"}' % func)
        self.put("\tc.Args = []random.Value{%s}" % of(names, "x.", values))
        what = ", ".join("x." + p for p, t in params) + ("..." if variadic else "")
        call = "%s(%s)" % ("x.recv." + name if receiver else name, what)
        if self.chance(6):  # on a stack that has to grow
            call = "done := make(chan bool)\n\tgo func() {\n\t\t%s\n\t\tdone <- true\n\t}()\n\t<-done" % call
        elif receiver and name[0] == "M" and self.chance(2):  # its type stays in the program
            kinds = ", ".join("..." + t[2:] if variadic and k == len(params) - 1 else t for k, (p, t) in enumerate(params))
            call = "interface{ %s(%s) (%s) }(x.recv).%s" % (name, kinds, ", ".join(t for p, t in results), call[7:])
        self.put("\t" + call)
        self.put("\tc.Results = []random.Value{%s}" % of([p for p, t in results], name + "Returns.", results))
        self.put("\trandom.Tell(c)\n}")


def write(seed, functions, to):
    """The folder of a program with so many functions."""
    w = Writer(seed)
    w.declare_types(functions // 4 + 10)
    for i in range(functions):
        w.function(i)
    w.put("\nvar (")
    w.text += ["\t%s %s" % (name, t) for t, name in w.kept.items()]
    w.put(")\n\nfunc main() {\n\trandom.Dynamic = []interface{}{")
    dynamic = ["tellsInt", "tellsFloat", "tellsText", "tellsPair", "*tellsMany"] + w.random.sample(w.structs, 4)
    w.text += ["\t\tnew(%s)," % t for t in dynamic]
    w.put("\t}\n\tfor i := 0; i < %d; i++ {\n\t\tfor _, call := range calls {" % CALLS)
    w.put("\t\t\tcall(random.From(uint64(1 + paused)))\n\t\t\tpaused++\n\t\t}\n\t}\n\trandom.End()\n}")
    w.put("\nvar calls = []func(*random.Source){")
    w.text += ["\tcall%d," % i for i in range(functions)]
    w.put("}")
    shutil.copytree(GO / "signatures", to, dirs_exist_ok=True)
    shutil.copytree(GO / "seed" / "expect", os.path.join(to, "expect"), dirs_exist_ok=True)
    pathlib.Path(to, "main.go").write_text("\n".join(w.text) + "\n")
    return pathlib.Path(to)
