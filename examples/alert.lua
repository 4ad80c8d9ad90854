-- What happens when something critical fails. It is loaded by slavedriver.lua;
-- put here whatever reaches you: mail, a pager, a chat.
local alert = {}

-- wake tells somebody that a job failed, with the end of what it said.
function alert.wake(job, params, event)
  local why = params.timedOut and "it took too long"
    or params.exitCode and ("exit code " .. params.exitCode)
    or params.reason
  print("ALERT: " .. job.name .. " failed: " .. why)
  print(event.run:output({ stream = "stderr", lastLines = 20 }))
end

return alert
