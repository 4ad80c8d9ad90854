package engine

import (
	"fmt"
	"reflect"
	"testing"
)

// TestDefinition changes each field of a job in turn: the definition changes
// with what the entry file says, and with nothing else.
func TestDefinition(t *testing.T) {
	of := func(job *Job) string { return string(appendDefinition(nil, job)) }
	plain := of(&Job{})
	if of(&Job{}) != plain {
		t.Fatal("two equal jobs differ")
	}
	fields := reflect.TypeFor[Job]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if f.Tag.Get("json") == "-" {
			continue
		}
		job := &Job{}
		fill(t, reflect.ValueOf(job).Elem().Field(i))
		if f.Name == "Source" || f.Name == "Removed" {
			if of(job) != plain {
				t.Errorf("another %s changes the definition", f.Name)
			}
		} else if of(job) == plain {
			t.Errorf("another %s does not change the definition", f.Name)
		}
	}
}

// fill makes a value other than the zero value of its type.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Uint8:
		v.SetUint('1')
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Struct:
		fill(t, v.Field(v.NumField()-1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	default:
		t.Fatalf("what is another %s?", v.Type())
	}
}

func TestDefinitionsTellListsApart(t *testing.T) {
	of := func(job *Job) string { return string(appendDefinition(nil, job)) }
	for _, pair := range [][2]*Job{
		{{Tags: []string{"ab"}}, {Tags: []string{"a", "b"}}},
		{{Description: "a", Tags: []string{"b"}}, {Description: "ab"}},
		{{Command: Command{Shell: "a b"}}, {Command: Command{Args: []string{"a b"}}}},
		{{Env: map[string]string{"A": "1", "B": "2"}}, {Env: map[string]string{"A": "2", "B": "1"}}},
	} {
		if of(pair[0]) == of(pair[1]) {
			t.Errorf("%+v and %+v have one definition", pair[0], pair[1])
		}
	}
	a, b := map[string]string{}, map[string]string{}
	for i := range 20 {
		a[fmt.Sprint("V", i)], b[fmt.Sprint("V", 19-i)] = "x", "x"
	}
	if of(&Job{Env: a}) != of(&Job{Env: b}) {
		t.Error("the order of a map counts")
	}
}

func BenchmarkDefinitionSum(b *testing.B) {
	var jobs []*Job
	for i := range 10_000 {
		jobs = append(jobs, &Job{
			Name: fmt.Sprint("Job ", i), Slug: fmt.Sprint("job-", i), Command: Command{Shell: "echo hello; sleep 1"},
			ScheduleText: []string{"*/5 * * * *"}, Enabled: true, SuccessCodes: []int{0}, WorkingDirectory: "/srv/shop",
			Env: map[string]string{"A": "1"}, Tags: []string{"shop"},
		})
	}
	for b.Loop() {
		definitionSum(jobs)
	}
}
