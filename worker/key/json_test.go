// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// FuzzJSON holds the reading of bodies against encoding/json: the same texts are JSON, and have the same values, looked
// into step by step and decoded at once.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `null`, `-0`, `1e400`, `9007199254740993`, `18446744073709551615`, `-9223372036854775809`, `1.0`,
		`{"a": 1, "a": {"b": [1, 2, [3], {}]}, "": ""}`, `[]`, `[[[]], {"x": {}}, true, false, null]`, "[\"\\ud83d\\ude00\\u00e9\"]",
		` { "a\u0062" : "\"\\\/\b\f\n\r\t" , "c" : [ ] } `, `{"a":1}x`, `[1,]`, `"\ud83d"`, "\"\xff\"", `{"z":1,"y":2,"z":3}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		original := bytes.Clone(data)
		checkJSON(t, data)
		if !bytes.Equal(data, original) {
			t.Errorf("%q was changed to %q", original, data)
		}
	})
}

// halves are escapes of surrogates, of which encoding/json replaces those without a partner.
var halves = regexp.MustCompile(`(?i)\\ud[89a-f]`)

func checkJSON(t *testing.T, data []byte) {
	t.Helper()
	stepwise := parse(data)
	if len(data) == 0 {
		if stepwise != types.NullValue {
			t.Errorf("no body is %v", stepwise)
		}
		return
	}
	var reference any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&reference); !json.Valid(data) {
		if !types.IsError(stepwise) {
			t.Errorf("%q is JSON; encoding/json says: %v", data, err)
		}
		return
	}
	whole, end := decodeAll(data, skipSpace(data, 0))
	if rest := skipSpace(data, end); rest != len(data) {
		t.Errorf("%q: decoded up to %d", data, rest)
	}
	if got, want := tell(stepwise), tell(whole); got != want {
		t.Errorf("%q: %s step by step, %s at once", data, got, want)
	}
	if !utf8.Valid(data) || halves.Match(data) {
		return
	}
	if got, want := tell(whole), tellReference(reference); got != want {
		t.Errorf("%q: got %s, want %s", data, got, want)
	}
}

// tell spells a value out, looking into tables and lists name by name.
func tell(value ref.Val) string {
	switch v := value.(type) {
	case *table:
		var parts []string
		for names := v.Iterator(); names.HasNext() == types.True; {
			name := names.Next()
			member, found := (&table{source: v.source, members: membersUnless(v)}).Find(name)
			if !found {
				return fmt.Sprintf("%v is lost", name)
			}
			parts = append(parts, fmt.Sprintf("%q:%s", name, tell(member)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case *list:
		var parts []string
		size := int64((&list{data: v.data, whole: v.whole}).Size().(types.Int))
		for i := range size + 1 {
			element, found := (&list{data: v.data, whole: v.whole}).GetInt64Index(i)
			if found != (i < size) {
				return fmt.Sprintf("element %d of %d: %t", i, size, found)
			}
			if found {
				parts = append(parts, tell(element.(ref.Val)))
			}
		}
		return "[" + strings.Join(parts, ",") + "]"
	case types.String:
		return strconv.Quote(string(v))
	}
	return fmt.Sprintf("%s(%v)", value.Type().TypeName(), value.Value())
}

// membersUnless are a table's members if it has no source to look them up in.
func membersUnless(t *table) []member {
	if t.source == nil {
		return t.members
	}
	return nil
}

func tellReference(value any) string {
	switch v := value.(type) {
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Sprintf("%q:%s", name, tellReference(v[name])))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		for _, element := range v {
			parts = append(parts, tellReference(element))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case string:
		return strconv.Quote(v)
	case json.Number:
		return tellNumber(v)
	}
	return tell(types.DefaultTypeAdapter.NativeToValue(value))
}

func tellNumber(number json.Number) string {
	if strings.ContainsAny(number.String(), ".eE") {
		double, _ := number.Float64()
		return fmt.Sprintf("double(%v)", double)
	}
	if signed, err := number.Int64(); err == nil {
		return fmt.Sprintf("int(%d)", signed)
	}
	if unsigned, err := strconv.ParseUint(number.String(), 10, 64); err == nil {
		return fmt.Sprintf("uint(%d)", unsigned)
	}
	double, _ := number.Float64()
	return fmt.Sprintf("double(%v)", double)
}

func TestTablesAndListsBehaveAsCELs(t *testing.T) {
	object := decode([]byte(`{"b": [1, 2], "a": {"c": null}}`)).(*table)
	native := object.native()
	if object.Equal(native) != types.True || native.Equal(object) != types.True {
		t.Error("a table does not equal the same map")
	}
	if object.ConvertToType(types.TypeType) != types.MapType || object.ConvertToType(types.MapType) != ref.Val(object) {
		t.Error("a table is no map")
	}
	if !types.IsError(object.Get(types.String("z"))) || object.Get(types.String("a")).(traits.Sizer).Size() != types.IntOne {
		t.Error("a table does not give what it has")
	}
	elements := object.Get(types.String("b")).(*list)
	if elements.Add(elements).(traits.Sizer).Size() != types.Int(4) || elements.Contains(types.Int(2)) != types.True {
		t.Error("a list is no list")
	}
	if elements.ConvertToType(types.TypeType) != types.ListType || !types.IsError(elements.Get(types.Int(2))) {
		t.Error("a list does not behave as one")
	}
}

// A few looks are cheaper where the JSON lies; many would read it again and again.
func TestManyLooksDecode(t *testing.T) {
	object, elements := decode([]byte(`{"a": 1}`)).(*table), decode([]byte(`[1, 2]`)).(*list)
	for look := range maxLooks + 1 {
		if decoded := object.members != nil || elements.whole != nil; decoded {
			t.Errorf("decoded after %d looks", look)
		}
		object.Find(types.String("a"))
		elements.GetInt64Index(1)
	}
	if object.members == nil || elements.whole == nil {
		t.Errorf("not decoded after %d looks", maxLooks+1)
	}
	for _, index := range []int64{-1, 2} {
		if value, found := elements.GetInt64Index(index); found {
			t.Errorf("element %d is %v", index, value)
		}
	}
}

func TestBodyIsParsedOnce(t *testing.T) {
	message := evaluation{message: Message{Data: []byte(`{}`), Headers: map[string][]string{}}}
	for _, name := range []string{varBody, varHeaders} {
		first, _ := message.ResolveName(name)
		second, _ := message.ResolveName(name)
		if first != second {
			t.Errorf("%s is made anew", name)
		}
	}
}
