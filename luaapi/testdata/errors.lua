-- Entry files that are wrong, one between each pair of --- lines. The comment
-- "error:" stands on the line that the error must name, with a part of its
-- message; "hint:" with a part of the hint.
---
x = = 1 -- error: syntax error near `=`
---
slavedriver:addJob({ name = "a" -- error: the file ends too early -- hint: the `{` of line 1 has no `}`
---
slavedriver:addJob({
  name = "a"
  timeout = 5, -- error: syntax error near `timeout` -- hint: a comma may be missing at the end of line 2
})
---
x = 5 --[[ a comment
-- error: invalid multiline comment: the file ends too early -- hint: a comment that begins with
---
job->setName("a") -- error: parse error near `-` -- hint: Lua calls methods with a colon: `job:setName()`
---
local x = 'abc -- error: unterminated string near `abc

---
goto nowhere
-- error: no visible label 'nowhere'
---
local t = nil
print(t.x) -- error: attempt to index a non-table object(nil) with key 'x'
---
local job = Job("Backup") -- error: there is no global `Job` -- hint: write `slavedriver.Job(...)`
---
addJob({ name = "a" }) -- error: there is no global `addJob` -- hint: write `slavedriver:addJob(...)`
---
requir("foo") -- error: there is no global `requir` -- hint: did you mean `require`?
---
slavedriver:addAllJobsInDirectory(__DIR__ .. "/jobs") -- error: there is no global `__DIR__`
---
error("no such luck") -- error: no such luck
---
error({ message = "in a table" }) -- error: in a table
---
error({}) -- error: threw a table value instead of a message
---
slavedriver:adJob({}) -- error: unknown method `adJob`, did you mean `addJob`?
---
slavedriver.addJob({}) -- error: `addJob` was called without its slavedriver -- hint: slavedriver:addJob(...)
---
slavedriver.namespace = "x" -- error: `namespace` cannot be assigned to -- hint: slavedriver:setNamespace(...)
---
slavedriver.foo = 1 -- error: slavedriver has no `foo` that could be assigned to
---
print(os.date("*t", { epoch = 5 })) -- error: os.date: the time must be a number, not a table; the number of `now` is `now.epoch`
---
print(slavedriver.EVENT_JOB_STARTET) -- error: unknown constant `EVENT_JOB_STARTET`, did you mean `EVENT_JOB_STARTED`?
---
print(slavedriver.EVENT_JOB_FINISHED) -- error: unknown constant `EVENT_JOB_FINISHED`, did you mean `EVENT_JOB_FINISHED_ERROR` or `EVENT_JOB_FINISHED_SUCCESS`?
---
slavedriver:attach("slavedriver.job.output", print) -- error: unknown event `slavedriver.job.output`, did you mean `slavedriver.job.output.stdout` or `slavedriver.job.output.*` or `slavedriver.job.output.stderr`?
---
local s = require("slavdriver") -- error: module `slavdriver` was not found -- hint: did you mean `slavedriver`?
---
local x = require("lib.names") -- error: there is no lib/names.lua and no lib/names/init.lua
---
local job = slavedriver.Job("a")
job.setTimeout(5) -- error: `setTimeout` was called without its job -- hint: job:setTimeout(...)
---
local job = slavedriver.Job("a")
job:setTimout(5) -- error: did you mean `setTimeout`?
---
local job = slavedriver.Job("a")
job.timout = 5 -- error: unknown option or method `timout`, did you mean `timeout`?
---
local job = slavedriver.Job("a")
print(job.scedule) -- error: did you mean `schedule`?
---
local job = slavedriver.Job("a")
job.nameSlug = "b" -- error: `nameSlug` of a job can only be read
---
slavedriver:addJob({ nameSlug = "b" }) -- error: `nameSlug` can only be read
---
slavedriver:addJob({ name = "a", timout = 5, command = "true" }) -- error: unknown option `timout`, did you mean `timeout`?
---
slavedriver:addJob({ "a" }) -- error: every option needs a name
---
slavedriver:addJob(5) -- error: addJob(job) must be a job or a table of options, not 5
---
slavedriver:addJob({ command = "true", schedule = "* * * * *" }) -- error: a job needs a name
---
slavedriver.Job("") -- error: `name` must not be empty
---
slavedriver.Job("a\nb") -- error: `name` must be one line
---
slavedriver.Job() -- error: Job(name) must be a name or a table of options, not nil
---
slavedriver.Job("a"):setTimeout() -- error: setTimeout needs a value: a duration
---
slavedriver.Job("a"):setTimeout("soon") -- error: job `a`: `timeout` must be a duration, not "soon" -- hint: "1h30m"
---
slavedriver.Job("a"):setTimeout(-1) -- error: `timeout` must be a duration from 0 to 100 years, not -1
---
slavedriver.Job("a"):setTimeout(0) -- error: `timeout` must be more than 0
---
slavedriver.Job("a"):setTimeout(0/0) -- error: `timeout` must be a duration from 0
---
slavedriver.Job("a"):setTimeout(1/0) -- error: `timeout` must be a duration from 0
---
slavedriver.Job("a"):setTimeout("1h1h") -- error: must be a duration, not "1h1h"
---
slavedriver.Job("a"):setTimeout("500ms") -- error: must be a duration, not "500ms"
---
slavedriver.Job("a"):setTimeout("90") -- error: must be a duration, not "90"
---
slavedriver.Job("a"):setTimeout("") -- error: must be a duration, not ""
---
slavedriver.Job("a"):setKeepOutput("1X") -- error: `keepOutput` must be a size, not "1X" -- hint: "64K"
---
slavedriver.Job("a"):setKeepOutput(1.5) -- error: must be a whole number of bytes, not 1.5
---
slavedriver.Job("a"):setKeepRuns(-1) -- error: `keepRuns` must be a whole number of at least 0, not -1
---
slavedriver.Job("a"):setNice(20) -- error: `nice` must be a whole number from -20 to 19, not 20
---
slavedriver.Job("a"):setEnabled("yes") -- error: `enabled` must be true or false, not "yes"
---
slavedriver.Job("a"):setAllowRunningIfPreviousStillRunning(1) -- error: must be true or false, not 1
---
slavedriver.Job("a"):setSlaves("test1") -- error: `slaves` must be a list of strings, not "test1" -- hint: { "test1" }
---
slavedriver.Job("a"):setSlaves({ "x", 5 }) -- error: `slaves`: entry 2 must be a string, not 5
---
slavedriver.Job("a"):setSlaves({ "x", name = "y" }) -- error: must be a list of strings without gaps
---
slavedriver.Job("a"):setCommand(5) -- error: `command` must be a string for the shell, a list of strings, or a function, not 5
---
slavedriver.Job("a"):setCommand(true) -- error: `command` must be a string for the shell, a list of strings, or a function, not true
---
slavedriver.Job("a"):setCommand({}) -- error: `command` must not be empty
---
slavedriver.Job("a"):setCommand("  ") -- error: `command` must not be empty
---
slavedriver.Job("a"):setCommand("a\0b") -- error: must not contain a zero byte
---
slavedriver.Job("a"):setSchedule("every day") -- error: `schedule` "every day" is not valid
---
slavedriver.Job("a"):setSchedule("50-10 * * * *") -- error: "50-10 * * * *" is not valid -- hint: 
---
slavedriver.Job("a"):setSchedule({}) -- error: `schedule` must not be empty
---
slavedriver.Job("a"):setSchedule(5) -- error: must be a cron expression, a list of them, or a function, not 5
---
slavedriver.Job("a"):setRunAtDateTime("tomorrow") -- error: `runAtDateTime` must be a date and time, not "tomorrow" -- hint: 2027-01-31 04:00
---
slavedriver.Job("a"):setRunAtDateTime("2027-02-30 04:00") -- error: must be a date and time
---
local job = slavedriver.Job("a"):setSchedule("* * * * *")
job:setRunAtDateTime("2027-01-31 04:00") -- error: `runAtDateTime` cannot be set together with schedule
---
local job = slavedriver.Job("a"):setRunAtDateTime("2027-01-31 04:00")
job:setSchedule("* * * * *") -- error: `schedule` cannot be set together with runAtDateTime
---
slavedriver.Job("a"):setSchedule("30 25 * * *"):setTimezone("Europe/London") -- error: `schedule` "30 25 * * *" is not valid
---
local job = slavedriver.Job("a"):setSchedule("* * * * *")
job:setTimezone("Europe/Londn") -- error: job `a`: `timezone` "Europe/Londn" is not valid: there is no such zone -- hint: did you mean "Europe/London"?
---
slavedriver.Job("a"):setTimezone("PST") -- error: "PST" is not valid: there is no such zone -- hint: "Europe/London"
---
slavedriver.Job("a"):setTimezone(1) -- error: `timezone` must be a string, not 1
---
local job = slavedriver.Job("a"):setRunAtDateTime("2026-03-29 01:30")
job:setTimezone("Europe/London") -- error: `timezone` "2026-03-29 01:30" does not exist in the zone Europe/London: its clocks skip that time
---
local job = slavedriver.Job("a"):setTimezone("Europe/London")
job:setRunAtDateTime("2026-03-29 01:30") -- error: `runAtDateTime` "2026-03-29 01:30" does not exist in the zone Europe/London
---
slavedriver.Job("a"):setJitter(0.5) -- error: `jitter` must be whole seconds, not 0.5
---
slavedriver.Job("a"):setCondition(true) -- error: `condition` must be a function, not true
---
slavedriver.Job("a"):setRetries(-1) -- error: `retries` must be a whole number from 0 to 1000, not -1
---
slavedriver.Job("a"):setRetryBackoff(0.5) -- error: `retryBackoff` must be at least 1, not 0.5
---
slavedriver.Job("a"):setRetryDelay("soon") -- error: `retryDelay` must be a duration
---
slavedriver.Job("a"):setRunOn("evry") -- error: `runOn` must be "every" or "one", not "evry", did you mean `every`?
---
slavedriver.Job("a"):setOnOverlap("queue") -- error: must be "skip", "allow" or "replace", not "queue"
---
slavedriver.Job("a"):setSuccessCodes({ 0, 256 }) -- error: `successCodes`: entry 2 must be a whole number from 0 to 255, not 256
---
slavedriver.Job("a"):setSuccessCodes({}) -- error: must have at least one exit code
---
slavedriver.Job("a"):setUmask(27) -- error: `umask` must be an octal number in quotes, not 27 -- hint: umask = "027"
---
slavedriver.Job("a"):setUmask("999") -- error: must be an octal number in quotes
---
slavedriver.Job("a"):setEnv({ ["a.b"] = "x" }) -- error: `env` has a name that a shell would drop, "a.b"
---
slavedriver.Job("a"):setEnv({ SLAVEDRIVER_JOB = "x" }) -- error: slavedriver itself sets names that begin with SLAVEDRIVER_
---
slavedriver.Job("a"):setEnv({ A = {} }) -- error: must have a string for `A`, not a table
---
slavedriver.Job("a"):setEnv({ "x" }) -- error: not a list
---
slavedriver.Job("a"):setLimits({ openFile = 5 }) -- error: `limits`: unknown limit `openFile`, did you mean `openFiles`?
---
slavedriver.Job("a"):setLimits({ openFiles = 0 }) -- error: `openFiles` must be a whole number of at least 1, not 0
---
slavedriver.Job("a"):setLimits({ cpuTime = 1.5 }) -- error: `cpuTime` must be whole seconds
---
slavedriver.Job("a"):setUser("www-data") -- error: job `a`: `user` needs root
---
slavedriver.Job("a"):setGroup("www-data") -- error: `group` needs root
---
slavedriver:addJob({ name = "a", schedule = "* * * * *" }) -- error: job `a` has no command
---
slavedriver:addJob({ name = "a", command = "true" }) -- error: job `a` has neither a schedule nor a runAtDateTime
---
slavedriver:addJob({ name = "a", command = "true", schedule = "@daily", runOn = "one" }) -- error: has runOn = "one", which needs a lock store that the slaves share -- hint: setLockStore
---
slavedriver:setLockStore("redis://localhost")
slavedriver:setNamespace("x")
slavedriver:addJob({ name = "a", command = "true", schedule = "@daily", runOn = "one", onOverlap = "replace" }) -- error: cannot have onOverlap = "replace" with runOn = "one"
---
slavedriver:setLockStore("redis://localhost")
slavedriver:setNamespace("x")
slavedriver:addJob({ name = "a", command = "true", schedule = "@daily", runOn = "one" }) -- error: job `a` has runOn = "one", which needs a timezone -- hint: timezone = "Europe/London"
---
local job = slavedriver:addJob({ name = "a", command = "true", schedule = "@daily" })
slavedriver:addJob({ name = "a", command = "true", schedule = "@daily" }) -- error: there are two jobs named `a`; the first is at slavedriver.lua:
---
slavedriver:addJob({ name = "Back up", command = "true", schedule = "@daily" })
slavedriver:addJob({ name = "back-UP", command = "true", schedule = "@daily" }) -- error: job `back-UP` and job `Back up` at slavedriver.lua:
---
local job = slavedriver:addJob({ name = "a", command = "true", schedule = "@daily" })
slavedriver:addJob(job) -- error: job `a` was added already
---
local job = slavedriver:addJob({ name = "a", command = "true", schedule = "@daily" })
job.name = "b" -- error: `name` cannot be changed after the job was added
---
local tags = { "x" }
slavedriver:addJob({ name = "a", command = "true", schedule = "@daily", tags = tags }) -- error: job `a`: `tags`: entry 2 must be a string, not true
tags[2] = true
---
slavedriver:setDefaults({ timout = 5 }) -- error: setDefaults: unknown option `timout`, did you mean `timeout`?
---
slavedriver:setDefaults({ timeout = true }) -- error: `timeout` must be a duration, not true
---
slavedriver:setDefaults({ name = "x" }) -- error: `name` cannot have a default
---
slavedriver:setDefaults("x") -- error: setDefaults(options) must be a table of options, not "x"
---
slavedriver:attach("slavedriver.job.finnished.*", print) -- error: unknown event `slavedriver.job.finnished.*`, did you mean `slavedriver.job.finished.*`?
---
slavedriver:attach("slavedriver.job.starter", print) -- error: did you mean `slavedriver.job.started`?
---
slavedriver:attach("slavedriver.*") -- error: attach: the handler must be a function, not nil
---
slavedriver:attach("slavedriver.*", print, { prioritty = 5 }) -- error: attach: the third argument: unknown option `prioritty`, did you mean `priority`?
---
slavedriver:attach("slavedriver.*", print, { timeout = 0 }) -- error: `timeout` must be more than 0
---
slavedriver:attach("slavedriver.*", print, "high") -- error: must be a table of options, not "high"
---
slavedriver:detach(5) -- error: detach: there is no handler 5
---
slavedriver:detach("x") -- error: the id must be what attach returned, not "x"
---
slavedriver:setSlaveName(5) -- error: setSlaveName: the value must be a string, not 5
---
slavedriver:setSlaveName("") -- error: must not be empty
---
slavedriver:setSlaveName(function() return 5 end) -- error: setSlaveName: what the function returns must be a string, not 5
---
slavedriver:setSlaveName(function() error("no idea") end) -- error: no idea
---
slavedriver:setNamespace(".x") -- error: must be 1 to 64 letters, digits, dots, dashes and underscores, no dot first, not ".x"
---
slavedriver:setNamespace("a b") -- error: must be 1 to 64 letters
---
slavedriver:setLockStore("redis://localhost") -- error: needs a namespace -- hint: slavedriver:setNamespace
---
slavedriver:setLockStore("file:///srv/locks") -- error: needs a namespace
---
slavedriver:setLockStore("gopher://localhost") -- error: setLockStore: has a scheme that is not known
---
slavedriver:setLockStore({ ulr = "redis://localhost" }) -- error: unknown key `ulr`, did you mean `url`?
---
slavedriver:setLockStore({}) -- error: setLockStore: the value does not say where the store is -- hint: `hosts`
---
slavedriver:setLockStore({ master = "shop" }) -- error: does not say where the store is
---
slavedriver:setLockStore({ hots = "db1" }) -- error: unknown key `hots`, did you mean `hosts`?
---
slavedriver:setLockStore({ "db1" }) -- error: every key needs a name
---
slavedriver:setLockStore({ hosts = {} }) -- error: `hosts` must name at least one host
---
slavedriver:setLockStore({ hosts = { "db1", 6379 } }) -- error: `hosts`: entry 2 must be a string, not 6379
---
slavedriver:setLockStore({ hosts = 6379 }) -- error: `hosts` must be a list of strings, not 6379
---
slavedriver:setLockStore({ hosts = "db1", db = "0" }) -- error: `db` must be a whole number of at least 0, not "0"
---
slavedriver:setLockStore({ hosts = "db1", tls = "yes" }) -- error: `tls` must be true or false
---
slavedriver:setLockStore({ hosts = "db1", password = 123456 }) -- error: `password` must be a string, not a number
---
slavedriver:setLockStore({ hosts = "db1", password = "" }) -- error: `password` must not be empty
---
slavedriver:setLockStore(6379) -- error: setLockStore: the value must be a string
---
slavedriver:setMonitoringSleepInterval(0) -- error: must be more than 0
---
slavedriver:setMaxConcurrentJobs(0) -- error: must be a whole number of at least 1, not 0
---
slavedriver:setForwardOutput("no") -- error: must be true or false, not "no"
---
slavedriver:setLogger("x") -- error: setLogger: the logger must be a function, a FileLogger, StderrLogger or SyslogLogger, or a list of these, not "x"
---
slavedriver:setLogger({ print, 5 }) -- error: must be a function, a FileLogger
---
slavedriver:setLogger(print, { errorExitcode = "alert" }) -- error: unknown log level key `errorExitcode`, did you mean `errorExitCode`?
---
slavedriver:setLogger(print, { errorExitCode = "allert" }) -- error: did you mean `alert`?
---
slavedriver.FileLogger{ path = "x", fromat = "json" } -- error: FileLogger: unknown key `fromat`, did you mean `format`?
---
slavedriver.FileLogger{ level = "info" } -- error: FileLogger: `path` is missing
---
slavedriver.StderrLogger{ level = "warn" } -- error: `level` must be "debug", "info", "notice", "warning", "error", "critical" or "alert", not "warn"
---
slavedriver.state:get("x") -- error: slavedriver.state cannot be used while the entry file loads -- hint: use it in handlers
---
slavedriver:addAllJobsInDirectory("nowhere") -- error: cannot read the folder nowhere: no such file or directory
---
slavedriver:addAllJobsInDirectory(5) -- error: the folder must be a string, not 5
---
slavedriver:addAllJobsInDirectory(".", { tgas = {} }) -- error: defaults: unknown option `tgas`, did you mean `tags`?
---
require("nothing.here") -- error: module `nothing.here` was not found: there is no nothing/here.lua and no nothing/here/init.lua
---
os.exit(1) -- error: os.exit would end slavedriver itself -- hint: slavedriver:run()
---
-- An error in a function that another function calls is told at its own line.
local function broken(job)
  job:setTimeout("x") -- error: must be a duration
end
broken(slavedriver.Job("a"))
---
-- So is one in a coroutine.
local co = coroutine.wrap(function()
  slavedriver.Job("a"):setTimeout("x") -- error: must be a duration
end)
co()
---
slavedriver:addJob({ -- error: `timeout` must be a duration
  name = "a",
  timeout = "x",
})
---
slavedriver:setKnownSlaves({}) -- error: setKnownSlaves: the value must name at least one slave
---
slavedriver:setKnownSlaves({ "web*" }) -- error: setKnownSlaves: the value must be whole names, without the * of "web*"
---
slavedriver:setKnownSlaves({ "web1", "web1" }) -- error: setKnownSlaves: the value names "web1" twice
---
slavedriver:setKnownSlaves({ "web1", "db1" })
slavedriver:addJob({ name = "a", schedule = "* * * * *", command = "true", slaves = { "web*", "db2" } }) -- error: job `a` is for the slave "db2", which is none of setKnownSlaves -- hint: did you mean "db1"?
