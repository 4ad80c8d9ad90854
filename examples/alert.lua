-- What happens when something critical fails. It is loaded by slavedriver.lua;
-- put here whatever reaches you: mail, a pager, a chat. slavedriver_test.lua
-- proves that it does.
local http = require("slavedriver.http")

local alert = {}

-- page wakes the one who is on call, where PagerDuty is set up. The outbox sends
-- the message again if the network is down just now.
local function page(summary, event, output)
  local key = os.getenv("PAGERDUTY_ROUTING_KEY")
  if not key then
    return
  end
  assert(http.post("https://events.pagerduty.com/v2/enqueue", {
    outbox = true,
    json = {
      routing_key = key,
      event_action = "trigger",
      dedup_key = event.run.id,
      payload = { summary = summary, source = event.run.slave, severity = "critical", custom_details = { output = output } },
    },
  }))
end

-- wake tells somebody that a job failed, with the end of what it said.
function alert.wake(job, params, event)
  local why = params.timedOut and "it took too long"
    or params.exitCode and ("exit code " .. params.exitCode)
    or params.reason
  print("ALERT: " .. job.name .. " failed: " .. why)
  print(event.run:output({ stream = "stderr", lastLines = 20 }))
  page(job.name .. " failed: " .. why, event, event.run:output({ lastLines = 50 }))
end

return alert
