package luaapi

import "testing"

// TestWhatWasMeant: names that are near in meaning and not in letters, and values of a
// shape that another system takes, get told what to write.
func TestWhatWasMeant(t *testing.T) {
	const options = `slavedriver:addJob({ name = "A", command = "true", schedule = "@daily", `
	for source, want := range map[string][2]string{
		options + `retry = 3 })`:                              {"job `A`: unknown option `retry`, did you mean `retries`?", ""},
		options + `dependsOn = "B" })`:                        {"job `A`: unknown option `dependsOn`", "a handler of slavedriver.job.finished.success starts the next job: slavedriver:start(name)"},
		options + `mailto = "x@y" })`:                         {"job `A`: unknown option `mailto`", "cron mails errors if MAILTO stands in the crontab; slavedriver.alert sends mail too"},
		options + `limits = "1G" })`:                          {"job `A`: `limits` must be a table of limits, not \"1G\"", `name each of them, as in { addressSpace = "2G", cpuTime = "1h" }`},
		options + `env = { "PATH=/bin" } })`:                  {"job `A`: `env` must be a table of names and strings, not a list", `write { NAME = "value" }`},
		`slavedriver:attach("slavedriver.job.failed", print)`: {"attach: unknown event `slavedriver.job.failed`, did you mean `slavedriver.job.finished.error`?", ""},
		`slavedriver:attach("job.succeeded", print)`:          {"attach: unknown event `job.succeeded`, did you mean `slavedriver.job.finished.success`?", ""},
		`slavedriver:setSlaves({ "a" })`:                      {"slavedriver: unknown method `setSlaves`", "`slaves` is an option of jobs: job:setSlaves(...), or slavedriver:setDefaults({ slaves = ... }) for all that are added later"},
		`slavedriver:setTimezone("UTC")`:                      {"slavedriver: unknown method `setTimezone`", "`timezone` is an option of jobs: job:setTimezone(...), or slavedriver:setDefaults({ timezone = ... }) for all that are added later"},
		`slavedriver.timezone = "UTC"`:                        {"slavedriver has no `timezone` that could be assigned to", "`timezone` is an option of jobs: job:setTimezone(...), or slavedriver:setDefaults({ timezone = ... }) for all that are added later"},
		`slavedriver.name = "x"`:                              {"slavedriver has no `name` that could be assigned to", "the name of this slave is set by slavedriver:setSlaveName(...)"},
		`slavedriver:setLogger("x.log")`:                      {"setLogger: the logger must be a function, a FileLogger, StderrLogger or SyslogLogger, or a list of these, not \"x.log\"", `write slavedriver.FileLogger({ path = "x.log" })`},
		`slavedriver.FileLogger({ file = "x.log" })`:          {"FileLogger: unknown key `file`, did you mean `path`?", ""},
		`slavedriver:setLockStore({ ulr = "redis://a" })`:     {"setLockStore: unknown key `ulr`, did you mean `url`?", ""},
		`slavedriver.alert(print)`:                            {"alert: the argument must be a table of options, not a function", "write slavedriver.alert({ send = ... })"},
	} {
		e := loadError(t, source)
		equal(t, source, e.Message, want[0])
		equal(t, source+": hint", e.Hint, want[1])
	}
}
