package luaapi

import (
	"testing"

	"slavedriver/engine"
)

// The examples of the original's README, line by line in Lua.
const readme = `
slavedriver:attach("slavedriver.job.output.stdout", function(job, params, event)
  local job = event:getTarget()
  local stdOut = event:getParam("stdOut")
  print(job:getName() .. ": " .. stdOut)
end)

slavedriver:attach("slavedriver.*", function(job, params, event)
  local job = event:getTarget()

  if job then
    print('Got event "' .. event:getName() .. '" on job "' .. job:getName() .. '"')
  else
    print('Got event "' .. event:getName() .. '"')
  end

  if event:getName() == slavedriver.EVENT_JOB_OUTPUT_STDOUT then
    print("stdOut > " .. event:getParam("stdOut"))
  elseif event:getName() == slavedriver.EVENT_JOB_OUTPUT_STDERR then
    print("stdErr > " .. event:getParam("stdErr"))
  end
end)

slavedriver:setSlaveName("test1")

-- Create a job
local job = slavedriver.Job("Sleep for a bit")
job:setCommand("sleep 10")
job:setTimeout(14)
job:setWarnIfNotFinishedAfterSeconds(11)
job:setSchedule("* * * * *")
job:setSlaves({ "test1" }) -- Optional, default to all slaves

-- Add the job to Slavedriver
slavedriver:addJob(job)

slavedriver:addAllJobsInDirectory("DirWithJobs")

slavedriver:setLogger(slavedriver.FileLogger({ path = "slavedriver.log" }), { errorExitCode = "alert" })

-- Run the required jobs
slavedriver:run()
`

func TestTheExamplesOfTheOriginal(t *testing.T) {
	dir := files(t, map[string]string{
		"slavedriver.lua": readme,
		"DirWithJobs/other.lua": `
			local job = slavedriver.Job("Other")
			job:setCommand("true")
			job:setSchedule(function() return false end)
			return job`,
	})
	s, out, err := loadIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Plan()
	if len(p.Jobs) != 2 || p.Slave != "test1" || !p.Jobs[0].OnSlave("test1") || p.Jobs[0].OnSlave("test2") || p.Levels.ErrorExitCode != engine.Alert {
		t.Errorf("the plan is %+v", p)
	}
	fire(t, s, &engine.Event{Name: engine.EventStarted})
	fire(t, s, started(s))
	fire(t, s, &engine.Event{Name: engine.EventJobStdout, Job: p.Jobs[0], Params: map[string]any{"stdOut": "out"}})
	fire(t, s, &engine.Event{Name: engine.EventJobStderr, Job: p.Jobs[0], Params: map[string]any{"stdErr": "err"}})
	equal(t, "printed", out.String(), `Got event "slavedriver.started"
Got event "slavedriver.job.started" on job "Sleep for a bit"
Sleep for a bit: out
Got event "slavedriver.job.output.stdout" on job "Sleep for a bit"
stdOut > out
Got event "slavedriver.job.output.stderr" on job "Sleep for a bit"
stdErr > err
`)
}
