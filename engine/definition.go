package engine

import (
	"hash/fnv"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// definitionSum changes with the definition of any of the jobs, and with their
// order. It is asked in each shift, so it is nothing but a hash.
func definitionSum(jobs []*Job) string {
	sum := fnv.New64a()
	var buf []byte
	for _, job := range jobs {
		buf = appendDefinition(buf[:0], job)
		_, _ = sum.Write(buf)
	}
	return strconv.FormatUint(sum.Sum64(), 36)
}

// definitions are the jobs' definitions, hashed, by name.
func definitions(jobs []*Job) map[string]string {
	each := make(map[string]string, len(jobs))
	for _, job := range jobs {
		each[job.Name] = definitionSum([]*Job{job})
	}
	return each
}

// definitionFields are the fields of a Job that the entry file says something
// with. Left out are those that follow from others (they are not stored either),
// and Source: a job that moves within its file is the same.
var definitionFields = sync.OnceValue(func() (fields []int) {
	job := reflect.TypeFor[Job]()
	for i := range job.NumField() {
		f := job.Field(i)
		if f.Tag.Get("json") != "-" && f.Name != "Source" && f.Name != "Removed" {
			fields = append(fields, i)
		}
	}
	return fields
})

// appendDefinition adds a job's definition to buf: by reflection, so that an
// option that is added to Job later is part of it. Functions are not: that there
// is one is, what is in it is not.
func appendDefinition(buf []byte, job *Job) []byte {
	v := reflect.ValueOf(job).Elem()
	for _, i := range definitionFields() {
		buf = appendValue(buf, v.Field(i))
	}
	return buf
}

// appendValue adds a value in a form that no other value of its type has.
func appendValue(buf []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		return appendText(buf, v.String())
	case reflect.Bool:
		return strconv.AppendBool(buf, v.Bool())
	case reflect.Int, reflect.Int64:
		return append(strconv.AppendInt(buf, v.Int(), 36), ' ')
	case reflect.Float64:
		return append(strconv.AppendFloat(buf, v.Float(), 'g', -1, 64), ' ')
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return appendText(buf, string(v.Bytes()))
		}
		buf = append(strconv.AppendInt(buf, int64(v.Len()), 36), ' ')
		for i := range v.Len() {
			buf = appendValue(buf, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			buf = appendValue(buf, v.Field(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		buf = append(strconv.AppendInt(buf, int64(len(keys)), 36), ' ')
		for _, key := range keys {
			buf = appendValue(appendText(buf, key.String()), v.MapIndex(key))
		}
	default:
		panic("a field of Job has a type that definition.go does not know: " + v.Type().String())
	}
	return buf
}

func appendText(buf []byte, text string) []byte {
	buf = append(strconv.AppendInt(buf, int64(len(text)), 36), ' ')
	return append(buf, text...)
}
