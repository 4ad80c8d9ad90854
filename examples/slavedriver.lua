-- A whole setup: what a crontab line `slavedriver slavedriver.lua` runs every
-- minute. Try it: go run ./cmd/slavedriver examples/slavedriver.lua

local slavedriver = require("slavedriver")
local alert = require("alert") -- alert.lua, beside this file

-- Which jobs are this machine's? The environment may say so; else the hostname
-- does. A function may find out in any other way.
slavedriver:setSlaveName(os.getenv("SLAVEDRIVER_SLAVE_NAME") or "test1")

-- Every event there is goes by here.
slavedriver:attach("slavedriver.*", function(job, params, event)
  if job then
    print('Got event "' .. event.name .. '" on job "' .. job.name .. '"')
  else
    print('Got event "' .. event.name .. '"')
  end
  if event.name == slavedriver.EVENT_JOB_OUTPUT_STDOUT then
    io.write("  stdOut > ", params.stdOut)
  elseif event.name == slavedriver.EVENT_JOB_OUTPUT_STDERR then
    io.write("  stdErr > ", params.stdErr)
  end
end)

-- Failures of jobs that are marked as critical wake somebody up.
slavedriver:attach("slavedriver.job.finished.error", function(job, params, event)
  if job.customData.critical then
    alert.wake(job, params, event)
  end
end)

-- The form of the original: setters, which chain.
local job = slavedriver.Job("Sleep for a bit")
job:setCommand("echo good night; sleep 1; echo good morning")
job:setTimeout(14)
job:setWarnIfNotFinishedAfterSeconds(11)
job:setSchedule("* * * * *")
job:setSlaves({ "test1" }) -- optional; a job without is every slave's
slavedriver:addJob(job)

-- The same in a table: the names without "set".
slavedriver:addJob({
  name = "Say what failed",
  description = "Fails every minute, to show what a failure looks like",
  command = "echo the disk is full >&2; exit 5",
  schedule = "* * * * *",
})

-- One job a file, or several, in a folder of their own.
slavedriver:addAllJobsInDirectory("jobs", { tags = { "shop" } })

slavedriver:run()
