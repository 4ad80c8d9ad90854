package luaapi

import (
	"slices"
	"strings"
	"testing"
)

func TestNearestPattern(t *testing.T) {
	names := []string{"Backup of the shop", "Import", "Backup"}
	for pattern, want := range map[string]string{
		"Bakup": "Backup", "import": "Import", "Bakup*": "Backup*", "Bakup of*": "Backup of*", "*teh shop": "*the shop", "*shopp*": "*shop*",
		"shopp": "", "shopp*": "", "B*p": "", "*": "", "**": "", "Completely else": "",
	} {
		if got := nearestPattern(pattern, names); got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}

func TestFiltersThatMatchNothing(t *testing.T) {
	s, _ := mustLoad(t, `slavedriver:addJob({ name = "Backup", command = "true", schedule = "@daily", tags = { "critical", "db" } })
		slavedriver.alert({ tags = { "criticl" }, send = print })
		slavedriver.alert({ tags = { "critical" }, job = "Back*", send = print })
		slavedriver:attach("*", print, { tags = { "db", "web", "critcal" } })
		slavedriver.alert({ job = "Bakup*", send = print })`)
	want := []string{
		"slavedriver.lua:2: no job has the tag `criticl` of this alert, did you mean `critical`?",
		"slavedriver.lua:4: no job has the tag `web` of this handler",
		"slavedriver.lua:4: no job has the tag `critcal` of this handler, did you mean `critical`?",
		"slavedriver.lua:5: no job matches the filter `Bakup*` of this alert, did you mean `Backup*`?",
	}
	if got := s.Plan().Warnings; !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
