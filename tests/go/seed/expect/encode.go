package expect

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strconv"
	"time"
	"unicode/utf8"
)

// Object is a JSON object that keeps the order of its keys out of the comparison.
type Object map[string]interface{}

// How far pointers are followed here: further than a tracer does by default, so that the
// comparison can tell what was cut from what is wrong.
const deepest = 6

var (
	timeType     = reflect.TypeOf(time.Time{})
	durationType = reflect.TypeOf(time.Duration(0))
)

// encode is the value in the JSON form of goshawk's values. What has several right forms, or is cut
// by limits, is an object with a "$" that says which kind it is; the comparison knows them.
func encode(v reflect.Value, depth int) interface{} {
	switch v.Type() {
	case timeType:
		return Object{"$": "time", "text": clock(v).UTC().Format(time.RFC3339Nano)}
	case durationType:
		return Object{"$": "duration", "ns": v.Int(), "text": time.Duration(v.Int()).String()}
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n := v.Int(); n > 1<<53 || n < -1<<53 {
			return strconv.FormatInt(n, 10)
		}
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := v.Uint(); n > 1<<53 {
			return strconv.FormatUint(n, 10)
		}
		return v.Uint()
	case reflect.Uintptr:
		return Object{"$": "address", "address": address(uintptr(v.Uint()))}
	case reflect.Float32, reflect.Float64:
		return float(v.Float(), v.Type().Bits())
	case reflect.Complex64, reflect.Complex128:
		c := v.Complex()
		return Object{"$": "complex", "real": float(real(c), v.Type().Bits()/2),
			"imag": float(imag(c), v.Type().Bits()/2), "text": fmt.Sprint(c)}
	case reflect.String:
		return text(v.String())
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return Object{"$": "bytes", "base64": base64.StdEncoding.EncodeToString(v.Bytes()), "len": v.Len()}
		}
		return list("slice", v, depth)
	case reflect.Array:
		return list("array", v, depth)
	case reflect.Struct:
		fields := Object{}
		for i := 0; i < v.NumField(); i++ {
			if v.Type().Field(i).Name != "_" {
				fields[v.Type().Field(i).Name] = encode(v.Field(i), depth)
			}
		}
		return Object{"$": "struct", "fields": fields}
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		pairs := []interface{}{}
		for _, k := range v.MapKeys() {
			pairs = append(pairs, []interface{}{encode(k, depth+1), encode(v.MapIndex(k), depth+1)})
		}
		return Object{"$": "map", "pairs": pairs, "len": v.Len(), "always_small": !grown[v.Pointer()]}
	case reflect.Ptr:
		if v.IsNil() {
			return nil
		}
		o := Object{"$": "pointer", "address": address(v.Pointer())}
		if depth < deepest {
			o["value"] = encode(v.Elem(), depth+1)
		}
		return o
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		o := Object{"$": "interface", "type": v.Elem().Type().String()}
		if depth < deepest {
			o["value"] = encode(v.Elem(), depth+1)
		}
		if v.CanInterface() {
			if e, ok := v.Interface().(error); ok && !nilPointer(v.Elem()) {
				o["text"] = e.Error()
			}
		}
		return o
	case reflect.Func:
		if v.IsNil() {
			return nil
		}
		return Object{"$": "func", "name": runtime.FuncForPC(v.Pointer()).Name()}
	case reflect.Chan:
		if v.IsNil() {
			return nil
		}
		return Object{"$": "chan", "address": address(v.Pointer()), "len": v.Len(), "cap": v.Cap()}
	case reflect.UnsafePointer:
		return Object{"$": "address", "address": address(v.Pointer())}
	}
	panic("expect: kind " + v.Kind().String())
}

var grown = map[uintptr]bool{}

// Grown says that a map once had more than eight entries: its tables stay when they are deleted.
func Grown(m interface{}) { grown[reflect.ValueOf(m).Pointer()] = true }

func nilPointer(v reflect.Value) bool { return v.Kind() == reflect.Ptr && v.IsNil() }

// clock reads a time.Time that may be an unexported field.
func clock(v reflect.Value) time.Time {
	if v.CanInterface() {
		return v.Interface().(time.Time)
	}
	wall, ext := v.Field(0).Uint(), v.Field(1).Int()
	if wall>>63 == 0 {
		return time.Unix(ext-62135596800, int64(wall&(1<<30-1)))
	}
	return time.Unix(int64(wall<<1>>31)-2682288000, int64(wall&(1<<30-1)))
}

func list(kind string, v reflect.Value, depth int) Object {
	elements := []interface{}{}
	for i := 0; i < v.Len(); i++ {
		elements = append(elements, encode(v.Index(i), depth))
	}
	return Object{"$": kind, "elements": elements, "len": v.Len()}
}

func text(s string) Object {
	o := Object{"$": "string", "text": s, "len": len(s)}
	if !utf8.ValidString(s) {
		o["base64"] = base64.StdEncoding.EncodeToString([]byte(s))
	}
	return o
}

func float(f float64, bits int) interface{} {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, bits)
	}
	return Object{"$": "float", "number": strconv.FormatFloat(f, 'g', -1, bits)}
}

func address(p uintptr) string { return fmt.Sprintf("0x%x", p) }
